"""``labline opcua trust``: the certificates of servers and clients that were rejected, and trusting one of them."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import safe_text, show_json, show_lines
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_rejected import OWN_SERVER, Rejected, rejected_in
from gateway.transport.opcua_source import REJECTED_FOLDER

_SHORTEST_PREFIX = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustOptions:
    """Which rejected certificate is trusted from now on."""

    server: str = typer.Argument(
        "",
        help="The server, by its name in [opcua.<name>]; opcua_server: a client of our own. Without it all are listed.",
    )
    config: Path = CONFIG
    sha256: str = typer.Option(
        "", "--sha256", metavar="<hex>", help="The certificate by its SHA-256, or by the first characters of it."
    )
    yes: bool = typer.Option(False, "--yes", help="Ask nothing: the SHA-256 was compared with the server's own.")
    as_json: bool = JSON


@takes(TrustOptions)
def trust(options: TrustOptions) -> None:
    """List the certificates of servers that were rejected, or trust one from now on.

    Compare the SHA-256 with what the server itself shows. The gateway takes it at its next attempt.
    Without a server it lists them. Exit 1 if there is none to trust.
    """
    settings, _sha256 = read(options.config)
    rejected = rejected_in(settings.store.directory / REJECTED_FOLDER, options.server or None)
    if not options.server:
        _list(rejected, as_json=options.as_json)
        return
    own = options.server == OWN_SERVER and settings.opcua_server is not None
    if options.server not in settings.opcua and not own:
        known = ", ".join(sorted(settings.opcua)) or "none"
        raise LablineError(f"no [opcua.{options.server}] is configured", hint=f"there are: {known}")
    chosen = _chosen(rejected, options.server, options.sha256)
    target = _target(settings, options.server)
    if not options.yes:
        _ask(chosen)
    file = target / chosen.file.name
    try:
        target.mkdir(mode=0o755, exist_ok=True)
        file.write_bytes(chosen.file.read_bytes())
        file.chmod(0o644)
    except OSError as error:
        raise LablineError(f"{file} cannot be written: {error.strerror}", hint="run it as its owner") from error
    chosen.file.unlink(missing_ok=True)
    if options.as_json:
        show_json({"trusted": str(file), "server": chosen.server, "sha256": chosen.sha256})
    else:
        show_lines(f"trusted: {file}", f"SHA-256 {chosen.sha256}; the gateway takes it at its next attempt")


def _list(rejected: tuple[Rejected, ...], *, as_json: bool) -> None:
    if as_json:
        show_json({"rejected": [
            {"server": item.server, "sha256": item.sha256, "subject": item.subject, "not_after": item.not_after,
             "at": _instant(item)} for item in rejected
        ]})  # fmt: skip
        return
    if not rejected:
        show_lines("no certificate was rejected")
    for item in rejected:
        until = f"valid until {item.not_after}, presented {_instant(item)}"
        show_lines(f"{item.server}: {safe_text(item.subject)}, {until}", f"  SHA-256 {item.sha256}")
    if rejected:
        show_lines(f"to do: compare the SHA-256 with the server's own, then labline opcua trust {rejected[0].server}")


def _instant(rejected: Rejected) -> str:
    return f"{datetime.fromtimestamp(rejected.at_ns / SECOND_NS, UTC):%Y-%m-%d %H:%M:%SZ}"


def _chosen(rejected: tuple[Rejected, ...], server: str, sha256: str) -> Rejected:
    """Return the one that is meant; raises LablineError where none or several are."""
    prefix = sha256.lower().replace(":", "").replace(" ", "")
    if prefix and len(prefix) < _SHORTEST_PREFIX:
        raise LablineError(f"--sha256 {sha256} is too short", hint=f"give {_SHORTEST_PREFIX} characters or more")
    meant = [item for item in rejected if item.sha256.startswith(prefix)]
    if not meant:
        raise LablineError(
            f"no certificate of {server} was rejected" + (f" whose SHA-256 begins with {prefix}" if prefix else ""),
            hint="labline opcua trust lists them; one is kept when the gateway has tried to connect",
        )
    if len(meant) > 1:
        listed = ", ".join(item.sha256[:16] for item in meant)
        raise LablineError(f"{server} has presented several: {listed}", hint="say which one: --sha256")
    return meant[0]


def _target(settings: Settings, server: str) -> Path:
    """Return the folder of trusted certificates; raises LablineError where a single file is configured."""
    if server not in settings.opcua:
        clients = None if settings.opcua_server is None else settings.opcua_server.clients
        if clients is None:
            raise LablineError("[opcua_server] has no clients", hint="name a folder, such as opcua-clients")
        return clients
    target = settings.opcua[server].server_certificate
    if target is None:
        raise LablineError(f"[opcua.{server}] has no server_certificate", hint="name a folder, such as trusted/plc1")
    if target.is_file():
        raise LablineError(
            f"{target} is a single file, which would be replaced",
            hint="make server_certificate a folder, put this file into it, and run the command again",
        )
    return target


def _ask(chosen: Rejected) -> None:
    """Have the person confirm the hash; raises LablineError where they do not, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise LablineError("nobody can be asked here", hint="compare the SHA-256 first, then give --yes")
    show_lines(f"{chosen.server} presented: {safe_text(chosen.subject)}, valid until {chosen.not_after}",
               f"SHA-256 {chosen.sha256}")  # fmt: skip
    if not typer.confirm("Is this the SHA-256 that the server itself shows?"):
        raise LablineError("nothing is trusted")
