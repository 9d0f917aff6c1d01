"""Certificates of servers and clients that were rejected, kept until a person trusts them by one command.

A folder beside the records with a file for each certificate, named by the server and the SHA-256; the newest few of
each server. Nobody trusts what stands there.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from gateway.transport.opcua_certificates import sha256_of

OWN_SERVER = "opcua_server"  # the name under which rejected clients of our own server are kept
_MOST_OF_A_SERVER = 5
_LONGEST_BYTES = 64 * 1024
_ENDING = ".der"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A rejected certificate; ``at_ns``: when the server presented it last."""

    server: str
    sha256: str
    subject: str
    not_after: str
    at_ns: int
    file: Path


def keep_rejected(folder: Path, server: str, certificate: bytes) -> None:
    """Keep what a server presented; where it cannot be kept, the reason of the failed connection names its hash."""
    if not certificate or len(certificate) > _LONGEST_BYTES:
        return
    with suppress(OSError):
        folder.mkdir(mode=0o750, exist_ok=True)
        (folder / f"{server}-{sha256_of(certificate)}{_ENDING}").write_bytes(certificate)
        for old in rejected_in(folder, server)[_MOST_OF_A_SERVER:]:
            old.file.unlink(missing_ok=True)


def rejected_in(folder: Path, server: str | None = None) -> tuple[Rejected, ...]:
    """Return the rejected certificates of a server, or of all, the newest first; files that are none are left out."""
    found = []
    for file in sorted(folder.glob(f"*{_ENDING}")) if folder.is_dir() else []:
        of_server, _, sha256 = file.stem.rpartition("-")
        if server in {None, of_server}:
            with suppress(OSError, ValueError):
                content = file.read_bytes()
                certificate = x509.load_der_x509_certificate(content)
                if sha256_of(content) == sha256:
                    found.append(
                        Rejected(
                            server=of_server,
                            sha256=sha256,
                            subject=certificate.subject.rfc4514_string(),
                            not_after=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
                            at_ns=file.stat().st_mtime_ns,
                            file=file,
                        )
                    )
    return tuple(sorted(found, key=lambda rejected: -rejected.at_ns))
