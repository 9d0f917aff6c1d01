"""What is to be known of the console before it serves; apart from its server, which a line may do without."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ConsoleOptions:
    """Where the console listens, and how long its sessions last.

    ``certificate`` None: plain HTTP, on loopback only. ``demo_link_sha256``: of the link by which the demo signs in.
    ``trusted_proxies``: addresses or networks whose ``X-Forwarded-For`` counts.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    idle_seconds: float = 15 * 60.0
    longest_seconds: float = 12 * 3600.0
    demo_link_sha256: str | None = None
    trusted_proxies: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Return the address that a browser on this machine opens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.certificate is None else 'https'}://{host}:{self.port}/"
