"""Entering an OPC UA server for the first time: its security, who trusts whom, who logs in, what it has.

The files that it takes are written at once, beside the configuration: somebody has to trust our certificate at the
server, and the next run goes on with the same one.
"""

import asyncio
import datetime as dt
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.new_line.person import Person
from gateway.cli.new_line.place import Place
from gateway.cli.output import show_lines
from gateway.errors import LablineError, SourceUnavailableError
from gateway.transport.opcua_certificates import make_certificate, sha256_of
from gateway.transport.opcua_proposals import FoundVariable, Offered, offered_by, variables_of
from gateway.transport.opcua_source import OpcUaSource, Security

_DAYS = 730
_NOT_HEXADECIMAL = re.compile(r"[^0-9a-f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is known of a server before it is entered."""

    url: str
    name: str
    place: Place
    security: str | None
    username: str | None
    password: str | None
    trust: str | None


def entered(wanted: Wanted, person: Person) -> tuple[OpcUaSource, str]:
    """Return (the server as it can be entered, its security as the configuration names it)."""
    offered = asyncio.run(offered_by(wanted.url))
    security = wanted.security or (offered.securities[0] if offered.securities else "None")
    if security not in offered.securities:
        raise LablineError(
            f"{wanted.url} does not offer {security}", hint=f"it offers {', '.join(offered.securities) or 'nothing'}"
        )
    show_lines(f"{wanted.url} offers {', '.join(offered.securities)}; chosen: {security}")
    username, password = _login(wanted, offered, person)
    source = OpcUaSource(
        name=wanted.name,
        url=wanted.url,
        nodes={},
        publishing_interval_ms=500,
        sampling_interval_ms=250,
        security=None if security == "None" else _secured(wanted, offered, security, person),
        username=username,
        password=password,
    )
    return source, security


def variables(source: OpcUaSource) -> list[FoundVariable]:
    """Return the variables that can be tags; raises SourceUnavailableError with what to do next."""
    try:
        found, problems = asyncio.run(variables_of(source))
    except SourceUnavailableError as error:
        hint = error.hint
        if source.security is not None:
            hint = (
                f"{hint}; where the server has to trust {source.security.certificate} first, do that, "
                "then run labline init again: it keeps certificate and key"
            )
        raise SourceUnavailableError(str(error), hint=hint) from error
    for problem in problems:
        show_lines(f"warning: {problem}")
    return [variable for variable in found if variable.node]


def _login(wanted: Wanted, offered: Offered, person: Person) -> tuple[str | None, str | None]:
    username = wanted.username
    if username is None and not offered.anonymous:
        username = person.line("The server wants a user: its name") or None
        if username is None:
            raise LablineError(f"{wanted.url} lets nobody in without a user", hint="name one: --username")
    if username is None:
        return None, None
    password = wanted.password
    if password is None:
        password = person.secret(f"Password of {username}", how_else="put it into LABLINE_OPCUA_PASSWORD")
    wanted.place.keep_secret(f"opcua_{wanted.name}_password", password.encode())
    return username, password


def _secured(wanted: Wanted, offered: Offered, security: str, person: Person) -> Security:
    """Return the protection of the connection, with the server's certificate trusted by a person."""
    certificate, key = _own(wanted)
    policy, mode = security.split("/")
    return Security(
        policy=policy, mode=mode, certificate=certificate, private_key=key,
        server_certificate=_trusted(wanted, offered, person),
    )  # fmt: skip


def _own(wanted: Wanted) -> tuple[Path, Path]:
    """Return (our certificate, its key), made where they are not there yet."""
    certificate = wanted.place.certificate
    key = wanted.place.credentials / f"opcua_{wanted.name}_key.pem"
    if certificate.exists() and key.exists():
        return certificate, key
    if certificate.exists():
        raise LablineError(
            f"{certificate} is there, and its key {key} is not", hint="bring both together, or move it away"
        )
    machine = socket.gethostname()
    made_key, made = make_certificate(
        uri=f"urn:{machine}:labline", hosts=[machine], days=_DAYS, now=dt.datetime.now(dt.UTC)
    )
    wanted.place.keep_secret(key.name, made_key)
    certificate.write_bytes(made)
    show_lines(
        f"made {certificate}, SHA-256 {sha256_of(made)}: the server has to trust it", f"made {key}: its private key"
    )
    return certificate, key


def _trusted(wanted: Wanted, offered: Offered, person: Person) -> Path:
    """Return the folder with the server's certificate, once a person has compared its fingerprint."""
    folder = wanted.place.trusted(wanted.name)
    if not offered.certificates:
        raise LablineError(f"{wanted.url} presents no certificate", hint="--security None, on a bench only")
    presented = offered.certificates[0].certificate
    fingerprint = sha256_of(presented)
    trusted = [file.read_bytes() for file in sorted(folder.glob("*.der"))]
    if presented in trusted:
        return folder  # trusted in an earlier run
    if trusted:
        show_lines(f"warning: {folder} trusts another certificate of {wanted.url}: if it was not renewed, ask why")
    show_lines(f"the server's certificate: SHA-256 {fingerprint}")
    stated = _NOT_HEXADECIMAL.sub("", (wanted.trust or "").lower())
    if stated != fingerprint and not person.agrees("Does the server itself show this fingerprint? Trust it"):
        what = "the fingerprint given with --trust is another one" if stated else "nobody has trusted its certificate"
        raise LablineError(
            f"{wanted.url}: {what}", hint=f"compare it with what the server shows, then give --trust {fingerprint}"
        )
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / f"{fingerprint}.der").write_bytes(presented)
    return folder
