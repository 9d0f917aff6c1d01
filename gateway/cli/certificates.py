"""``labline opcua certificate`` and ``server-certificate``: the certificates of both sides of an OPC UA connection."""

import asyncio
import datetime as dt
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.options import takes
from gateway.cli.output import show_lines
from gateway.errors import LablineError
from gateway.transport.opcua_browse import ServerCertificate, server_certificates
from gateway.transport.opcua_certificates import make_certificate, sha256_of

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")  # RFC 3986: a scheme, and nothing that has to be escaped
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateOptions:
    """Where a certificate is written, and what it says."""

    folder: Path = typer.Option(
        Path(), "--out", metavar="<folder>", help="Where to write labline.der and labline_key.pem."
    )
    uri: str = typer.Option("", "--uri", help="The application URI. Without it: urn:<name of this machine>:labline.")
    hosts: list[str] = typer.Option(
        [], "--host", metavar="<name>", help="A name or address of this machine. May be repeated."
    )
    days: int = typer.Option(730, "--days", min=1, max=3650, help="For how many days the certificate is valid.")


@takes(CertificateOptions)
def certificate(options: CertificateOptions) -> None:
    """Make the gateway's own certificate and private key for OPC UA servers with security."""
    machine = socket.gethostname()
    uri = options.uri or f"urn:{machine}:labline"
    _must_be_usable(uri, options.hosts)
    folder = options.folder
    key_file, certificate_file = folder / "labline_key.pem", folder / "labline.der"
    for file in (key_file, certificate_file):
        if file.exists():
            raise LablineError(
                f"{file} is there already",
                hint="name another folder with --out; every server has to trust a new certificate again",
            )
    now = dt.datetime.now(dt.UTC)
    key, made = make_certificate(uri=uri, hosts=options.hosts or [machine], days=options.days, now=now)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_bytes(key)
        certificate_file.write_bytes(made)
    except OSError as error:
        raise LablineError(
            f"{folder} cannot be written: {error.strerror}", hint="name another folder: --out"
        ) from error
    show_lines(
        f"{certificate_file}: application URI {uri}, valid {options.days} days, SHA-256 {sha256_of(made)}",
        f"{key_file}: the private key; give it to the service as credential opcua_<name>_key.pem",
        "to do: trust the certificate at the server, and set certificate in [opcua.<name>] to its file",
    )


def _must_be_usable(uri: str, hosts: list[str]) -> None:
    """Raise LablineError if an application URI or a machine's name cannot stand in a certificate."""
    if not _URI.fullmatch(uri):
        hint = "such as urn:edge-7:labline; servers compare it letter by letter"
        raise LablineError(f"--uri {uri} is not an application URI", hint=hint)
    unusable = [host for host in hosts if not _HOST.fullmatch(host)]
    if unusable:
        raise LablineError(
            f"--host {unusable[0]} is not the name or address of a machine",
            hint="such as edge-7.plant.local or 10.0.0.7",
        )


def server_certificate(
    url: str = typer.Argument(..., help="The server's endpoint, such as opc.tcp://10.0.0.5:4840."),
    file: Path = typer.Option(Path("server.der"), "--out", metavar="<file>", help="The file to write it to."),
) -> None:
    """Fetch the certificate of an OPC UA server, so that you can compare it, and trust it in the configuration."""
    certificates = asyncio.run(server_certificates(url))
    if not certificates:
        raise LablineError(
            f"{url} has no certificate: it offers no security", hint="enable a security policy at the server"
        )
    for at, presented in enumerate(certificates):
        _save(presented, file if at == 0 else file.with_stem(f"{file.stem}_{at + 1}"))
    show_lines(
        "to do: compare the SHA-256 with the one that the server itself shows; if they are equal, set "
        "server_certificate in [opcua.<name>] to the file"
    )


def _save(presented: ServerCertificate, file: Path) -> None:
    try:
        file.write_bytes(presented.certificate)
    except OSError as error:
        raise LablineError(f"{file} cannot be written: {error.strerror}", hint="name another file: --out") from error
    show_lines(f"{file}: for {', '.join(presented.security)}, SHA-256 {sha256_of(presented.certificate)}")
