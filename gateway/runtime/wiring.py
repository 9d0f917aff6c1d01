"""Building the gateway's parts from the configuration: each receives what it needs, and never the whole.

Read ``build`` from top to bottom to see who is connected to whom.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from gateway.advice.windows_read import read_back_ns
from gateway.clock import Clock
from gateway.config.connections import broker_address, opcua_sources, result_mapping, webhook_options
from gateway.config.line_definition import analytes_of
from gateway.config.tables import Settings
from gateway.contract.acts import LONGEST_LINE_BYTES, answer_line
from gateway.contract.contexts import context_messages
from gateway.contract.identity import identity_of
from gateway.contract.publications import AUDIT_HEAD, STATUS
from gateway.contract.topics import Topics
from gateway.database.writer import Writer
from gateway.deadlines import ClockReading
from gateway.events import AdviceWithheld
from gateway.guardrails.gates import present_setpoint
from gateway.history.rings import Rings
from gateway.history.tag_history import RING_SAMPLES, History
from gateway.history.windows import WindowRequest
from gateway.history.writer import Historian
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.gaps import Gaps
from gateway.ingest.heads import understand_head
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context, understand_specifications
from gateway.ingest.messages import Intake, Understand
from gateway.ingest.responses import understand_response
from gateway.ingest.webhook import TOPIC as WEBHOOK_TOPIC
from gateway.ingest.webhook import WebhookIntake
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.operations.systemd import Progress
from gateway.publish.drain import Drain
from gateway.publish.status import StatusPublisher, offline_payload
from gateway.records.acts import refused
from gateway.records.outgoing import Head
from gateway.records.process import GapKind
from gateway.records.verdicts import Reason
from gateway.runtime.control_socket import CLOSING_SECONDS, Acts
from gateway.runtime.disk_space import Bounds, Space
from gateway.runtime.follow_ups import FollowUps
from gateway.runtime.model_versions import Define, Versions
from gateway.runtime.process_loop import Processor
from gateway.runtime.retention import Retention
from gateway.runtime.retries import Retries
from gateway.runtime.store_checks import Checker
from gateway.store.audit.heads import HeadFile, keys_of_heads
from gateway.store.care.opening import Prepared
from gateway.store.database import open_state, read_state
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_options import SessionOptions, Will
from gateway.transport.unix_lines import LineServer
from gateway.transport.webhook_options import WebhookOptions

_LOOP_ALLOWED_SECONDS = {"process": 15.0, "drain": 15.0}
_QUIET_SECONDS = 0.25  # what decisions leave for later waits so long for what is being sent


class Loop(Protocol):
    """What goes on for as long as the gateway does."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...


class Feed(Loop, Protocol):
    """What listens to one source of tags."""

    @property
    def name(self) -> str:
        """Return the source's name."""
        ...

    async def fill(self) -> None:
        """Read from the source what was missed, until cancelled."""
        ...

    async def wait_subscribed(self) -> None:
        """Return once values come."""
        ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the daemon has built; each part got only what it needs."""

    settings: Settings
    line: LineDefinition
    clock: Clock
    inbox: EventQueue
    historian: Historian
    feeds: tuple[Feed, ...]
    processor: Processor
    drain: Drain
    inbound: MqttSession
    main: MqttSession
    health: Health
    progress: Progress
    status: StatusPublisher
    webhook: Loop | None
    control: LineServer
    upkeep: Mapping[str, Loop]


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What everything is built on."""

    settings: Settings
    line: LineDefinition
    clock: Clock
    health: Health
    inbox: EventQueue
    gaps: Gaps
    prepared: Prepared
    define: Define


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The databases, open."""

    writer: Writer
    reader: Reader
    historian: Historian


@asynccontextmanager
async def opened(ground: Dependencies) -> AsyncIterator[Stores]:
    """Open the databases, and close them at the end of the block."""
    directory, health = ground.settings.store.directory, ground.health

    def dropped(count: int, from_ns: int, until_ns: int) -> None:
        health.alarm("HISTORY_DROPPED")
        ground.gaps.notice(GapKind.DROPPED, "history", from_ns=from_ns, until_ns=until_ns, samples=count)

    historian = Historian(
        directory,
        now_ns=ground.clock.now_ns,
        on_trouble=lambda why: health.condition("HISTORY_UNAVAILABLE", why is not None),
        on_dropped=dropped,
    )
    with HeadFile(directory) as head_file:
        writer = Writer(partial(open_state, directory), name="store", after_commit=head_file.witness)
        async with writer, Reader(directory) as reader, historian:
            yield Stores(writer=writer, reader=reader, historian=historian)


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The two sessions with the broker, and what takes from each.

    Results and context come by a session of their own, so that their backlog never delays a person's answer.
    """

    inbound: MqttSession
    main: MqttSession
    results_and_context: Intake
    responses: Intake


