"""What is to be known of the webhook before it serves; apart from its server, which a line may do without."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """Where the webhook listens, and what a sender must show."""

    host: str
    port: int
    token: str
    hmac_secret: str | None = None
    certificate: Path | None = None
    key: Path | None = None
