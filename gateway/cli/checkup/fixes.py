"""What ``labline doctor --fix`` does: only what is safe, and it says what it did.

A certificate of our own that ends soon is made again with its key and URI. Servers that trust certificates one by one
do not know the new one: so it is tried first, and takes the old one's place only where the server accepts it, or where
the old one has ended already.
"""

import asyncio
import datetime as dt
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli.checkup.certificates import open_to_others
from gateway.config.connections import opcua_sources
from gateway.config.tables import Settings
from gateway.database.file_permissions import make_folder
from gateway.errors import ConfigurationError, LablineError
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_browse import read_once
from gateway.transport.opcua_certificates import (
    WARNED_DAYS_BEFORE,
    certificate_in,
    days_left,
    renewed_certificate,
    sha256_of,
)
from gateway.transport.opcua_source import OpcUaSource

_MODE = 0o600
_OF_OTHERS = 0o007


def fixed(settings: Settings, *, now_ns: int) -> Iterator[str]:
    """Yield what was done, and what could not be, one sentence each."""
    yield from _folder(settings.store.directory)
    yield from _key_rights(settings)
    yield from _certificates(settings, now_ns=now_ns)


def _folder(directory: Path) -> Iterator[str]:
    try:
        if not directory.exists():
            make_folder(directory)
            yield f"made {directory}"
        mode = stat.S_IMODE(directory.stat().st_mode)
        if mode & _OF_OTHERS:
            directory.chmod(mode & ~_OF_OTHERS)
            yield f"closed {directory} to others (mode {mode & ~_OF_OTHERS:04o})"
    except OSError as error:
        yield f"not done: {directory}: {error.strerror}"


def _key_rights(settings: Settings) -> Iterator[str]:
    for path, mode in open_to_others(settings).items():
        if path.is_symlink():  # whoever made the link would have us change a file of somebody else
            yield f"not done: rights of {path}: it is a link, change the file that it names"
            continue
        try:
            path.chmod(mode & _MODE)
        except OSError as error:
            yield f"not done: rights of {path}: {error.strerror}"
        else:
            yield f"took the rights of others from {path} (mode {mode & _MODE:04o})"


def _certificates(settings: Settings, *, now_ns: int) -> Iterator[str]:
    try:
        sources = opcua_sources(settings)
    except ConfigurationError:
        return  # a file is missing, which the page says
    now = dt.datetime.fromtimestamp(now_ns / SECOND_NS, dt.UTC)
    for source in sources:
        if source.security is None:
            continue
        try:
            left = days_left(certificate_in(source.security.certificate), now)
            if left < WARNED_DAYS_BEFORE:
                yield _renewed(source, ended=left < 0, now=now)
        except (LablineError, OSError) as error:
            yield f"not done: {source.security.certificate} is not renewed: {error}"


def _renewed(source: OpcUaSource, *, ended: bool, now: dt.datetime) -> str:
    """Make a source's certificate again; return what became of it."""
    if source.security is None:
        raise ValueError(f"{source.name} has no certificate")
    path = source.security.certificate
    beside = path.with_name(f"{path.stem}.renewed{path.suffix}")
    made = _made(path, beside, source.security.private_key, now=now)
    trial = replace(source, nodes={}, indexes={}, security=replace(source.security, certificate=beside))
    named = f"SHA-256 {sha256_of(made.public_bytes(Encoding.DER))}, valid until {made.not_valid_after_utc:%Y-%m-%d}"
    accepted = _accepts(trial, now_ns=round(now.timestamp() * SECOND_NS))
    if not accepted and not ended:
        return (
            f"made {beside} ({named}); {source.name} does not accept it yet: trust it at the server, then run "
            "labline doctor --fix again: this one takes the old one's place then"
        )
    old = path.with_name(f"{path.stem}.old{path.suffix}")
    os.replace(path, old)  # noqa: PTH105 - one step each, so that one of them is there
    os.replace(beside, path)  # noqa: PTH105
    trust = "" if accepted else f"; {source.name} has to trust it first"
    return f"renewed {path} with its key and URI ({named}); the old one is {old}{trust}"


def _made(path: Path, beside: Path, private_key: Path, *, now: dt.datetime) -> x509.Certificate:
    """Return the certificate made again: the one of an earlier run where it is there, as a server may trust it by now.

    Raises SourceUnavailableError where ours cannot be made again.
    """
    present = certificate_in(path)
    renewed = renewed_certificate(present, private_key, now=now)
    if beside.exists():
        earlier = certificate_in(beside)
        if earlier.public_key() == present.public_key() and days_left(earlier, now) >= WARNED_DAYS_BEFORE:
            return earlier
    in_pem = path.read_bytes().lstrip().startswith(b"-----BEGIN")
    beside.write_bytes(renewed.public_bytes(Encoding.PEM if in_pem else Encoding.DER))
    return renewed


def _accepts(source: OpcUaSource, *, now_ns: int) -> bool:
    try:
        asyncio.run(read_once(source, now_ns=now_ns))
    except LablineError:
        return False
    return True
