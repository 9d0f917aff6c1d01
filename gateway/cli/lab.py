"""``labline lab``: laboratory results from files, by the way that all results take."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from gateway.cli.options import takes
from gateway.cli.output import err, out, progress_of, show_json, show_table
from gateway.clock import SystemClock
from gateway.config.connections import broker_address, lims_interface
from gateway.config.line_definition import analytes_of
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.lims.field_spellings import is_field
from gateway.contract.lims.lab_results import CANONICAL, ReadResult, read_result
from gateway.contract.lims.lab_values import TEXT_VALUE, THOUSANDS_SEPARATORS
from gateway.contract.lims.message_fields import DATE_ONLY
from gateway.contract.lims.names import folded
from gateway.contract.lims.result_files import PROBLEM, FileForm, decoded, line_count, message_with, messages_in
from gateway.contract.refusals import MessageRefusedError, Refusal
from gateway.contract.topics import unshared
from gateway.errors import LablineError, NotConnectedError
from gateway.records.verdicts import Reason
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Outgoing
from gateway.transport.mqtt_options import SessionOptions

app = typer.Typer(help="Laboratory results.", no_args_is_help=True)

_CONNECT_SECONDS = 10.0
_SEND_SECONDS = 10.0
_REFUSED = 0x80
_SHOWN = 20
_SECOND_ROW = "a second row of the same result: give each its result_version"
_TELLING = frozenset(
    {DATE_ONLY, TEXT_VALUE, THOUSANDS_SEPARATORS, "LIMIT_UNKNOWN"}
)  # flags that a file's author may mend
_HINTS: Mapping[str, str] = {
    Refusal.NOT_A_TIME: '(--time-format "%d.%m.%Y %H:%M" says how times are written, --time-zone where)',
    Refusal.NOT_A_NUMBER: "(--decimal-comma and --decimal-point say how numbers are written)",
    Refusal.UNMAPPED_FIELD: "(--ignore leaves a column out)",
}


@app.callback()
def _group() -> None:
    """Laboratory results."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """Which file is sent, and how it is written."""

    file: Path = typer.Argument(..., help="A CSV file with a header, one result a row.")
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file.")
    column: list[str] = typer.Option([], "--column", help='Which column is a field, such as sample_id="Sample no.".')
    ignore: list[str] = typer.Option([], "--ignore", help="A column that does not matter, whatever it says.")
    separator: str = typer.Option(None, "--separator", help="What separates cells; else as the file shows.")
    encoding: str = typer.Option(None, "--encoding", help="How the file is written, such as cp1252; else UTF-8.")
    decimal_comma: bool = typer.Option(
        None, "--decimal-comma/--decimal-point", help="Numbers are written like 9,8; else as [lims] decimal_comma says."
    )
    zone: str = typer.Option(None, "--time-zone", help="Of times that name none, such as Europe/Paris.")
    time_format: str = typer.Option(None, "--time-format", help='Of times, such as "%d.%m.%Y %H:%M"; else ISO 8601.')
    only_good: bool = typer.Option(
        False, "--only-good", help="Send though some rows cannot be read; the lots of those are then for review."
    )
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be sent, and what could not be read.")
    as_json: bool = typer.Option(False, "--json", help="One JSON object.")


@app.command(name="import")
@takes(ImportOptions)
def import_results(options: ImportOptions) -> None:
    """Send the results in a file to the broker, as a laboratory's system would; the gateway takes them from there.

    Every row is read first as the gateway will read it; where one cannot be read, nothing is sent. With --only-good
    the rows that cannot be read are sent, too, so that no lot is released for want of them. A row that was sent before
    and is unchanged changes nothing; a correction needs a result_version. Exit 1 where a row cannot be read or the
    broker refuses one.
    """
    settings, _sha256 = read(options.config)
    if settings.lims.mapping != "canonical":
        hint = 'a line of its own for files: [lims] mapping = "canonical"'
        raise LablineError("files are sent as canonical messages, and [lims] mapping reads others", hint=hint)
    rows = _read(options.file, _form(options, settings), encoding=options.encoding, settings=settings)
    wanted = rows.good if not rows.bad or not options.only_good else rows.all_messages
    sending = not options.dry_run and bool(wanted) and (options.only_good or not rows.bad)
    sent = 0
    if sending:
        with progress_of("sending", quiet=options.as_json) as told:
            sent = asyncio.run(_send(wanted, settings, told))
    refused = len(wanted) - sent if sending else 0
    _show(rows, sent=sent, refused=refused, as_json=options.as_json)
    if refused:
        err.print(_no_right(refused, settings), style="red", soft_wrap=True)
    elif rows.bad and not sending and not options.dry_run:
        err.print("nothing was sent: mend the rows, or send them all with --only-good", soft_wrap=True)
    raise typer.Exit(1 if rows.bad or refused else 0)


def _form(options: ImportOptions, settings: Settings) -> FileForm:
    """Return how the file is written: what its options say, else the configuration."""
    lims = settings.lims
    return FileForm(
        separator=_separator(options.separator),
        columns=_columns(options.column),
        decimal_comma=lims.decimal_comma if options.decimal_comma is None else options.decimal_comma,
        gateway_decimal_comma=lims.decimal_comma,
        zone=None if options.zone is None else _zone(options.zone),
        time_format=_time_format(options.time_format),
        ignore=frozenset(folded(name) for name in (*options.ignore, *lims.ignore)),
    )


def _topic(settings: Settings) -> str:
    """Return the topic that rows are sent to, one of those that the gateway listens to."""
    return unshared(settings.lims.topic).replace("#", "import").replace("+", "import")


def _no_right(refused: int, settings: Settings) -> str:
    """Return which right the broker does not give, and to whom."""
    user = settings.mqtt.username
    return (
        f"the broker refused {refused} of the messages: give {f'user {user}' if user else 'the gateway'} "
        f"the right to write to {_topic(settings)}, and import the file again"
    )


@dataclass(kw_only=True, slots=True)
class _Rows:
    """What a file says: in ``messages`` every row in its order, in ``bad`` the line and the reason of some."""

    lines: int
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    unused: dict[str, None] = field(default_factory=dict)

    @property
    def good(self) -> list[bytes]:
        """Return the messages of the rows that can be read."""
        return [message for line, message in self.messages if line not in self.bad]

    @property
    def all_messages(self) -> list[bytes]:
        """Return the messages of all rows."""
        return [message for _line, message in self.messages]


def _show(rows: _Rows, *, sent: int, refused: int, as_json: bool) -> None:
    total, readable = len(rows.messages), len(rows.good)
    if as_json:
        show_json({"lines": rows.lines, "rows": total, "readable": readable, "sent": sent,
                   "refused_by_broker": refused, "flags": dict(rows.flags),
                   "unused_columns": list(rows.unused), "for_review": max(sent - readable, 0),
                   "refused": [{"line": line, "why": why} for line, why in rows.bad.items()]})  # fmt: skip
        return
    if rows.bad:
        first = f"; the first {_SHOWN}" if len(rows.bad) > _SHOWN else ""
        title = f"{len(rows.bad)} row{' cannot' if len(rows.bad) == 1 else 's cannot'} be read{first}"
        show_table(title, ("line", "why"), list(rows.bad.items())[:_SHOWN])
    if rows.unused:
        err.print(f"columns that nothing reads: {', '.join(rows.unused)}", soft_wrap=True)
    for flag, count in rows.flags.items():
        err.print(f"{count} of the rows {'is' if count == 1 else 'are'} flagged {flag}", soft_wrap=True)
    review = f", {sent - readable} of them for review" if sent > readable else ""
    out.print(
        f"{readable} of {total} rows can be read, {sent} sent{review} ({rows.lines} lines with the header)",
        soft_wrap=True,
    )


def _separator(given: str | None) -> str | None:
    given = "\t" if given == r"\t" else given
    if given is not None and len(given) != 1:
        raise typer.BadParameter(f"--separator {given}: give one character, such as ;")
    return given


def _time_format(given: str | None) -> str | None:
    try:
        if given is not None:
            datetime.strptime(datetime(2026, 11, 29, 15, 0, tzinfo=UTC).strftime(given), given)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise typer.BadParameter(f'--time-format {given}: give one such as "%d.%m.%Y %H:%M" ({error})') from error
    return given


def _columns(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    unknown = [field for field, equals, name in pairs if equals and name and not is_field(field)]
    if unknown:
        raise typer.BadParameter(f"--column {unknown[0]}: there is no such field of a result; see docs/payloads.md")
    wrong = [field for field, equals, name in pairs if not (field and equals and name)]
    if wrong:
        raise typer.BadParameter(f'--column {wrong[0]}: give field=column, such as sample_id="Sample no."')
    return {field: name for field, _equals, name in pairs}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"--time-zone: there is no zone {name}") from error


def _read(file: Path, form: FileForm, *, encoding: str | None, settings: Settings) -> _Rows:
    """Return what the gateway would read of the file; raises LablineError where it cannot be parted into rows."""
    try:
        text = decoded(file.read_bytes(), encoding)
        rows = _Rows(lines=line_count(text), messages=list(messages_in(text, form)))
    except OSError as error:
        raise LablineError(f"{file} cannot be read: {error.strerror}", hint="name a CSV file") from error
    except ValueError as error:
        hint = "a file with a header, in UTF-8 or --encoding; --column names other columns"
        raise LablineError(f"{file}: {error}", hint=hint) from error
    seen = set[tuple[str, str, int]]()
    for at, (line, message) in enumerate(rows.messages):
        try:
            read_as = _understood(message, settings)
        except MessageRefusedError as error:
            rows.bad[line] = str(error)
            continue
        result = read_as.result
        own = (result.sample_id, result.test_id, result.replicate)
        if result.result_version is None and own in seen:  # sent again, it would be a correction of the correction
            rows.bad[line] = _SECOND_ROW
            rows.messages[at] = (line, message_with(json.loads(message), [_SECOND_ROW]))
        seen.add(own)
        if result.unread:
            rows.bad[line] = " ".join(_for_a_file(reason) for reason in result.unread)
        rows.flags.update(set(result.flags) & _TELLING)
        rows.unused |= dict.fromkeys(name for name in read_as.unused if name != PROBLEM)
    return rows


def _understood(message: bytes, settings: Settings) -> ReadResult:
    written_as_ours = replace(lims_interface(settings.lims, analytes_of(settings)), mapping=CANONICAL)
    return read_result(message, written_as_ours, now_ns=time.time_ns())


def _for_a_file(reason: Reason) -> str:
    """Return a reason with what to do about it in a file."""
    if reason.parameters.get("field") == PROBLEM:
        return str(reason.parameters.get("found"))
    hint = _HINTS.get(reason.code)
    return reason.text if hint is None else f"{reason.text} {hint}"


async def _send(messages: list[bytes], settings: Settings, told: Callable[[str, int, int], None]) -> int:
    """Return how many the broker has taken; raises LablineError where it lets nobody in or goes away."""
    options = SessionOptions(
        address=broker_address(settings), client_id=f"{settings.mqtt.client_id}-import", subscriptions=(),
        on_delivery=lambda _delivery: None,
    )  # fmt: skip
    session = MqttSession(options, clock=SystemClock())
    task = asyncio.create_task(session.run(), name="import-mqtt")
    topic, sent = _topic(settings), 0
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await session.wait_connected()
        for number, message in enumerate(messages, start=1):
            async with asyncio.timeout(_SEND_SECONDS):
                sent += await session.publish(Outgoing(topic=topic, payload=message)) < _REFUSED
            told("results", number, len(messages))
    except (TimeoutError, NotConnectedError) as error:
        raise LablineError(
            f"{settings.mqtt.host}:{settings.mqtt.port} takes no results; {sent} of {len(messages)} were sent",
            hint="send the file again later: what was sent changes nothing",
        ) from error
    finally:
        task.cancel()
        await asyncio.wait({task})
    return sent
