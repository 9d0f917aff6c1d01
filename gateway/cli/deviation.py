"""``labline deviation``: the drafts of investigations, as documents."""

from contextlib import closing
from pathlib import Path

import typer

from gateway.advice.documents import html, markdown, title_of
from gateway.cli.presentation import out, show_json, show_table
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.lab.deviations import Deviation
from gateway.settings import read
from gateway.store.codec import decode, encode
from gateway.store.database import read_state
from gateway.store.statements import SQL

app = typer.Typer(help="Drafts of deviations.", no_args_is_help=True)

_CONFIG = typer.Option(..., "--config", "-c", help="The configuration file.")
_MOST = 200
_FORMS = {"md": markdown, "html": html, "json": encode}


@app.callback()
def _group() -> None:
    """Drafts of deviations."""


@app.command(name="list")
def list_deviations(
    config: Path = _CONFIG,
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show the newest drafts."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["all_deviations"], {"most": _MOST}).fetchall()
    found = [
        {"id": row["deviation_id"], "at": rfc3339(row["at_ns"]), "lot": row["material_lot_id"],
         "sample": row["sample_id"], "analyte": row["analyte"], "product": row["product"]}
        for row in rows
    ]  # fmt: skip
    if as_json:
        show_json({"deviations": found})
        return
    columns = ("id", "at", "lot", "sample", "analyte", "product")
    show_table("deviations", columns, [tuple(each[name] or "-" for name in columns) for each in found])


@app.command()
def show(
    deviation: str = typer.Argument(..., help="The deviation's id."),
    config: Path = _CONFIG,
    form: str = typer.Option("md", "--format", help="md, html (with charts) or json."),
    to: Path | None = typer.Option(None, "--out", help="A file to write instead of standard output."),
) -> None:
    """Show a draft as a document."""
    if form not in _FORMS:
        raise LablineError(f"there is no format {form}", hint=f"one of {', '.join(_FORMS)}")
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        row = connection.execute(SQL["deviation"], {"deviation_id": deviation}).fetchone()
    if row is None:
        raise LablineError(f"no deviation {deviation} is on record", hint="labline deviation list shows them")
    if not row["holds"]:
        raise LablineError(
            f"deviation {deviation} does not match its hash", hint="labline audit verify says what is damaged"
        )
    found = decode(Deviation, row["body"])
    text = _FORMS[form](found)
    if to is None:
        print(text)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LablineError(f"{to} cannot be written: {error.strerror}", hint="name another place") from error
    out.print(f"{title_of(found)}: written to {to}", markup=False, soft_wrap=True)
