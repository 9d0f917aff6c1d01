"""``labline lab``: sends laboratory results from files to the broker, from where the gateway takes all results."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import typer

from gateway.cli import lab_load
from gateway.cli.lab_import_options import ImportOptions, file_form
from gateway.cli.options import takes
from gateway.cli.output import err, out, progress_of, show_json, show_table
from gateway.clock import SystemClock
from gateway.config.connections import broker_address, lims_interface
from gateway.config.line_definition import analytes_of
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.lims.lab_results import CANONICAL, ReadResult, read_result
from gateway.contract.lims.message_fields import DATE_ONLY
from gateway.contract.lims.result_files import PROBLEM, FileForm, decoded, line_count, message_with, messages_in
from gateway.contract.lims.written_values import TEXT_VALUE, THOUSANDS_SEPARATORS
from gateway.contract.refusals import MessageRefusedError, Refusal
from gateway.contract.topics import unshared
from gateway.errors import LablineError, NotConnectedError
from gateway.records.verdicts import Reason
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Outgoing
from gateway.transport.mqtt_options import SessionOptions

app = typer.Typer(
    help="Import laboratory results from files, and plan the load of the laboratory.", no_args_is_help=True
)
app.command()(lab_load.load)
app.command()(lab_load.plan)

_CONNECT_SECONDS = 10.0
_SEND_SECONDS = 10.0
_REFUSED = 0x80
_SHOWN = 20
_SECOND_ROW = "a second row of the same result: give each its result_version"
_SHOWN_FLAGS = frozenset(
    {DATE_ONLY, TEXT_VALUE, THOUSANDS_SEPARATORS, "LIMIT_UNKNOWN"}
)  # flags that a file's author may mend
_HINTS: Mapping[str, str] = {
    Refusal.MISSING: '(fill the cell, or say which column holds it: --column sample_id="Sample no.")',
    Refusal.NOT_A_TIME: '(say how times are written: --time-format "%d.%m.%Y %H:%M", and --time-zone)',
    Refusal.NOT_A_NUMBER: "(say how numbers are written: --decimal-comma or --decimal-point)",
    Refusal.UNMAPPED_FIELD: "(leave a column out with --ignore)",
}


@app.callback()
def _group() -> None:
    """Import laboratory results from files, and plan the load of the laboratory."""


@app.command(name="import")
@takes(ImportOptions)
def import_results(options: ImportOptions) -> None:
    """Send the laboratory results in a CSV file to the broker; the gateway takes them from there.

    Every row is read first as the gateway will read it. If one cannot be read, nothing is sent. With --only-good all
    rows are sent, also those that cannot be read, so that no lot is released because a result of it is missing. An
    unchanged row that was sent before changes nothing. A correction needs a result_version. Exit 1 if a row
    cannot be read or the broker refuses one.
    """
    settings, _sha256 = read(options.config)
    if settings.lims.mapping != "canonical":
        hint = 'import with a configuration that has [lims] mapping = "canonical"'
        raise LablineError(
            "rows are sent as canonical messages, but this configuration's [lims] mapping reads other messages",
            hint=hint,
        )
    rows = _read(options.file, file_form(options, settings), encoding=options.encoding, settings=settings)
    messages = rows.good if not rows.bad or not options.only_good else rows.all_messages
    sending = not options.dry_run and bool(messages) and (options.only_good or not rows.bad)
    sent = 0
    if sending:
        with progress_of("sending", quiet=options.as_json) as report_progress:
            sent = asyncio.run(_send(messages, settings, report_progress))
    refused = len(messages) - sent if sending else 0
    _show(rows, sent=sent, refused=refused, as_json=options.as_json)
    if refused:
        err.print(_no_right(refused, settings), style="red", soft_wrap=True)
    elif rows.bad and not sending and not options.dry_run:
        err.print("nothing was sent: correct the rows, or send all rows with --only-good", soft_wrap=True)
    raise typer.Exit(1 if rows.bad or refused else 0)


def _topic(settings: Settings) -> str:
    """Return the topic that rows are sent to, one of those that the gateway listens to."""
    return unshared(settings.lims.topic).replace("#", "import").replace("+", "import")


def _no_right(refused: int, settings: Settings) -> str:
    """Return a sentence that says which right is missing at the broker, and who needs it."""
    user = settings.mqtt.username
    return (
        f"the broker refused {refused} of the messages: give {f'user {user}' if user else 'the gateway'} "
        f"the right to write to {_topic(settings)}, and import the file again"
    )


@dataclass(kw_only=True, slots=True)
class _Rows:
    """A file's rows: in ``messages`` all, by line, in their order; in ``bad`` those that cannot be read, and why."""

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
        err.print(f"columns that are not read: {', '.join(rows.unused)}", soft_wrap=True)
    for flag, count in rows.flags.items():
        err.print(f"{count} of the rows {'is' if count == 1 else 'are'} flagged {flag}", soft_wrap=True)
    review = f", {sent - readable} of them for review" if sent > readable else ""
    out.print(
        f"{readable} of {total} rows can be read, {sent} sent{review} ({rows.lines} lines with the header)",
        soft_wrap=True,
    )


