"""``labline audit``: the trail of what was decided, advised and done."""

from contextlib import closing
from pathlib import Path

import typer

from gateway.cli.presentation import out, show_json
from gateway.settings import read
from gateway.store.audit import verify as verify_chain
from gateway.store.database import read_state

app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The audit trail."""


@app.command()
def verify(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    """Verify that every line of the audit trail follows from the one before and none was changed."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        lines, wrong = verify_chain(connection)
    if as_json:
        show_json({"audit": wrong or "ok", "lines": lines})
    else:
        out.print(f"audit: {wrong or 'ok'} ({lines} lines hold)", markup=False)
    raise typer.Exit(1 if wrong else 0)
