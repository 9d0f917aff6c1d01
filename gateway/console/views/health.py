"""Health: connections, buffers, the clock, disks, certificates and alarm figures."""

import sqlite3

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.alarms import AlarmView, gateway_alarm_views
from gateway.console.views.parts import View
from gateway.contract.times import rfc3339
from gateway.operations.alarm_figures import alarm_figures
from gateway.operations.certificates import expiries
from gateway.store.queries.alarms import raised_alarms, standing_alarms, watched_since_ns
from gateway.store.queries.readers import depths
from gateway.store.statements import SQL
from gateway.time_units import DAY_NS, SECOND_NS

_DAYS = 30
_PERIOD_NS = 600 * SECOND_NS
_UNITS_OF_LOAD = {"per_10_minutes": "alarms", "peak_per_10_minutes": "alarms", "share_of_10_minutes_over_10": "share"}


class ConnectionView(View):
    """A source or the broker."""

    name: str
    connected: bool
    why: str | None = Field(description="why it is not")
    skew_seconds: float | None = Field(description="how far its clock is ahead of ours")


class CertificateView(View):
    """A certificate that the gateway shows or trusts."""

    name: str
    subject: str
    expires_at: str
    days_left: int


class FigureView(View):
    """A number with its name and unit."""

    name: str
    value: float
    unit: str


class HealthView(View):
    """GET /api/health."""

    at: str
    version: str
    line: str
    alarms: list[AlarmView]
    connections: list[ConnectionView]
    buffer: list[FigureView] = Field(
        description="messages that wait by lane, parked ones, the oldest's age, and deliveries to systems over HTTP"
    )
    disk: list[FigureView]
    tags: dict[str, str] = Field(description="tags that cannot be used, and why")
    certificates: list[CertificateView]
    alarm_figures: list[FigureView]
    console: list[FigureView] = Field(description="who is connected to this console")


def health_view(connection: sqlite3.Connection, snapshot: Snapshot) -> HealthView:
    """Return how the gateway is."""
    status, at_ns = snapshot.status, snapshot.at.wall_ns
    waiting = depths([tuple(row) for row in connection.execute(SQL["depths"])])
    buffer = [
        FigureView(name=lane.name.lower(), value=count, unit="messages") for lane, count in waiting.messages.items()
    ]
    return HealthView(
        at=rfc3339(at_ns),
        version=status.version,
        line=status.line,
        alarms=gateway_alarm_views(connection, snapshot),
        connections=[
            ConnectionView(
                name=name,
                connected=state == "connected",
                why=status.source_reasons.get(name),
                skew_seconds=status.clock_skew_seconds.get(name),
            )
            for name, state in sorted(status.sources.items())
        ],
        buffer=[
            *buffer,
            FigureView(name="parked", value=waiting.parked, unit="messages"),
            FigureView(name="oldest", value=round(waiting.oldest_seconds(at_ns), 3), unit="s"),
            *(
                FigureView(name=f"delivery {state}: {sink}", value=count, unit="deliveries")
                for sink, state, count, _oldest in connection.execute(SQL["delivery_counts"])
            ),
        ],
        disk=[FigureView(name=name, value=value, unit=_unit(name)) for name, value in sorted(status.disk.items())],
        tags=dict(status.tag_reasons),
        certificates=[
            CertificateView(
                name=expiry.name,
                subject=expiry.subject,
                expires_at=rfc3339(expiry.not_after_ns),
                days_left=expiry.days_left,
            )
            for expiry in expiries(snapshot.certificates, at_ns=at_ns)
        ],
        alarm_figures=_alarm_figures(connection, at_ns),
        console=[FigureView(name=name, value=value, unit="") for name, value in snapshot.figures.items()],
    )


def _alarm_figures(connection: sqlite3.Connection, at_ns: int) -> list[FigureView]:
    """Return the figures of ISA-18.2 over 30 days; of each position how often people were called."""
    from_ns = watched_since_ns(connection, at_ns - _DAYS * DAY_NS)
    document = alarm_figures(
        raised_alarms(connection, from_ns=from_ns, until_ns=at_ns), standing_alarms(connection), from_ns=from_ns,
        until_ns=at_ns, period_ns=_PERIOD_NS,
    )  # fmt: skip
    per_position = [
        FigureView(name=f"{name} ({position})", value=value, unit=_UNITS_OF_LOAD.get(name, ""))
        for position, load in document["by_position"].items()
        for name, value in load.items()
    ]
    return [
        FigureView(name="alarms", value=document["alarms"], unit=f"in {_DAYS} days"),
        *per_position,
        FigureView(name="chattering", value=len(document["chattering"]), unit="alarms"),
        FigureView(name="stale", value=len(document["stale"]), unit="alarms"),
        FigureView(name="top_share", value=document["top_share"], unit="share"),
        *(FigureView(name=f"top: {item['alarm']}", value=item["count"], unit="times") for item in document["top"]),
        *(
            FigureView(name=f"priority: {severity}, standard {item['standard']:.0%}", value=item["share"], unit="share")
            for severity, item in document["severities"].items()
        ),
    ]


def _unit(name: str) -> str:
    return next((unit for unit in ("bytes", "days", "seconds") if unit in name), "")
