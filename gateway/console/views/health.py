"""Health: connections, buffers, the clock, disks, certificates and alarm figures."""

from pydantic import Field

from gateway.console.views.now import AlarmView
from gateway.console.views.parts import View


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
    buffer: list[FigureView] = Field(description="messages that wait by lane, parked ones, and the oldest's age")
    disk: list[FigureView]
    tags: dict[str, str] = Field(description="tags that cannot be used, and why")
    certificates: list[CertificateView]
    alarm_figures: list[FigureView]
    console: list[FigureView] = Field(description="who is connected to this console")
