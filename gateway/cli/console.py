"""``labline console``: what is done about the operators' page at the machine itself."""

import os
from contextlib import closing
from pathlib import Path

import typer

from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json
from gateway.clock import SystemClock
from gateway.config.connections import console_options
from gateway.config.reading import read
from gateway.console.setup_link import new_link
from gateway.contract.console_links import SET_UP, link_of
from gateway.errors import LablineError
from gateway.store.database import read_state
from gateway.store.statements import SQL

app = typer.Typer(help="Make the link by which the console's first user is made.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make the link by which the console's first user is made."""


@app.command(name="setup-link")
def setup_link(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Make a new one-time link, valid for 24 hours, by which the first administrator is made.

    Only the account that owns the store, or root, may; an earlier link is no longer valid. Where there are users
    already, an administrator adds further ones: labline user add.
    """
    settings, _sha256 = read(config)
    options, directory = console_options(settings), settings.store.directory
    if options is None:
        raise LablineError("this line has no console", hint="add the table [console] to the configuration")
    with closing(read_state(directory)) as connection:
        if connection.execute(SQL["any_user"]).fetchone() is not None:
            raise LablineError("this line has users already", hint="an administrator adds users: labline user add")
    if os.geteuid() not in {0, directory.stat().st_uid}:
        raise LablineError(
            "only the account to which the store belongs, or root, makes this link", hint="run it as the service's user"
        )
    address = link_of(options.address, SET_UP, new_link(directory, SystemClock().now()))
    if as_json:
        show_json({"link": address, "valid_hours": 24})
        return
    out.print(f"open this link within 24 h; it works once:\n{address}", soft_wrap=True, markup=False)