def _read(file: Path, form: FileForm, *, encoding: str | None, settings: Settings) -> _Rows:
    """Return the rows as the gateway would read them; raises LablineError if the file cannot be split into rows."""
    try:
        text = decoded(file.read_bytes(), encoding)
        rows = _Rows(lines=line_count(text), messages=list(messages_in(text, form)))
    except OSError as error:
        raise LablineError(f"{file} cannot be read: {error.strerror}", hint="name a CSV file") from error
    except ValueError as error:
        hint = "it must be a CSV file with a header row, in UTF-8 or as --encoding says; --column names its columns"
        raise LablineError(f"{file}: {error}", hint=hint) from error
    earlier_rows = set[tuple[str, str, int]]()
    for at, (line, message) in enumerate(rows.messages):
        try:
            read_as = _understood(message, settings)
        except MessageRefusedError as error:
            rows.bad[line] = _for_a_file(error.reasons)
            continue
        result = read_as.result
        identity = (result.sample_id, result.test_id, result.replicate)
        if result.result_version is None and identity in earlier_rows:  # a second import would correct it back
            rows.bad[line] = _SECOND_ROW
            rows.messages[at] = (line, message_with(json.loads(message), [_SECOND_ROW]))
        earlier_rows.add(identity)
        if result.unread:
            rows.bad[line] = _for_a_file(result.unread)
        rows.flags.update(set(result.flags) & _SHOWN_FLAGS)
        rows.unused |= dict.fromkeys(name for name in read_as.unused if name != PROBLEM)
    return rows


def _understood(message: bytes, settings: Settings) -> ReadResult:
    written_as_ours = replace(lims_interface(settings.lims, analytes_of(settings)), mapping=CANONICAL)
    return read_result(message, written_as_ours, now_ns=time.time_ns())


def _for_a_file(reasons: Sequence[Reason]) -> str:
    """Return reasons as one text, with what to do about them in a file."""
    texts = [
        str(reason.parameters.get("found")) if reason.parameters.get("field") == PROBLEM else reason.text
        for reason in reasons
    ]
    hints = dict.fromkeys(
        _HINTS[reason.code] for reason in reasons if reason.code in _HINTS and reason.parameters.get("field") != PROBLEM
    )
    return " ".join([*texts, *hints])


async def _send(messages: list[bytes], settings: Settings, report_progress: Callable[[str, int, int], None]) -> int:
    """Send messages and return how many the broker accepted; raises LablineError if there is no connection to it."""
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
            report_progress("results", number, len(messages))
    except (TimeoutError, NotConnectedError) as error:
        raise LablineError(
            f"there is no connection to the broker {settings.mqtt.host}:{settings.mqtt.port}; "
            f"{sent} of {len(messages)} rows were sent",
            hint="labline check --connect shows why; then import the whole file again: rows sent before change nothing",
        ) from error
    finally:
        task.cancel()
        await asyncio.wait({task})
    return sent
