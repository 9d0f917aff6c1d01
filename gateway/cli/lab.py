"""``labline lab``: laboratory results from files, by the way that all results take."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from gateway.cli.presentation import err, out, progress_of, show_json, show_table
from gateway.clock import SystemClock
from gateway.contract.lab_results import lab_result
from gateway.contract.reading import MessageRefusedError
from gateway.contract.result_files import FileForm, messages_in
from gateway.contract.topics import unshared
from gateway.errors import LablineError, NotConnectedError
from gateway.line import broker_address
from gateway.settings import Settings, read
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import Outgoing, SessionOptions

app = typer.Typer(help="Laboratory results.", no_args_is_help=True)

_CONNECT_SECONDS = 10.0
_SEND_SECONDS = 10.0
_REFUSED = 0x80
_SHOWN = 20


@app.callback()
def _group() -> None:
    """Laboratory results."""


@app.command(name="import")
def import_results(
    file: Path = typer.Argument(..., help="A CSV file with a header, one result a row."),
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    column: list[str] = typer.Option([], "--column", help='Which column is a field, such as sample_id="Sample no.".'),
    separator: str = typer.Option(None, "--separator", help="What separates cells; else as the header shows."),
    decimal_comma: bool = typer.Option(False, "--decimal-comma", help="Numbers are written like 9,8."),
    zone: str = typer.Option(None, "--time-zone", help="Of times that name none, such as Europe/Paris."),
    only_good: bool = typer.Option(False, "--only-good", help="Send what can be read though some rows cannot."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be sent, and what could not be read."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    """Send the results in a file to the broker, as a laboratory's system would; the gateway takes them from there.

    Every row is read first as the gateway will read it; where one cannot be read, nothing is sent. A row that was sent
    before and is unchanged changes nothing; a correction needs a result_version. Exit 1 where a row cannot be read or
    the broker refuses one.
    """
    settings, _sha256 = read(config)
    form = FileForm(
        separator=separator,
        columns=_columns(column),
        decimal_comma=decimal_comma,
        zone=None if zone is None else _zone(zone),
    )
    if settings.lims.mapping != "canonical":
        hint = 'a line of its own for files: [lims] mapping = "canonical"'
        raise LablineError("files are sent as canonical messages, and [lims] mapping reads others", hint=hint)
    good, bad = _read(file, form, settings)
    sent = 0
    if not dry_run and good and (only_good or not bad):
        with progress_of("sending", quiet=as_json) as told:
            sent = asyncio.run(_send(good, settings, told))
    if as_json:
        show_json({"rows": len(good) + len(bad), "readable": len(good), "sent": sent,
                   "refused": [{"line": line, "why": why} for line, why in bad]})  # fmt: skip
    else:
        if bad:
            show_table(f"{len(bad)} rows cannot be read; the first", ("line", "why"), list(bad[:_SHOWN]))
            err.print("nothing was sent: mend the rows, or send the others with --only-good" if not sent else "")
        out.print(f"{len(good)} of {len(good) + len(bad)} rows can be read, {sent} sent", markup=False)
    short = not dry_run and sent < len(good)
    raise typer.Exit(1 if bad or short else 0)


def _columns(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    wrong = [field for field, equals, name in pairs if not (field and equals and name)]
    if wrong:
        raise typer.BadParameter(f'--column {wrong[0]}: give field=column, such as sample_id="Sample no."')
    return {field: name for field, _equals, name in pairs}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"--time-zone: there is no zone {name}") from error


def _read(file: Path, form: FileForm, settings: Settings) -> tuple[list[bytes], list[tuple[int, str]]]:
    """Return (the messages that can be read, line and reason of the rows that cannot)."""
    good, bad, lims = list[bytes](), list[tuple[int, str]](), settings.lims
    seen = set[tuple[str, str, int]]()
    try:
        rows = list(messages_in(file.read_text(encoding="utf-8-sig"), form))
    except OSError as error:
        raise LablineError(f"{file} cannot be read: {error.strerror}", hint="name a CSV file") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise LablineError(
            f"{file}: {error}", hint="a UTF-8 file with a header; --column names other columns"
        ) from error
    for line, message in rows:
        try:
            result = lab_result(message, source=lims.source, now_ns=time.time_ns(), analytes=lims.analytes,
                       assume_status=lims.assume_status)  # fmt: skip
        except MessageRefusedError as error:
            bad.append((line, str(error)))
        else:
            own = (result.sample_id, result.test_id, result.replicate)
            if result.result_version is None and own in seen:  # sent again, it would be a correction of the correction
                bad.append((line, "a second row of the same result: give each its result_version"))
                continue
            seen.add(own)
            good.append(message)
    return good, bad


async def _send(messages: list[bytes], settings: Settings, told: Callable[[str, int, int], None]) -> int:
    """Return how many the broker has taken; raises LablineError where it lets nobody in or goes away."""
    options = SessionOptions(
        address=broker_address(settings), client_id=f"{settings.mqtt.client_id}-import", subscriptions=(),
        on_delivery=lambda _delivery: None,
    )  # fmt: skip
    session = MqttSession(options, clock=SystemClock())
    task = asyncio.create_task(session.run(), name="import-mqtt")
    topic, sent = unshared(settings.lims.topic).replace("#", "import").replace("+", "import"), 0
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
