"""When the certificates end that the gateway shows or trusts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.errors import SourceUnavailableError
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_certificates import certificates_in, days_left

EXPIRES_SOON_DAYS = 30
_LONGEST_SUBJECT, _MOST_CERTIFICATES = 200, 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """A certificate: what it is for, whose it is, when it ends; ``days_left`` is negative once it has ended."""

    name: str
    subject: str
    not_after_ns: int
    days_left: int

    @property
    def soon(self) -> bool:
        """Return whether somebody should replace it now."""
        return self.days_left < EXPIRES_SOON_DAYS


def expiries(certificates: Mapping[str, Path], *, at_ns: int) -> tuple[Expiry, ...]:
    """Return the certificates of files and folders by what they are for, the one that ends first in front.

    Of one that cannot be read there is none: its connection says why.
    """
    return tuple(
        sorted(
            (expiry for name, path in certificates.items() for expiry in _of(name, path, at_ns)),
            key=lambda expiry: expiry.not_after_ns,
        )
    )


def _of(name: str, path: Path, at_ns: int) -> list[Expiry]:
    try:
        certificates = list(certificates_in(path))
    except (SourceUnavailableError, OSError):
        return []
    now = datetime.fromtimestamp(at_ns / SECOND_NS, tz=UTC)
    return [
        Expiry(
            name=name,
            subject=certificate.subject.rfc4514_string()[:_LONGEST_SUBJECT],
            not_after_ns=round(certificate.not_valid_after_utc.timestamp()) * SECOND_NS,
            days_left=math.floor(days_left(certificate, now)),
        )
        for certificate in certificates[:_MOST_CERTIFICATES]
    ]
