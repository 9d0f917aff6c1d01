"""``labline search``: finds records by words and fields, as the console's page does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import err, show_json, show_table
from gateway.config.knowledge import knowledge_options
from gateway.config.line_definition import procedures_of
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.times import rfc3339
from gateway.database.opening import SQLITE_ERRORS
from gateway.errors import LablineError
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import KnowledgeIndex, open_index, read_index
from gateway.knowledge.kinds.table import NAMES
from gateway.knowledge.searching import Asked, Findings, Searched
from gateway.knowledge.searching import search as find
from gateway.line.procedures import Procedure
from gateway.records.sight import EVERYTHING
from gateway.store.database import is_in_use, read_state
from gateway.texts.catalogue import speak

_PROBLEMS = {
    "TOO_LONG": "only the first thousand characters are looked for",
    "TOO_MANY_WORDS": "only the first 32 words are looked for",
    "TIME_NOT_UNDERSTOOD": "a time is not understood: write from:2026-11-01",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """What is searched for."""

    words: list[str] = typer.Argument(
        ...,
        metavar="WORDS...",
        help='Words, "a phrase", -without, and fields: supplier:ACME product: analyte: from: to:',
    )
    config: Path = CONFIG
    kind: list[str] = typer.Option([], "--kind", help=f"Only these kinds: {', '.join(NAMES)}.")
    most: int = typer.Option(20, "--most", min=1, max=500, help="At most so many records.")
    as_json: bool = JSON


@takes(SearchOptions)
def search(options: SearchOptions) -> None:
    """Find records by words and fields: deviations, results, lots, guidance, procedures, people's comments.

    Exit 1 if nothing matches.
    """
    unknown = [kind for kind in options.kind if kind not in NAMES]
    if unknown:
        raise LablineError(f"there is no kind {unknown[0]}", hint=f"kinds are: {', '.join(NAMES)}")
    settings, _sha256 = read(options.config)
    speak(settings.texts.language, settings.texts.units)
    asked = Asked(text=" ".join(options.words), kinds=tuple(options.kind), sight=EVERYTHING, most=options.most)
    with searched(settings, options.config) as where:
        findings = find(where, asked)
    _show(findings, as_json=options.as_json)
    raise typer.Exit(0 if findings.findings else 1)


@contextmanager
def searched(settings: Settings, path: Path) -> Iterator[Searched]:
    """Open the store and its index, which is brought up to date first where no gateway does so."""
    procedures = procedures_of(settings, path)
    with closing(read_state(settings.store.directory)) as state, _index(settings, state, procedures) as index:
        options = knowledge_options(settings)
        yield Searched(
            index=index, state=state, procedures=procedures, synonyms=options.synonyms,
            zone=ZoneInfo(settings.site.time_zone), meaning=options.meaning,
        )  # fmt: skip


def _index(settings: Settings, state: sqlite3.Connection, procedures: tuple[Procedure, ...]) -> KnowledgeIndex:
    directory = settings.store.directory
    kept = settings.knowledge.enabled and settings.console is not None and is_in_use(directory)
    index = read_index(directory) if kept else None
    if index is not None:
        return index
    try:
        index = open_index(directory)
        catch_up(state, index, procedures, most_bytes=round(settings.knowledge.most))
    except (LablineError, OSError, *SQLITE_ERRORS) as error:
        index = read_index(directory)
        if index is None:
            raise LablineError(
                f"the index cannot be made: {error}", hint="run the command as the service's user"
            ) from error
    return index


def _show(findings: Findings, *, as_json: bool) -> None:
    rows = [item.document for item in findings.findings]
    left = findings.behind
    if as_json:
        show_json({
            "findings": [
                {"kind": item.document.kind, "id": item.document.key, "title": item.document.title,
                 "snippet": item.snippet, "at": rfc3339(item.document.at_ns) if item.document.at_ns else None,
                 "client_id": item.document.scope.client_id, "study_id": item.document.scope.study_id,
                 "record": item.document.record, "fields": item.document.fields}
                for item in findings.findings
            ],
            "more": findings.more, "any_word": findings.any_word, "not_shown": findings.not_shown,
            "problems": findings.problems, "behind": {"lines": left.lines, "building": left.building,
                                                      "dropped": left.dropped, "damaged": left.damaged},
        })  # fmt: skip
        return
    for problem in findings.problems:
        err.print(_PROBLEMS[problem])
    if findings.any_word:
        err.print("no record has all of these words; these have some")
    if not left.caught_up:
        err.print(
            f"the index is behind by {left.lines} lines of the audit trail"
            + (", and being built" if left.building else "")
        )
    if findings.not_shown:
        err.print(f"{findings.not_shown} more do not match their hash: labline audit verify says what is damaged")
    cells = [(row.kind, row.title, rfc3339(row.at_ns)[:19] if row.at_ns else "-", row.key) for row in rows]
    show_table("records", ("kind", "title", "at", "id"), cells)
