"""What a search finds among all records."""

from pydantic import Field

from gateway.console.views.parts import View, instant
from gateway.knowledge.catching_up import Behind
from gateway.knowledge.searching import Finding, Findings


class FindingView(View):
    """A record that matches, as it is on record now."""

    kind: str = Field(description="deviation, guidance, settlement, specification, lot, result, procedure ...")
    id: str
    title: str
    snippet: str = Field(description="of its text, around a word that was asked for")
    at: str | None
    link: str | None = Field(description="where the console shows more of it; null: nowhere")
    record: str | None = Field(description="its name in the audit trail; null: it is no record of the store")
    client_id: str | None
    study_id: str | None
    fields: dict[str, list[str]] = Field(description="its values by the names that a search may ask for")


class BehindView(View):
    """How far the index is behind what is on record."""

    lines: int = Field(description="lines of the audit trail that are not in it yet")
    building: bool = Field(description="older records are still missing")
    dropped: int = Field(description="the oldest records that had no room")
    damaged: int = Field(description="records that did not match their hash when they were met")


class SearchView(View):
    """GET /api/search?query=&kind=&beyond=."""

    query: str
    findings: list[FindingView]
    beyond: int | None = Field(description="to go on with the next ones; null: there are none")
    any_word: bool = Field(description="no record has all of the words; these have some")
    not_shown: int = Field(description="records that do not match their hash any more")
    problems: list[str] = Field(description="TOO_LONG, TOO_MANY_WORDS, TIME_NOT_UNDERSTOOD")
    behind: BehindView


def search_view(findings: Findings, *, query: str, beyond: int) -> SearchView:
    """Return what was found as it is sent."""
    return SearchView(
        query=query[:1000],
        findings=[finding_view(item) for item in findings.findings],
        beyond=beyond + len(findings.findings) + findings.not_shown if findings.more else None,
        any_word=findings.any_word,
        not_shown=findings.not_shown,
        problems=list(findings.problems),
        behind=behind_view(findings.behind),
    )


def finding_view(item: Finding) -> FindingView:
    """Return one record that was found."""
    document = item.document
    return FindingView(
        kind=document.kind,
        id=document.key,
        title=document.title,
        snippet=item.snippet,
        at=instant(document.at_ns) if document.at_ns else None,
        link=document.link,
        record=document.record,
        client_id=document.scope.client_id,
        study_id=document.scope.study_id,
        fields={name: list(values) for name, values in document.fields.items()},
    )


def behind_view(left: Behind) -> BehindView:
    """Return how far the index is behind."""
    return BehindView(lines=left.lines, building=left.building, dropped=left.dropped, damaged=left.damaged)
