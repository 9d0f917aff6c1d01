"""``labline opcua``: a look into a server to find the tags to configure, and the certificates of both sides."""

import asyncio
import datetime as dt
import re
import socket
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from gateway.cli.options import takes
from gateway.cli.output import err, out, safe_text, show_json, show_table
from gateway.config.connection_tables import SECURITY_MODES, SECURITY_POLICIES
from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.errors import ConfigurationError, LablineError, Problem, SourceUnavailableError
from gateway.transport.opcua_browse import Browsed, BrowsedNode, ServerCertificate, server_certificates
from gateway.transport.opcua_browse import browse as browse_server
from gateway.transport.opcua_certificates import make_certificate, sha256_of
from gateway.transport.opcua_source import OpcUaSource, Security

app = typer.Typer(help="Look into OPC UA servers; make and fetch certificates.", no_args_is_help=True)
_UNNAMED = "server"  # a server that no configuration names
_NUMBERS = frozenset(
    {"Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double"}
)  # OPC UA types of which a tag can be
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")  # RFC 3986: a scheme, and nothing that has to be escaped
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@app.callback()
def _group() -> None:
    """Look into OPC UA servers; make and fetch certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowseOptions:
    """Which server is looked into, as whom, and how what it has is shown."""

    url: str = typer.Argument("", help="The server's endpoint, such as opc.tcp://10.0.0.5:4840; or --config.")
    config: Path | None = typer.Option(None, "--config", "-c", help="Log in as this configuration does.")
    source: str | None = typer.Option(None, "--source", help="Which [opcua.<name>] of the configuration.")
    username: str | None = typer.Option(None, "--username", help="The user to log in as.")
    password: str | None = typer.Option(
        None, "--password", envvar="LABLINE_OPCUA_PASSWORD", help="Better in the environment; asked for otherwise."
    )
    security: str = typer.Option("None", "--security", help="Such as Basic256Sha256/SignAndEncrypt.")
    certificate: Path | None = typer.Option(None, "--certificate", help="This gateway's certificate.")
    key: Path | None = typer.Option(None, "--key", help="Its private key as PEM.")
    server_certificate: Path | None = typer.Option(None, "--server-certificate", help="The server's, pinned.")
    most: int = typer.Option(500, "--most", min=1, help="Show at most that many variables.")
    as_toml: bool = typer.Option(False, "--toml", help="Tables [tags.<name>], ready to paste.")
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table.")


@app.command()
@takes(BrowseOptions)
def browse(options: BrowseOptions) -> None:
    """Show a server's variables with the node names that [tags.<name>] wants."""
    server = _server(options)
    try:
        found = asyncio.run(browse_server(server, most=options.most))
    except SourceUnavailableError as error:
        if options.config is not None:
            raise
        hint = error.hint.replace(f"the credential opcua_{_UNNAMED}_password", "--password or LABLINE_OPCUA_PASSWORD")
        raise SourceUnavailableError(str(error), hint=hint) from error
    if options.as_json:
        show_json({"url": server.url, **asdict(found)})
    elif options.as_toml:
        _show_toml(found.variables, source=options.source or "plc1")
    else:
        _show(server.url, found)


def _server(options: BrowseOptions) -> OpcUaSource:
    """Return the server that the options name; raises LablineError where they name none."""
    if options.config is not None:
        return _configured(options.config, options.source)
    if not options.url:
        raise LablineError("there is no server to look into", hint="name its URL, or --config F --source NAME")
    asked = options.username is not None and options.password is None
    return OpcUaSource(
        name=_UNNAMED,
        url=options.url,
        nodes={},
        publishing_interval_ms=500,
        sampling_interval_ms=250,
        security=_security(options.security, options.certificate, options.key, options.server_certificate),
        username=options.username,
        password=_asked_password() if asked else options.password,
    )


def _asked_password() -> str:
    """Return the password that a person types; raises LablineError where nobody can be asked."""
    if not sys.stdin.isatty():
        hint = "put it into the environment: LABLINE_OPCUA_PASSWORD=... labline opcua browse ..."
        raise LablineError("the password of --username is missing, and nobody is there to type it", hint=hint)
    return str(typer.prompt("Password", hide_input=True, err=True))


def _configured(config: Path, name: str | None) -> OpcUaSource:
    """Return the server that a configuration names; raises ConfigurationError."""
    settings, _sha256 = read(config)
    servers = {each.name: each for each in opcua_sources(settings)}
    if name is None and len(servers) == 1:
        return next(iter(servers.values()))
    if name is None or name not in servers:
        problem = Problem(
            file=str(config),
            key=f"opcua.{name}" if name else "opcua",
            message="is not there" if name else "has several servers" if servers else "has no server",
            hint=f"--source is one of: {', '.join(servers) or 'none'}",
        )
        raise ConfigurationError((problem,))
    return servers[name]


def _security(
    security: str, certificate: Path | None, key: Path | None, server_certificate: Path | None
) -> Security | None:
    if security == "None":
        return None
    policy, _, mode = security.partition("/")
    if policy not in SECURITY_POLICIES or mode not in SECURITY_MODES:
        known = f"a policy of {', '.join(SECURITY_POLICIES)}; a mode of {', '.join(SECURITY_MODES)}"
        raise LablineError(
            f"--security {security} is no policy with a mode",
            hint=f"None, or such as Basic256Sha256/SignAndEncrypt: {known}",
        )
    if certificate is None or key is None or server_certificate is None:
        raise LablineError(
            f"{security} needs --certificate, --key and --server-certificate",
            hint="labline opcua certificate makes the first two, labline opcua server-certificate fetches the third",
        )
    for option, file in (("--certificate", certificate), ("--key", key), ("--server-certificate", server_certificate)):
        if not file.exists():
            raise LablineError(f"{option} {file} is not there", hint="is the path right, and may this user read it?")
    return Security(
        policy=policy, mode=mode, certificate=certificate, private_key=key, server_certificate=server_certificate
    )


