"""``labline doctor``: one page of everything that could be wrong, with what to do about it."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from gateway.cli.acts import person_option, sign_in_of
from gateway.cli.broker_probes import Finding, probe_broker
from gateway.cli.check import configured, warnings_of
from gateway.cli.checkup.fixes import fixed
from gateway.cli.checkup.records import Examined, Remark, State, Visited
from gateway.cli.checkup.table import CHECKS
from gateway.cli.live import NoGatewayError, live_status
from gateway.cli.opcua_probes import probe_sources
from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import out, show_json, show_lines, show_problems, show_wrapped
from gateway.cli.write_probes import probe_writes
from gateway.clock import SystemClock
from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.config.redaction import redacted
from gateway.config.tables import Settings
from gateway.errors import ConfigurationError, LablineError
from gateway.inference.signed_stages import with_signed_stages
from gateway.line.definition import LineDefinition
from gateway.records.acts import RetryMessages
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.signed_stages import signed_stages_in
from gateway.transport.mqtt_probe import presented_certificate
from gateway.transport.opcua_facts import ServerFacts, server_facts

_MARKS = {State.OK: ("ok", ""), State.WARN: ("warn", "yellow"), State.WRONG: ("WRONG", "red")}
_MARK_COLUMNS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorOptions:
    """What is examined, and whether something is mended."""

    config: Path = CONFIG
    fix: bool = typer.Option(
        False,
        "--fix",
        help="Mend what can be mended safely, and say what was done: missing folders, rights of files with secrets, "
        "the gateway's own OPC UA certificate if it ends soon (with its key and URI).",
    )
    retry_parked: bool = typer.Option(
        False, "--retry-parked", help="With --fix: also have the messages that the broker refused sent again."
    )
    person: str | None = person_option()
    offline: bool = typer.Option(False, "--offline", help="Connect to no server and no broker.")
    as_json: bool = JSON


@takes(DoctorOptions)
def doctor(options: DoctorOptions) -> None:
    """Show everything that could be wrong with a gateway, and what to do: one page, grouped.

    Configuration, clocks, disk, certificates, rights at the broker, servers, what waits to be sent, models, the audit
    trail, versions. It connects as labline check --connect does, which no consumer notices. Exit 1 if something is
    wrong, 2 if the configuration cannot be used.
    """
    try:
        settings, _sha256 = read(options.config)
    except ConfigurationError as error:
        _show_unusable(error, as_json=options.as_json)
        raise typer.Exit(2) from error
    done = list(_mended(settings, options)) if options.fix else []
    remarks = examined(options.config, settings, connect=not options.offline)
    document = page_document(remarks)
    if options.as_json:
        show_json({**document, "done": done})
    else:
        _show(remarks, done)
    raise typer.Exit(int(document["exit_code"]))


def _mended(settings: Settings, options: DoctorOptions) -> Iterator[str]:
    yield from fixed(settings, now_ns=time.time_ns())
    if options.retry_parked:
        act = RetryMessages(message_ids=(), all_parked=True)
        try:
            answer = perform(
                settings, act, path=options.config.resolve(), sign_in=sign_in_of(options.person), reason=""
            )
        except LablineError as error:
            yield f"not done: parked messages are not sent again: {error}"
        else:
            yield f"{len(answer.details['messages'])} parked messages will be sent again"


def examined(config: Path, settings: Settings, *, connect: bool) -> dict[str, list[tuple[str, Remark]]]:
    """Return what every check says: by group (check, remark), in the page's order."""
    with _gathered(config, settings, connect=connect) as seen:
        return {
            group: [(row.name, remark) for row in rows for remark in row.check(seen)]
            for group, rows in groupby(CHECKS, key=lambda row: row.group)
        }


def page_document(remarks: dict[str, list[tuple[str, Remark]]]) -> dict[str, Any]:
    """Return the page as one JSON object; it holds no secret."""
    every = [remark for lines in remarks.values() for _check, remark in lines]
    worst = max((remark.state for remark in every), default=State.OK)
    return {
        "schema": "labline.doctor/1",
        "ok": worst < State.WRONG,
        "exit_code": 1 if worst is State.WRONG else 0,
        "counts": {state.name.lower(): sum(remark.state is state for remark in every) for state in State},
        "checks": [
            {"group": group, "check": check, **_plain(remark)}
            for group, lines in remarks.items()
            for check, remark in lines
        ],
    }


