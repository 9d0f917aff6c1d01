"""``labline opcua``: lists a server's variables, to find the tags to configure."""

import asyncio
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from gateway.cli import certificates, trust
from gateway.cli.options import JSON, takes
from gateway.cli.output import err, out, safe_text, show_json, show_lines, show_table
from gateway.config.connection_tables import SECURITY_MODES, SECURITY_POLICIES
from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.config.toml_text import quoted
from gateway.errors import ConfigurationError, LablineError, Problem, SourceUnavailableError
from gateway.transport.opcua_browse import Browsed, BrowsedNode
from gateway.transport.opcua_browse import browse as browse_server
from gateway.transport.opcua_source import OpcUaSource, Security

app = typer.Typer(help="List the variables of OPC UA servers; make and fetch certificates.", no_args_is_help=True)
_UNNAMED = "server"  # the name of a server that is in no configuration
_NUMBERS = frozenset(
    {"Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double"}
)  # OPC UA types of which a tag can be
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


app.command()(certificates.certificate)
app.command(name="server-certificate")(certificates.server_certificate)
app.command()(trust.trust)


@app.callback()
def _group() -> None:
    """List the variables of OPC UA servers; make and fetch certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowseOptions:
    """Which server is browsed, who logs in, and in which form its variables are shown."""

    url: str = typer.Argument(
        "", help="The server's endpoint, such as opc.tcp://10.0.0.5:4840. Without it, give --config."
    )
    config: Path | None = typer.Option(
        None,
        "--config",
        "-c",
        metavar="<file>",
        help="Connect as this configuration says: login, security, certificates.",
    )
    source: str | None = typer.Option(
        None, "--source", metavar="<name>", help="With --config: which of its servers, the name in [opcua.<name>]."
    )
    username: str | None = typer.Option(None, "--username", metavar="<name>", help="The user to log in as.")
    password: str | None = typer.Option(
        None,
        "--password",
        envvar="LABLINE_OPCUA_PASSWORD",
        help="The user's password. Better give it in the environment; without it you are asked for it.",
    )
    security: str = typer.Option(
        "None", "--security", help="Policy and mode that the server offers, such as Basic256Sha256/SignAndEncrypt."
    )
    certificate: Path | None = typer.Option(
        None, "--certificate", metavar="<file>", help="With --security: this gateway's certificate."
    )
    key: Path | None = typer.Option(
        None, "--key", metavar="<file>", help="With --security: the certificate's private key (PEM)."
    )
    server_certificate: Path | None = typer.Option(
        None, "--server-certificate", metavar="<file>", help="With --security: the server's certificate that you trust."
    )
    most: int = typer.Option(500, "--most", min=1, help="Show at most that many variables.")
    as_toml: bool = typer.Option(False, "--toml", help="Print tables [tags.<name>] to paste into a configuration.")
    as_json: bool = JSON


@app.command()
@takes(BrowseOptions)
def browse(options: BrowseOptions) -> None:
    """List the variables of an OPC UA server, with the node names to configure in [tags.<name>]."""
    server = _server(options)
    try:
        browsed = asyncio.run(browse_server(server, most=options.most))
    except SourceUnavailableError as error:
        if options.config is not None:
            raise
        hint = error.hint.replace(f"the credential opcua_{_UNNAMED}_password", "--password or LABLINE_OPCUA_PASSWORD")
        raise SourceUnavailableError(str(error), hint=hint) from error
    if options.as_json:
        show_json({"url": server.url, **asdict(browsed)})
    elif options.as_toml:
        _show_toml(browsed.variables, source=options.source or "plc1")
    else:
        _show(server.url, browsed)


def _server(options: BrowseOptions) -> OpcUaSource:
    """Return the server that the options name; raises LablineError if they name none."""
    if options.config is not None:
        return _configured(options.config, options.source)
    if not options.url:
        raise LablineError("no server is named", hint="give its URL, or --config FILE --source NAME")
    asks_password = options.username is not None and options.password is None
    return OpcUaSource(
        name=_UNNAMED,
        url=options.url,
        nodes={},
        publishing_interval_ms=500,
        sampling_interval_ms=250,
        security=_security(options.security, options.certificate, options.key, options.server_certificate),
        username=options.username,
        password=_asked_password() if asks_password else options.password,
    )


def _asked_password() -> str:
    """Return the password that a person types; raises LablineError if there is no terminal to type it at."""
    if not sys.stdin.isatty():
        hint = "put it into the environment: LABLINE_OPCUA_PASSWORD=... labline opcua browse ..."
        raise LablineError("--username has no password, and there is no terminal to ask for it", hint=hint)
    return str(typer.prompt("Password", hide_input=True, err=True))


def _configured(config: Path, name: str | None) -> OpcUaSource:
    """Return the server that a configuration names; raises ConfigurationError."""
    settings, _sha256 = read(config)
    servers = {server.name: server for server in opcua_sources(settings)}
    if name is None and len(servers) == 1:
        return next(iter(servers.values()))
    if name is None or name not in servers:
        problem = Problem(
            file=str(config),
            key=f"opcua.{name}" if name else "opcua",
            message="is not there" if name else "has several servers" if servers else "has no server",
            hint=f"name one with --source: {', '.join(servers)}" if servers else "give the server's URL instead",
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
            f"--security {security} is not a policy and a mode",
            hint=f"give None, or such as Basic256Sha256/SignAndEncrypt: {known}",
        )
    if certificate is None or key is None or server_certificate is None:
        raise LablineError(
            f"{security} needs --certificate, --key and --server-certificate",
            hint="labline opcua certificate makes the first two, labline opcua server-certificate fetches the third",
        )
    for option, file in (("--certificate", certificate), ("--key", key), ("--server-certificate", server_certificate)):
        if not file.exists():
            raise LablineError(f"{option} {file} is not there", hint="check the path, and that this user may read it")
    return Security(
        policy=policy, mode=mode, certificate=certificate, private_key=key, server_certificate=server_certificate
    )


# --- output: nothing is cut short, neither on a terminal nor in a pipe


def _show(url: str, browsed: Browsed) -> None:
    least = "" if browsed.complete else "more than "
    shown = len(browsed.variables)
    counted = f"{shown} of {least}{browsed.total}" if shown < browsed.total else f"{least}{shown}"
    title = f"{counted} variables at {url}"
    columns = ("path", "node", "type", "value", "writable")
    rows = [(n.path, n.node, n.data_type, n.value, "yes" if n.writable else "") for n in browsed.variables]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    if out.is_terminal and sum(widths) + 3 * len(columns) > out.width:
        show_lines(title)
        for node in browsed.variables:
            show_lines(
                safe_text(f"{node.path}  {node.data_type} {node.value}{', writable' if node.writable else ''}"),
                safe_text(f"  {node.node}"),
            )
    else:
        show_table(title, columns, rows)
    if shown < browsed.total:
        show_lines(f"--most {browsed.total} shows them all")
    for problem in browsed.problems:
        err.print(f"warning: {safe_text(problem)}", style="yellow", markup=False, soft_wrap=True)


def _show_toml(variables: Iterable[BrowsedNode], *, source: str) -> None:
    taken: dict[str, int] = {}
    print("# set source, equipment and unit of each tag; deploy/labline.toml explains every key\n")
    for node in variables:
        name = _NO_LETTERS.sub("_", node.path.rsplit("/", 1)[-1].lower()).strip("_") or "tag"
        taken[name] = taken.get(name, 0) + 1
        name = name if taken[name] == 1 else f"{name}_{taken[name]}"
        table = _table(name, node, source=source)
        print(table if _is_number(node) else "\n".join(f"# {line}" for line in table.splitlines()), end="\n\n")


def _is_number(node: BrowsedNode) -> bool:
    """Return whether a tag can be configured for a node: it holds a number, or an array of numbers."""
    return node.data_type.partition("[")[0] in _NUMBERS


def _table(name: str, node: BrowsedNode, *, source: str) -> str:
    description = f"{node.path}: {node.data_type} {node.value}".replace("\n", " ")
    why_not = "" if _is_number(node) else "  (not a number: it cannot be a tag)"
    element = "index = 0  # which element of the array; the first is 0\n" if "[" in node.data_type else ""
    return (
        f"[tags.{name}]  # {description}{why_not}\n"
        f'source = "{source}"\nnode = {quoted(node.node)}\n{element}equipment = "R1"\nunit = "1"'
    )
