"""Where traces are sent. Apart from what sends them, so that a configuration is read without its library."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceOptions:
    """A collector that takes OTLP over HTTP; ``share``: of results, between 0 and 1, that are traced."""

    endpoint: str
    share: float
    ca_certificate: Path | None = None
    timeout_seconds: float = 5.0
    token: str | None = field(default=None, repr=False)
