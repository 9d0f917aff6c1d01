"""From a change that an observer at the broker sees to pixels in a real browser; and what open consoles cost.

Before the real gateway, broker and plant. Twenty consoles are twenty connections that ask as the page asks
(``console_pages.py``); what is counted is the processor time of the gateway's process. Two paces: a usual one, in
which a model predicts every five seconds, and the demonstration's, with two models twice a second.
"""

import asyncio
import getpass
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.output import err
from gateway.clock import SystemClock
from gateway.contract.acts import identity_of_act
from gateway.contract.topics import Topics
from gateway.events import ActRequested
from gateway.ingest.event_queue import Pending
from gateway.people.passwords import hashed
from gateway.records.acts import Act, ActOutcome
from gateway.records.user_acts import AddUser, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.database import open_state
from gateway.store.transaction.decide_batch import decide_batch
from simulator.bench.console_pages import open_pages
from simulator.bench.console_paint import NoBrowserError, Observed, browser_page
from simulator.bench.load import MODELS
from simulator.bench.measuring import Figure, Goal
from simulator.bench.season import bare_line
from simulator.broker import Broker, free_port, running_broker
from simulator.gateway_process import TOPIC_ROOT, RunningGateway, configuration_text, running_gateway
from simulator.lims import Lims
from simulator.mes import Mes
from simulator.mqtt import Participant
from simulator.observer import spread
from simulator.opcua_server import PlantServer
from simulator.plant import Plant
from simulator.scenarios import Pace