# --- showing: nothing is cropped or broken, neither on a terminal nor in a pipe


def _show(url: str, found: Browsed) -> None:
    least = "" if found.complete else "more than "
    shown = len(found.variables)
    counted = f"{shown} of {least}{found.total}" if shown < found.total else f"{least}{shown}"
    title = f"{counted} variables at {url}"
    columns = ("path", "node", "type", "value", "writable")
    rows = [(n.path, n.node, n.data_type, n.value, "yes" if n.writable else "") for n in found.variables]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    if out.is_terminal and sum(widths) + 3 * len(columns) > out.width:
        _show_lines_of(title)
        for node in found.variables:
            _show_lines_of(
                safe_text(f"{node.path}  {node.data_type} {node.value}{', writable' if node.writable else ''}"),
                safe_text(f"  {node.node}"),
            )
    else:
        show_table(title, columns, rows)
    if shown < found.total:
        _show_lines_of(f"--most {found.total} shows them all")
    for problem in found.problems:
        err.print(f"warning: {safe_text(problem)}", style="yellow", markup=False, soft_wrap=True)


def _show_toml(variables: Iterable[BrowsedNode], *, source: str) -> None:
    taken: dict[str, int] = {}
    print("# set source, equipment and unit of each; what Labline can do with a tag: deploy/labline.toml\n")
    for node in variables:
        name = _NO_LETTERS.sub("_", node.path.rsplit("/", 1)[-1].lower()).strip("_") or "tag"
        taken[name] = taken.get(name, 0) + 1
        name = name if taken[name] == 1 else f"{name}_{taken[name]}"
        table = _table(name, node, source=source)
        print(table if _is_number(node) else "\n".join(f"# {line}" for line in table.splitlines()), end="\n\n")


def _is_number(node: BrowsedNode) -> bool:
    """Return whether a tag may be of this node: of a number, or of one element of an array of them."""
    return node.data_type.partition("[")[0] in _NUMBERS


def _table(name: str, node: BrowsedNode, *, source: str) -> str:
    told = f"{node.path}: {node.data_type} {node.value}".replace("\n", " ")
    why_not = "" if _is_number(node) else "  (no number: no tag can be of it)"
    element = "index = 0  # of the array; the first is 0\n" if "[" in node.data_type else ""
    return (
        f"[tags.{name}]  # {told}{why_not}\n"
        f'source = "{source}"\nnode = {_quoted(node.node)}\n{element}equipment = "R1"\nunit = "1"'
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in escaped) + '"'


# --- certificates


@app.command()
def certificate(
    folder: Path = typer.Option(Path(), "--out", help="The folder to write labline.der and labline_key.pem to."),
    uri: str = typer.Option("", "--uri", help="The application URI; without it, urn:<this host>:labline."),
    host: list[str] = typer.Option([], "--host", help="A name or address of this machine; may be given again."),
    days: int = typer.Option(730, "--days", min=1, max=3650, help="For how many days it is valid."),
) -> None:
    """Make this gateway's own certificate and private key, as OPC UA servers want them."""
    machine = socket.gethostname()
    uri = uri or f"urn:{machine}:labline"
    if not _URI.fullmatch(uri):
        hint = "such as urn:edge-7:labline; servers compare it letter by letter"
        raise LablineError(f"{uri} is no application URI", hint=hint)
    odd = [each for each in host if not _HOST.fullmatch(each)]
    if odd:
        raise LablineError(
            f"{odd[0]} is no name or address of a machine", hint="such as edge-7.plant.local or 10.0.0.7"
        )
    key_file, certificate_file = folder / "labline_key.pem", folder / "labline.der"
    for file in (key_file, certificate_file):
        if file.exists():
            raise LablineError(f"{file} is already there", hint="a new one must be trusted anew: name another --out")
    key, made = make_certificate(uri=uri, hosts=host or [machine], days=days, now=dt.datetime.now(dt.UTC))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_bytes(key)
        certificate_file.write_bytes(made)
    except OSError as error:
        raise LablineError(
            f"{folder} cannot be written: {error.strerror}", hint="name another folder: --out"
        ) from error
    _show_lines_of(
        f"{certificate_file}: application URI {uri}, valid {days} days, SHA-256 {sha256_of(made)}",
        f"{key_file}: the private key; make it credential opcua_<name>_key.pem",
        "then trust the certificate at the server, and set certificate in [opcua.<name>]",
    )


@app.command(name="server-certificate")
def server_certificate(
    url: str = typer.Argument(..., help="The server's endpoint, such as opc.tcp://10.0.0.5:4840."),
    file: Path = typer.Option(Path("server.der"), "--out", help="The file to write it to."),
) -> None:
    """Fetch the certificate that a server presents, to be compared by a person and pinned."""
    found = asyncio.run(server_certificates(url))
    if not found:
        raise LablineError(f"{url} presents no certificate: it offers no security", hint="enable security there")
    for at, each in enumerate(found):
        _save(each, file if at == 0 else file.with_stem(f"{file.stem}_{at + 1}"))
    _show_lines_of("compare the SHA-256 with what the server itself shows, then set server_certificate to the file")


def _save(found: ServerCertificate, file: Path) -> None:
    try:
        file.write_bytes(found.certificate)
    except OSError as error:
        raise LablineError(f"{file} cannot be written: {error.strerror}", hint="name another file: --out") from error
    _show_lines_of(f"{file}: for {', '.join(found.security)}, SHA-256 {sha256_of(found.certificate)}")


def _show_lines_of(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