async def build(ground: Dependencies, stores: Stores) -> Parts:
    """Return the parts, connected; nothing runs yet."""
    line, clock, health = ground.line, ground.clock, ground.health
    history = await _history(ground, stores)
    progress = Progress(_LOOP_ALLOWED_SECONDS)  # it counts from now: loading what earlier runs have left is no stall
    sessions, webhook = _sessions(ground), webhook_options(ground.settings)
    drain = Drain(
        session=sessions.main,
        reader=stores.reader,
        writer=stores.writer,
        line=line,
        present=lambda tag: _present(tag, line, history, clock),
        clock=clock,
        on_progress=lambda: progress.beat("drain"),
        on_alarm=health.alarm,
        on_withheld=partial(_withheld, ground.inbox, clock),
    )
    follow_ups = FollowUps(
        line=line,
        reader=stores.reader,
        inbox=ground.inbox,
        windows=history.windows,
        clock=clock,
        on_alarm=health.alarm,
        quiet=partial(drain.caught_up, within_seconds=_QUIET_SECONDS),
    )
    processor = Processor(
        inbox=ground.inbox,
        line=line,
        windows=history.windows,
        writer=stores.writer,
        on_committed=drain.committed,
        on_progress=lambda: progress.beat("process"),
        on_store=health.store,
        on_alarm=health.alarm,
        on_follow_ups=follow_ups.wake,
        on_board_due=follow_ups.refresh_board,
    )
    status = _status(ground, stores, sessions)
    versions = Versions(
        line,
        define=ground.define,
        reader=stores.reader,
        inbox=ground.inbox,
        clock=clock,
        parts=(_HistoryOfLine(history=history), processor, drain, status, health, follow_ups),
    )
    upkeep, retries = _upkeep(ground, stores, processor, drain), _retries(ground, stores, sessions)
    acts = Acts(
        inbox=ground.inbox,
        clock=clock,
        versions=versions,
        on_retries=partial(_tried_again, retries, drain),
        on_change=health.on_change,
    )
    return Parts(
        settings=ground.settings,
        line=line,
        clock=clock,
        inbox=ground.inbox,
        historian=stores.historian,
        feeds=_feeds(ground, history),
        processor=processor,
        drain=drain,
        inbound=sessions.inbound,
        main=sessions.main,
        health=health,
        progress=progress,
        status=status,
        webhook=None if webhook is None else _webhook(webhook, sessions, health),
        control=_control(ground, acts),
        upkeep={**upkeep, "retries": retries, "follow-ups": follow_ups},
    )


@dataclass(frozen=True, kw_only=True)
class _HistoryOfLine:
    """Has history kept in memory as far back as the models of the line read it."""

    history: History

    def take_line(self, line: LineDefinition) -> None:
        """Keep by this definition from now on."""
        self.history.need(read_back_ns(line))


async def _history(ground: Dependencies, stores: Stores) -> History:
    rings = Rings(
        {name: tag.source for name, tag in ground.line.tags.items()},
        capacity=RING_SAMPLES,
        need_ns=read_back_ns(ground.line),
    )

    def clock_set(from_ns: int, until_ns: int) -> None:
        by_seconds = (until_ns - from_ns) / SECOND_NS
        first_ns, last_ns = sorted((from_ns, until_ns))
        ground.gaps.notice(GapKind.CLOCK_SET, "history", from_ns=first_ns, until_ns=last_ns, by_seconds=by_seconds)

    history = History(
        rings,
        stores.historian,
        now=ground.clock.now,
        on_damage=lambda: ground.health.alarm("HISTORY_DAMAGED"),
        on_clock_set=clock_set,
    )
    await history.load()
    return history


