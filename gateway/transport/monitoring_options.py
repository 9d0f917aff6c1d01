"""What is to be known of monitoring before it is served; apart from its server, which a line may do without."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MonitoringOptions:
    """Where monitoring is answered, and what a scraper of metrics must show."""

    host: str
    port: int
    token: str | None = None
