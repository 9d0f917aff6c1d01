"""``labline alarm``: the alarms that stand, what people do with them, and the figures of ISA-18.2."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import what_to_do
from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.measures import Duration
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.operations.alarm_figures import alarm_figures
from gateway.records.acts import (
    Acknowledge,
    AcknowledgeAlarm,
    AlarmAct,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)
from gateway.records.alarms import Alarm
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.alarms import raised_alarms, standing_alarms, watched_since_ns
from gateway.store.statements import SQL
from gateway.texts.catalogue import speak
from gateway.time_units import DAY_NS, seconds_to_ns

app = typer.Typer(help="List alarms, acknowledge and shelve them, and count them.", no_args_is_help=True)
_ALARM = typer.Argument(..., metavar="ALARM", help="The alarm's id; labline alarm list shows them.")
_PERSON = person_option()
_REASON = reason_option("--reason", "Why; it goes into the audit trail.")
_REMARK = reason_option("--reason", "A remark; it goes into the audit trail.", required=False)


@app.callback()
def _group() -> None:
    """List alarms, acknowledge and shelve them, and count them."""


@app.command(name="list")
def list_alarms(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """List the alarms that are not normal: what stands, what nobody has acknowledged, what calls nobody for a time."""
    settings, _sha256 = read(config)
    speak(settings.texts.language, settings.texts.units)
    with closing(read_state(settings.store.directory)) as connection:
        alarms = standing_alarms(connection)
    if as_json:
        show_json({"alarms": [_document(alarm) for alarm in alarms]})
        return
    rows = [(alarm.alarm_id, alarm.severity.value, alarm.state.value.replace("_", " "), rfc3339(alarm.since_ns),
             alarm.title if alarm.group_id is None else f"{alarm.title} (below {alarm.group_id})")
            for alarm in alarms]  # fmt: skip
    show_table("alarms", ("alarm", "severity", "state", "since", "what"), rows)


def _document(alarm: Alarm) -> dict[str, Any]:
    of_gateway = alarm.alarm_id.startswith(f"{GATEWAY}/")
    return {
        "id": alarm.alarm_id,
        "title": alarm.title,
        "what_to_do": what_to_do(alarm.alarm_id.removeprefix(f"{GATEWAY}/")) if of_gateway else None,
        "severity": alarm.severity.value,
        "position": alarm.position,
        "state": alarm.state.value,
        "active": alarm.active,
        "acknowledged": alarm.acknowledged,
        "latched": alarm.latched,
        "since": rfc3339(alarm.since_ns),
        "until": None if alarm.until_ns is None else rfc3339(alarm.until_ns),
        "reason": alarm.reason or None,
        "person": alarm.person or None,
        "guidance": alarm.guidance_id,
        "below": alarm.group_id,
    }


@app.command()
def acknowledge(
    alarm: str = _ALARM, config: Path = CONFIG, reason: str | None = _REMARK, person: str | None = _PERSON
) -> None:
    """Say that you have seen an alarm; it goes on until its cause is gone."""
    _done(Acknowledge(alarm_id=alarm), config, person, reason)
    out.print(f"{alarm} is acknowledged", markup=False, soft_wrap=True)


@app.command()
def reset(alarm: str = _ALARM, config: Path = CONFIG, reason: str = _REASON, person: str | None = _PERSON) -> None:
    """Take down a latched alarm of the gateway; say what you found and did (also: labline audit acknowledge)."""
    _done(AcknowledgeAlarm(code=alarm.removeprefix(f"{GATEWAY}/")), config, person, reason)
    out.print(f"{alarm} is taken down", markup=False, soft_wrap=True)


@app.command()
def shelve(
    alarm: str = _ALARM,
    config: Path = CONFIG,
    duration: str = typer.Option(..., "--for", metavar="<time>", help="For how long, such as 30m or 2h."),
    reason: str = _REASON,
    person: str | None = _PERSON,
) -> None:
    """Keep an alarm from calling for a time; then it comes back by itself. What is critical cannot be shelved."""
    _done(Shelve(alarm_id=alarm, seconds=_seconds(duration)), config, person, reason)
    out.print(f"{alarm} is shelved for {duration}", markup=False, soft_wrap=True)


@app.command()
def unshelve(
    alarm: str = _ALARM, config: Path = CONFIG, reason: str | None = _REMARK, person: str | None = _PERSON
) -> None:
    """Let a shelved alarm call again."""
    _done(Unshelve(alarm_id=alarm), config, person, reason)
    out.print(f"{alarm} is no longer shelved", markup=False, soft_wrap=True)


@app.command(name="out-of-service")
def out_of_service(
    alarm: str = _ALARM, config: Path = CONFIG, reason: str = _REASON, person: str | None = _PERSON
) -> None:
    """Keep an alarm from calling until it is returned to service, as while its equipment is repaired."""
    _done(TakeOutOfService(alarm_id=alarm), config, person, reason)
    out.print(f"{alarm} is out of service", markup=False, soft_wrap=True)


@app.command(name="in-service")
def in_service(
    alarm: str = _ALARM, config: Path = CONFIG, reason: str | None = _REMARK, person: str | None = _PERSON
) -> None:
    """Return an alarm to service."""
    _done(ReturnToService(alarm_id=alarm), config, person, reason)
    out.print(f"{alarm} is in service again", markup=False, soft_wrap=True)


@app.command()
def figures(
    config: Path = CONFIG,
    days: float = typer.Option(30.0, "--days", min=0.01, max=90.0, help="Over how many days, up to now."),
    as_json: bool = JSON,
) -> None:
    """Count how often alarms have called people, by the figures of ISA-18.2 and EEMUA 191."""
    settings, _sha256 = read(config)
    until_ns = time.time_ns()
    with closing(read_state(settings.store.directory)) as connection:
        from_ns = watched_since_ns(connection, until_ns - round(days * DAY_NS))
        document = alarm_figures(
            raised_alarms(connection, from_ns=from_ns, until_ns=until_ns),
            standing_alarms(connection),
            from_ns=from_ns,
            until_ns=until_ns,
            period_ns=seconds_to_ns(settings.alarms.period),
        )
    if as_json:
        show_json(document)
        return
    rows = [(position, *load.values()) for position, load in document["by_position"].items()]
    show_table("calls", ("position", "per 10 min", "peak per 10 min", "share of 10 min over 10"), rows)
    show_table("most often", ("alarm", "count", "share"), [tuple(item.values()) for item in document["top"]])
    marked = [(name, ", ".join(document[name]) or "none") for name in ("chattering", "stale")]
    shares = [
        (f"severity {name}", f"{item['share']:.0%} (the standard: about {item['standard']:.0%})")
        for name, item in document["severities"].items()
    ]
    marked.append(("share of the ten most frequent", f"{document['top_share']:.0%}"))
    show_table("and", ("figure", "value"), [*marked, *shares])


@app.command()
def notices(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Show who outside the plant is told of alarms, how many notices wait, and which were refused."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        places = [dict(row) for row in connection.execute(SQL["notify_targets"])]
        parked = [dict(row) for row in connection.execute(SQL["parked_notices"])]
    if as_json:
        refused = [{"at": rfc3339(item.pop("at_ns")), **item} for item in parked]
        targets = {item["target"]: item["waiting"] for item in places}
        put_off = {item["target"]: item["put_off"] for item in places}
        show_json({"targets": targets, "put_off": put_off, "refused": refused})
        return
    kinds = {name: table.kind.value for name, table in settings.notify.items()}
    rows = [
        (item["target"], kinds.get(item["target"], "no longer configured"), item["waiting"], item["put_off"])
        for item in places
    ]
    show_table("targets", ("target", "kind", "entries waiting", "put off until quiet hours end"), rows)
    lines = [(item["target"], rfc3339(item["at_ns"]), item["alarm_id"] or "", item["why"]) for item in parked]
    show_table("refused", ("target", "at", "alarm", "why"), lines)


def _seconds(duration: str) -> float:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - only shelving reads a time

    try:
        return TypeAdapter(Duration).validate_python(duration)
    except ValidationError as error:
        raise LablineError(f"--for {duration}: {error.errors()[0]['msg']}", hint="write 30m or 2h") from None


def _done(act: AlarmAct | AcknowledgeAlarm, config: Path, person: str | None, reason: str | None) -> None:
    settings, _sha256 = read(config)
    perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason or "")