def _plain(remark: Remark) -> dict[str, str]:
    texts = {name: redacted(str(value)) for name, value in asdict(remark).items() if name != "state"}
    return {"state": remark.state.name.lower(), **texts}


# --- what is looked at


@contextmanager
def _gathered(config: Path, settings: Settings, *, connect: bool) -> Iterator[Examined]:
    """Yield everything that checks look at."""
    line, problems, warnings = _line(config, settings)
    status, why_no_status = _status(settings)
    store, why_no_store = _store(settings)
    try:
        visited = asyncio.run(_visited(settings, line)) if connect else None
        yield Examined(
            config=config, settings=settings, line=line, now_ns=time.time_ns(), problems=problems, warnings=warnings,
            status=status, why_no_status=why_no_status, store=store, why_no_store=why_no_store, visited=visited,
        )  # fmt: skip
    finally:
        if store is not None:
            store.close()


def _line(config: Path, settings: Settings) -> tuple[LineDefinition | None, tuple[str, ...], tuple[str, ...]]:
    """Return (the line, what is wrong, what is warned of)."""
    try:
        _settings, line = configured(config)
    except ConfigurationError as error:
        problems = tuple(
            f"{problem.key}: {problem.message}{f'; {problem.hint}' if problem.hint else ''}"
            for problem in error.problems
        )
        return None, problems, ()
    warnings = tuple(warnings_of(settings, line))
    with suppress(LablineError):  # where there is no store yet, the line is as configured
        line = with_signed_stages(line, signed_stages_in(settings.store.directory))
    return line, (), warnings


def _status(settings: Settings) -> tuple[dict[str, Any] | None, str]:
    try:
        return live_status(settings.store.directory), ""
    except NoGatewayError as error:
        return None, str(error)


def _store(settings: Settings) -> tuple[sqlite3.Connection | None, str]:
    try:
        return read_state(settings.store.directory), ""
    except LablineError as error:
        return None, str(error)


async def _visited(settings: Settings, line: LineDefinition | None) -> Visited:
    """Visit servers and broker as ``check --connect`` does; without a line nobody knows which topics are published."""
    clock = SystemClock()
    try:
        sources = opcua_sources(settings)
    except ConfigurationError:
        return Visited()  # the page says which credential or certificate is missing
    facts: list[ServerFacts] = []
    for source in sources:
        try:
            facts.append(await server_facts(source, clock=clock))
        except (LablineError, TimeoutError):
            continue  # the tags' findings say why
    tags = await probe_sources(settings, clock=clock)
    mqtt = settings.mqtt
    presented = await presented_certificate(mqtt.host, mqtt.port) if mqtt.tls else None
    if line is None:
        return Visited(facts=tuple(facts), tags=tuple(tags), broker_certificate=presented)
    writes = await probe_writes(settings, line)
    broker: list[Finding] = await probe_broker(settings, line, clock=clock)
    return Visited(
        facts=tuple(facts), tags=tuple(tags), writes=tuple(writes), broker=tuple(broker), broker_certificate=presented
    )  # fmt: skip


# --- output


def _show_unusable(error: ConfigurationError, *, as_json: bool) -> None:
    """Show what is wrong with a configuration that cannot even be read; nothing else can be examined."""
    if as_json:
        texts = [{name: redacted(text) for name, text in asdict(problem).items()} for problem in error.problems]
        checks = [
            {"group": "configuration", "check": "problems", "state": "wrong", "where": text["file"],
             "what": f"{text['key']}: {text['message']}", "do": text["hint"]}
            for text in texts
        ]  # fmt: skip
        show_json({"schema": "labline.doctor/1", "ok": False, "exit_code": 2, "checks": checks, "done": []})
    else:
        show_problems(error.problems)


def _show(remarks: dict[str, list[tuple[str, Remark]]], done: list[str]) -> None:
    for sentence in done:
        show_wrapped(f"fixed: {redacted(sentence)}", hanging=7, style="green")
    for group, lines in remarks.items():
        if lines:
            out.print(group, style="italic")
        for _check, remark in lines:
            mark, style = _MARKS[remark.state]
            texts = _plain(remark)
            place = f"{texts['where']}: " if texts["where"] and remark.state is not State.OK else ""
            show_wrapped(f"  {mark:<6}{place}{texts['what']}", hanging=_MARK_COLUMNS, style=style)
            if remark.do:
                show_wrapped(f"{' ' * _MARK_COLUMNS}-> {texts['do']}", hanging=_MARK_COLUMNS + 3)
    counts = page_document(remarks)["counts"]
    show_lines(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['wrong']} wrong")