def inbound_routes(settings: Settings) -> dict[str, Understand]:
    """Return which function understands what comes on each subscribed topic for results, context and master data."""
    lims = settings.lims
    results = understand_results(
        source=lims.source,
        analytes=analytes_of(settings),
        assume_status=lims.assume_status,
        mapping=result_mapping(lims),
        decimal_comma=lims.decimal_comma,
        ignore=lims.ignore,
    )
    routes: dict[str, Understand] = {lims.topic: results, settings.mes.topic: understand_context}
    if settings.master_data.topic is not None:
        routes[settings.master_data.topic] = understand_specifications(
            analytes_of(settings), ignore=settings.master_data.ignore
        )
    return routes


def inbound_intake(settings: Settings, *, inbox: EventQueue, now: Callable[[], ClockReading]) -> Intake:
    """Return the intake of results, context and master data: from the broker, the webhook and dead letters alike."""
    routes, parts = inbound_routes(settings), result_mapping(settings.lims).parts
    results = routes[settings.lims.topic]
    return Intake(
        inbox=inbox,
        urgency=Urgency.INBOUND,
        routes={**routes, WEBHOOK_TOPIC: results},
        splits={settings.mes.topic: context_messages, settings.lims.topic: parts, WEBHOOK_TOPIC: parts},
        now=now,
    )


def _sessions(ground: Dependencies) -> Sessions:
    for name in ("broker", "broker_in"):
        ground.health.source(name, False)  # until it is heard: one that never comes is not left out
    settings, line, health = ground.settings, ground.line, ground.health
    mqtt, topics = settings.mqtt, Topics(line.topic_root)
    routes = inbound_routes(settings)
    intake = inbound_intake(settings, inbox=ground.inbox, now=ground.clock.now)
    responses = Intake(
        inbox=ground.inbox,
        urgency=Urgency.STOP_AND_RESPONSES,
        routes={
            topics.responses: understand_response,
            AUDIT_HEAD.topic_of(line.topic_root): understand_head(_keys_of_line(ground)),
        },
        now=ground.clock.now,
    )
    inbound = SessionOptions(
        address=broker_address(settings),
        client_id=f"{mqtt.client_id}-in",
        subscriptions=tuple(routes),
        on_delivery=intake.take,
        on_condition=partial(health.condition, of="broker_in"),
        on_state=lambda connected: health.source("broker_in", connected),
        session_expiry_seconds=round(mqtt.session_expiry),
        receive_maximum=mqtt.receive_maximum,
    )
    main = replace(
        inbound,
        client_id=mqtt.client_id,
        subscriptions=(topics.responses,),
        retained=(AUDIT_HEAD.topic_of(line.topic_root),),
        on_delivery=responses.take,
        on_condition=partial(health.condition, of="broker"),
        on_state=lambda connected: health.source("broker", connected),
        will=Will(topic=STATUS.topic_of(line.topic_root), payload=lambda: offline_payload(line, ground.clock.now_ns())),
    )
    sessions = Sessions(
        inbound=MqttSession(inbound, clock=ground.clock),
        main=MqttSession(main, clock=ground.clock),
        results_and_context=intake,
        responses=responses,
    )
    intake.session, responses.session = sessions.inbound, sessions.main
    return sessions


def _keys_of_line(ground: Dependencies) -> frozenset[str]:
    """Return the public keys whose heads are believed: the one that signs, and those that have signed in this store."""
    with closing(read_state(ground.settings.store.directory)) as connection:
        known = keys_of_heads(connection)
    sign = ground.line.head_signer
    return known if sign is None else known | {sign(Head(seq=1, hash=""), 0).public_key}