PAGES, SECONDS, SMALL_SECONDS, PIXEL_SECONDS = 20, 30.0, 3.0, 60.0
FEWEST_CHANGES = 100
_USERS = ("bench-1", "bench-2", "bench-3", "bench-4")
_PASSWORD = "twenty open consoles"  # noqa: S105 - of users of a store that lives for minutes
_SETTLE_SECONDS, _PAINT_SECONDS = 3.0, 2.0
_GOAL_MS, _GOAL_SHARE = 250.0, 0.05
_USUAL = ('every = "500ms"', 'every = "5s"')


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """A line at work, with a console."""

    broker: Broker
    gateway: RunningGateway
    port: int


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the latency to pixels, and what twenty consoles cost at two paces."""
    return asyncio.run(_measure(small))


async def _measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - as above
    seconds, pixels = (SMALL_SECONDS, SMALL_SECONDS) if small else (SECONDS, PIXEL_SECONDS)
    async with _stage(usual=True) as stage:
        figures = await _cost(stage, seconds, "usual", goal=Goal(op="<=", value=_GOAL_SHARE))
    async with _stage(usual=False) as stage:
        figures |= await _cost(stage, seconds, "demo", goal=None)
        try:
            figures |= await _pixels(stage, pixels, fewest=0 if small else FEWEST_CHANGES)
        except NoBrowserError as error:
            err.print(f"not measured: from a change to pixels. {error}")
    return figures


async def _cost(stage: _Stage, seconds: float, pace: str, *, goal: Goal | None) -> dict[str, Figure]:
    """Return what the gateway computes without and with open pages, and what the pages add to it."""
    await asyncio.sleep(_SETTLE_SECONDS)
    alone = await _share(stage.gateway, seconds)
    async with open_pages(stage.port, count=PAGES, users=_USERS, password=_PASSWORD) as pages:
        await asyncio.sleep(_SETTLE_SECONDS)
        taken = sum(page.states_taken for page in pages)
        together = await _share(stage.gateway, seconds)
        taken = sum(page.states_taken for page in pages) - taken
        refused = sum(page.refused for page in pages)
    return {
        f"{pace}_alone": Figure(value=alone, unit="of a core"),
        f"{pace}_with_{PAGES}_consoles": Figure(value=together, unit="of a core"),
        f"{pace}_{PAGES}_consoles_cost": Figure(value=together - alone, unit="of a core", goal=goal),
        f"{pace}_states_taken": Figure(value=taken / seconds / PAGES, unit="1/s of a page"),
        f"{pace}_refused": Figure(value=refused, unit="answers", goal=Goal(op="==", value=0)),
    }


async def _share(gateway: RunningGateway, seconds: float) -> float:
    begun, computed = time.perf_counter(), gateway.processor_seconds()
    await asyncio.sleep(seconds)
    return (gateway.processor_seconds() - computed) / (time.perf_counter() - begun)


async def _pixels(stage: _Stage, seconds: float, *, fewest: int) -> dict[str, Figure]:
    seen, everything = Observed(), Topics(TOPIC_ROOT).everything
    async with (
        Participant("observer", port=stage.broker.port, version_5=stage.broker.version_5, subscriptions=(everything,),
                    on_arrival=seen.received),
        browser_page(stage.port, user=_USERS[0], password=_PASSWORD) as page,
    ):  # fmt: skip
        await asyncio.sleep(_SETTLE_SECONDS)
        await page.record()
        await asyncio.sleep(seconds)
        settled_at = time.time() * 1000
        await asyncio.sleep(_PAINT_SECONDS)
        latencies, missing = await page.latencies(seen, settled_at=settled_at)
    measured = spread(latencies)
    p95 = sorted(latencies)[int(0.95 * (len(latencies) - 1))] if latencies else float("inf")
    return {
        "pixels_p50": Figure(value=measured["p50"] or 0.0, unit="ms"),
        "pixels_p95": Figure(value=p95, unit="ms", goal=Goal(op="<=", value=_GOAL_MS)),
        "pixels_longest": Figure(value=measured["max"] or 0.0, unit="ms"),
        "pixels_changes": Figure(value=len(latencies), unit="changes", goal=Goal(op=">=", value=fewest)),
        "pixels_never_painted": Figure(value=missing, unit="changes", goal=Goal(op="==", value=0)),
    }


@asynccontextmanager
async def _stage(*, usual: bool) -> AsyncIterator[_Stage]:
    """Run a line with its console: broker, plant, gateway, MES and laboratory; nobody follows its guidance."""
    plant, pace, port = Plant(1), Pace(), free_port()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labline-bench-")))
        broker = await stack.enter_async_context(running_broker(folder))
        server = await stack.enter_async_context(PlantServer(plant, port=free_port()))
        configuration = folder / "labline.toml"
        text = configuration_text(directory=folder, broker=broker, plant_url=server.url, models=MODELS)
        text = text.replace(*_USUAL) if usual else text
        configuration.write_text(f'{text}\n[console]\nlisten = "127.0.0.1:{port}"\n')
        _add_users(folder / "store")
        mes, lims = [
            await stack.enter_async_context(Participant(name, port=broker.port, version_5=broker.version_5))
            for name in ("mes", "lims")
        ]
        orders = Mes(mes, pace)
        laboratory = Lims(lims, plant, orders, pace, seed=1, on_published=lambda _published: None)
        playing = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [playing.create_task(server.run(), name="plant")]

        async def end() -> None:
            for task in tasks:
                task.cancel()
            await laboratory.finish()

        stack.push_async_callback(end)
        gateway = await stack.enter_async_context(running_gateway(configuration, directory=folder))
        tasks += [playing.create_task(part.run(), name=name) for name, part in (("mes", orders), ("lims", laboratory))]
        yield _Stage(broker=broker, gateway=gateway, port=port)


def _add_users(directory: Path) -> None:
    """Write users with a password; the account of the operating system that runs this adds them."""
    directory.mkdir()
    account, at = getpass.getuser(), SystemClock().now()
    with closing(open_state(directory)) as connection:
        connection.execute("BEGIN IMMEDIATE")

        def do(act: Act, subject: str) -> None:
            """Have an act done as an account of the operating system; raises RuntimeError where it is refused."""
            by = Credential(kind=CredentialKind.OS_USER, subject=subject, owns_store=subject == account)
            event = ActRequested(
                event_id=identity_of_act(act, at_ns=at.wall_ns, by=by.identity),
                at=at,
                act=act,
                credential=by,
                reason="bench",
            )
            answer = decide_batch(connection, line=bare_line(), batch=(Pending(event),)).answers[event.event_id]
            if answer.outcome is not ActOutcome.DONE:
                raise RuntimeError(f"the bench's user was refused: {answer.why}")

        do(AddUser(user_id="head", full_name="Head", roles=(Role.ADMINISTRATOR,), os_user=account), account)
        for user in _USERS:
            do(AddUser(user_id=user, full_name=user, roles=(Role.VIEWER,), os_user=f"os-{user}"), account)
            do(SetPassword(user_id=user, password_hash=hashed(_PASSWORD)), f"os-{user}")
        connection.execute("COMMIT")
