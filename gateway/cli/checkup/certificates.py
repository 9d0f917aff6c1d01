"""Certificates: every one that is shown or trusted, its expiry, and who may read the keys."""

import datetime as dt
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography import x509

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.config.connections import certificates_of
from gateway.config.credentials import credential_path, known_credentials
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.store.audit.heads import KEY_FILE
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_certificates import WARNED_DAYS_BEFORE, certificates_in, days_left

_NEW_SERVER = "labline opcua certificate makes another one; clients have to trust it before it takes this one's place"
_RENEW = "renew it; of OPC UA: labline doctor --fix keeps key and URI; others: where they were made"


def expiry(seen: Examined) -> Iterator[Remark]:
    """Say of every certificate until when it is valid."""
    now = dt.datetime.fromtimestamp(seen.now_ns / SECOND_NS, dt.UTC)
    for name, path in sorted(certificates_of(seen.settings).items()):
        try:
            certificates = list(certificates_in(path))
        except LablineError as error:
            yield Remark(state=State.WRONG, what=f"{name}: {error}", where=str(path), do="name a PEM or DER file")
            continue
        if not certificates:
            yield Remark(state=State.WRONG, what=f"{name}: there is no certificate", where=str(path), do="put it there")
        for certificate in certificates:
            yield _judged(name, str(path), certificate, now)


def presented(seen: Examined) -> Iterator[Remark]:
    """Say until when the certificate is valid that the broker presents."""
    der = None if seen.visited is None else seen.visited.broker_certificate
    if der is not None:
        now, place = dt.datetime.fromtimestamp(seen.now_ns / SECOND_NS, dt.UTC), seen.settings.mqtt.host
        yield _judged("mqtt, as the broker presents it", place, x509.load_der_x509_certificate(der), now)


def _judged(name: str, place: str, certificate: x509.Certificate, now: dt.datetime) -> Remark:
    left, until = days_left(certificate, now), f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if certificate.not_valid_before_utc > now:
        return Remark(state=State.WRONG, what=f"{name}: not valid yet: is this machine's clock right?", where=place)
    way = _NEW_SERVER if name == "opcua_server" else _RENEW
    if left < 0:
        return Remark(state=State.WRONG, what=f"{name}: expired on {until}", where=place, do=way)
    state, do = (State.WARN, way) if left < WARNED_DAYS_BEFORE else (State.OK, "")
    return Remark(state=state, what=f"{name}: valid until {until}, {left:.0f} days", where=place, do=do)


def key_rights(seen: Examined) -> Iterator[Remark]:
    """Say which files with secrets others may read."""
    open_files = open_to_others(seen.settings)
    for path, mode in open_files.items():
        yield Remark(
            state=State.WRONG, what=f"others than its owner may read this secret (mode {mode:04o})", where=str(path),
            do="chmod 600; labline doctor --fix does",
        )  # fmt: skip
    count = len(secret_files(seen.settings))
    if count and not open_files:
        yield Remark(state=State.OK, what=f"{count} files with secrets are their owner's alone")


def secret_files(settings: Settings) -> list[Path]:
    """Return the files with keys and passwords that are there."""
    stated = [credential_path(name) for name in known_credentials(settings)]
    files = [path for path in stated if path is not None]
    own = settings.store.directory / KEY_FILE
    return [*files, own] if own.is_file() else files


def open_to_others(settings: Settings) -> Mapping[Path, int]:
    """Return the modes of the files with secrets that the group or others may read or write."""
    modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path in secret_files(settings)}  # noqa: PTH116 - follows links
    of_service = settings.store.directory / KEY_FILE  # the service's group may read its store
    return {path: mode for path, mode in modes.items() if mode & (0o027 if path == of_service else 0o077)}
