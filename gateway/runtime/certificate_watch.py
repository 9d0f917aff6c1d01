"""Raises an alarm while a certificate of the console, the webhook or the broker ends soon.

Those of OPC UA are watched by their connections.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.operations.certificates import expiries

_EVERY_SECONDS = 3600.0
_AUTHORITIES = "mqtt ca"


class CertificateWatch:
    """Looks each hour."""

    def __init__(
        self, certificates: Mapping[str, Path], *, now_ns: Callable[[], int], on_condition: Callable[[str, bool], None]
    ) -> None:
        self._certificates = {name: path for name, path in certificates.items() if not name.startswith("opcua ")}
        self._now_ns = now_ns
        self._on_condition = on_condition

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for name, path in self._certificates.items():
                self._judge(name, path)
            await asyncio.sleep(_EVERY_SECONDS)

    def _judge(self, name: str, path: Path) -> None:
        """Of authorities one that lasts is enough: a bundle has old ones, too."""
        soon = [expiry.soon for expiry in expiries({name: path}, at_ns=self._now_ns())]
        ends = bool(soon) and (all(soon) if name == _AUTHORITIES else any(soon))
        self._on_condition(f"CERTIFICATE_EXPIRES_{name.upper().replace(' ', '_')}", ends)