def _feeds(ground: Dependencies, history: History) -> tuple[Feed, ...]:
    sources = opcua_sources(ground.settings)
    if not sources:
        return ()
    from gateway.ingest.opcua import OpcUaFeed  # noqa: PLC0415 - a line without sources needs no library of OPC UA

    for source in sources:
        ground.health.source(source.name, False)  # until it is heard: one that never comes is not left out
    return tuple(
        OpcUaFeed(
            source,
            clock=ground.clock,
            history=history,
            gaps=ground.gaps,
            max_clock_skew_ns=seconds_to_ns(ground.settings.opcua[source.name].max_clock_skew),
            listener=ground.health,
        )
        for source in sources
    )


def _status(ground: Dependencies, stores: Stores, sessions: Sessions) -> StatusPublisher:
    due = asyncio.Event()
    ground.health.on_change = due.set
    return StatusPublisher(
        line=ground.line,
        health=ground.health,
        reader=stores.reader,
        session=sessions.main,
        now_ns=ground.clock.now_ns,
        due=due,
    )


def _upkeep(ground: Dependencies, stores: Stores, processor: Processor, drain: Drain) -> dict[str, Loop]:
    """Return the loops that keep the store within its bounds, by name."""
    table, clock, figures = ground.settings.store, ground.clock, ground.health.disk.update
    bounds = Bounds(
        quota_bytes=round(table.quota),
        floor_bytes=round(table.free_space_floor),
        retention_seconds=table.history_retention,
    )

    return {
        "space": Space(
            table.directory,
            bounds,
            clock=clock,
            on_room=processor.room,
            on_condition=ground.health.condition,
            on_figures=figures,
        ),
        "retention": Retention(
            bounds,
            clock=clock,
            writer=stores.writer,
            historian=stores.historian,
            gaps=ground.gaps,
            on_figures=figures,
            on_evicted=drain.wake,
            clock_in_doubt=ground.health.clock_in_doubt,
        ),
        "checker": Checker(table.directory, clock=clock, inbox=ground.inbox, due=ground.prepared.unchecked),
    }


def _retries(ground: Dependencies, stores: Stores, sessions: Sessions) -> Retries:
    def again(topic: str, payload: bytes, committed: Callable[[], None]) -> None:
        intake = sessions.responses if sessions.responses.takes(topic) else sessions.results_and_context
        intake.offer(topic, payload, session="retry", committed=committed)

    return Retries(clock=ground.clock, reader=stores.reader, writer=stores.writer, again=again)


def _tried_again(retries: Retries, drain: Drain) -> None:
    """Take up at once what a person wants tried or sent again."""
    retries.wake()
    drain.look_behind()


def _control(ground: Dependencies, acts: Acts) -> LineServer:
    """Return the socket by which commands reach the gateway; in the runtime directory where systemd has made one."""
    directory = ground.settings.store.directory
    runtime_directory = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return LineServer(
        Path(runtime_directory) if runtime_directory else directory,
        named_in=directory,
        longest_bytes=LONGEST_LINE_BYTES,
        answer=acts.answer,
        too_long=answer_line(refused(f"a request has at most {LONGEST_LINE_BYTES} bytes", hint="ask for less at once")),
        on_condition=ground.health.condition,
        closing_seconds=CLOSING_SECONDS,
    )


def _webhook(options: WebhookOptions, sessions: Sessions, health: Health) -> Loop:
    from gateway.transport.http import Webhook  # noqa: PLC0415 - a line without a webhook needs no web server

    taking = WebhookIntake(sessions.results_and_context)
    return Webhook(options, take=taking.take, on_condition=health.condition)


def _withheld(inbox: EventQueue, clock: Clock, message_id: str, refused: Mapping[str, Reason]) -> None:
    """Have the guidance withdrawn of which the second check kept a message back."""
    event = AdviceWithheld(event_id=identity_of("advice-withheld", message_id), at=clock.now(), refused=refused)
    inbox.put(event, Urgency.STOP_AND_RESPONSES)


def _present(tag: str, line: LineDefinition, history: History, clock: Clock) -> float | None:
    """Return a tag's value at this instant, judged like any input; None where it is not known or not good."""
    now_ns = clock.now_ns()
    window = history.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns))
    setpoint = present_setpoint(line.tags[tag], window)
    return None if setpoint is None else setpoint.value
