"""``labline tags``: the live values of a line, bad ones too, from the running gateway or once from the servers."""

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.live import NoGatewayError, live_tags
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, safe_text, show_json, show_lines, show_table, show_wrapped
from gateway.clock import SystemClock
from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.readings import LiveTag, LiveTags, QualityWord, quality_word
from gateway.contract.times import rfc3339
from gateway.errors import LablineError

if TYPE_CHECKING:
    from gateway.transport.opcua_browse import TagReading

_BY_THE_GATEWAY_SECONDS, _BY_THE_SERVERS_SECONDS = 1.0, 5.0
_CLEARED = "\x1b[H\x1b[J"


def tags(
    config: Path = CONFIG,
    watch: bool = typer.Option(False, "--watch", "-w", help="Show them again every second, until Ctrl-C."),
    as_json: bool = JSON,
) -> None:
    """Show the live value of every tag with unit, quality, age and limits; those that cannot be used say why.

    The running gateway answers. Where none runs, the OPC UA servers are read once. Exit 1 if a tag cannot be used.
    """
    settings, _sha256 = read(config)
    shown = _shown_now(settings)
    _show(shown, as_json=as_json, cleared=watch)
    with suppress(KeyboardInterrupt):
        while watch:
            time.sleep(_BY_THE_GATEWAY_SECONDS if shown.by == "gateway" else _BY_THE_SERVERS_SECONDS)
            shown = _shown_now(settings)
            _show(shown, as_json=as_json, cleared=True)
    raise typer.Exit(0 if all(tag.usable for tag in shown.tags) else 1)


def _shown_now(settings: Settings) -> LiveTags:
    try:
        return live_tags(settings.store.directory)
    except NoGatewayError as error:
        return asyncio.run(_from_servers(settings, f"{error}: read once from the servers"))


async def _from_servers(settings: Settings, note: str) -> LiveTags:
    """Return the tags as their servers show them; of a server that cannot be read, why."""
    from gateway.transport.opcua_browse import TagReading, read_once  # noqa: PLC0415 - its library takes half a second

    clock, readings = SystemClock(), dict[str, TagReading]()
    for source in opcua_sources(settings):
        try:
            readings |= await read_once(source, now_ns=clock.now_ns())
        except LablineError as error:
            readings |= dict.fromkeys(source.nodes, TagReading(problem=f"{source.name}: {error}"))
    now_ns = clock.now_ns()
    return LiveTags(
        line=settings.line_path,
        at=rfc3339(now_ns),
        by="servers",
        note=note,
        tags=[_tag(name, settings, readings[name]) for name in settings.tags],
    )


def _tag(name: str, settings: Settings, reading: "TagReading") -> LiveTag:
    table, sample = settings.tags[name], reading.sample
    good = sample is not None and math.isfinite(sample.value)
    return LiveTag(
        tag=name,
        source=table.source,
        node=table.node,
        equipment=table.equipment,
        unit=table.unit,
        value=sample.value if sample is not None and good else None,
        quality=quality_word(None if sample is None else sample.status),
        status=None if sample is None else sample.status,
        held_at=None if sample is None else rfc3339(sample.source_ns),
        age_seconds=0.0 if good else None,  # the server vouches for it at this instant
        max_age_seconds=table.max_age,
        validated=table.validated,
        accept_uncertain=table.accept_uncertain,
        problem=reading.problem or "",
    )


# --- output


def _show(shown: LiveTags, *, as_json: bool, cleared: bool) -> None:
    if as_json:
        show_json(shown.model_dump(mode="json", by_alias=True))
        return
    if cleared and out.is_terminal:
        out.file.write(_CLEARED)
    unusable = sum(not tag.usable for tag in shown.tags)
    if shown.note:
        show_wrapped(f"note: {shown.note}", hanging=2, style="yellow")
    rows = [(tag.tag, _value(tag), tag.unit, tag.quality.value, _age(tag), _limits(tag)) for tag in shown.tags]
    columns = ("tag", "value", "unit", "quality", "age", "validated")
    title = f"{shown.line} at {shown.at}: {len(rows)} tags, {unusable} of no use"
    if out.is_terminal:
        show_table(title, columns, rows)
        _show_reasons(shown.tags)
    else:
        with_reasons = [(*row, _why_not(tag)) for row, tag in zip(rows, shown.tags, strict=True)]
        show_table(title, (*columns, "why it cannot be used"), with_reasons)
    if not rows:
        show_lines("  -> labline init, or labline opcua browse, finds the tags of a server")


def _show_reasons(tags: Sequence[LiveTag]) -> None:
    """Print why tags cannot be used, each reason once, with its tags."""
    names: dict[str, list[str]] = {}
    for tag in tags:
        if not tag.usable:
            names.setdefault(_why_not(tag), []).append(tag.tag)
    for reason, of_tags in names.items():
        show_wrapped(f"  {', '.join(of_tags)}: {reason}", hanging=4, style="yellow")


def _value(tag: LiveTag) -> str:
    return "-" if tag.value is None else f"{tag.value:.6g}"


def _age(tag: LiveTag) -> str:
    """Return an age in its largest fitting unit."""
    if tag.age_seconds is None:
        return "-"
    for unit, seconds in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if tag.age_seconds >= 2 * seconds:
            return f"{tag.age_seconds / seconds:.0f} {unit}"
    return f"{tag.age_seconds:.1f} s"


def _limits(tag: LiveTag) -> str:
    return "-" if tag.validated is None else f"{tag.validated[0]:g} to {tag.validated[1]:g}"


def _why_not(tag: LiveTag) -> str:
    """Return why no model may use a tag now; empty where it may."""
    if tag.usable:
        return ""
    reasons = [safe_text(tag.problem)] if tag.problem else []
    if tag.quality is QualityWord.UNKNOWN and not tag.problem:
        reasons.append("no value has come yet")
    if tag.quality in {QualityWord.BAD, QualityWord.UNCERTAIN} and tag.status and not tag.problem:
        from gateway.transport.opcua_values import status_text  # noqa: PLC0415 - only where a status is bad

        reasons.append(status_text(tag.status))
    if tag.stale:
        reasons.append(f"older than max_age {tag.max_age_seconds:g} s")
    if tag.outside and tag.validated is not None:
        below = tag.value is not None and tag.value < tag.validated[0]
        reasons.append("below its validated range" if below else "above its validated range")
    return "; ".join(reasons)
