"""``labline opcua``: a look into a server, to find the tags to configure."""

import asyncio
from dataclasses import asdict

import typer

from gateway.cli.presentation import show_json, show_table
from gateway.transport.opcua_browse import browse as browse_server

app = typer.Typer(help="Look into OPC UA servers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look into OPC UA servers."""


@app.command()
def browse(
    url: str = typer.Argument(..., help="The server's endpoint, such as opc.tcp://10.0.0.5:4840."),
    most: int = typer.Option(500, "--most", min=1, help="Show at most that many variables."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show a server's variables with the node names that [tags.<name>] wants."""
    found = asyncio.run(browse_server(url, most=most))
    if as_json:
        show_json({"url": url, "variables": [asdict(node) for node in found]})
        return
    rows = [(n.path, n.node, n.data_type, n.value, "yes" if n.writable else "") for n in found]
    show_table(f"{len(found)} variables at {url}", ("path", "node", "type", "value", "writable"), rows)
