"""A model's pilot: how the line did in each stage of it, beside the time before (the control period)."""

import sqlite3
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.texts import PilotText, StageText
from gateway.console.views.parts import View, in_utc
from gateway.contract.times import rfc3339
from gateway.store.queries.pilot import PilotPeriod, pilot_periods
from gateway.texts.catalogue import language, number_in_text, text

if TYPE_CHECKING:
    from jinja2 import Template

_NOTHING = "-"
_SECONDS_OF_MINUTE, _MINUTES_SHOWN, _HOURS_SHOWN = 60, 90, 5400


class RejectionView(View):
    """How often suggestions were rejected for a reason; the reason is empty where none was given."""

    reason: str
    count: int


class PilotPeriodView(View):
    """A period between two signed changes of the stage; a figure is null where there is nothing to divide by."""

    stage: str = Field(description="control before the first signed change; unknown where its record is damaged")
    from_at: str
    until_at: str
    results: int = Field(description="of the laboratory, of what the model predicts")
    off_specification: int
    off_specification_share: float | None
    decisions: int = Field(description="of people on lots")
    decision_seconds: float | None = Field(description="median from a lot's newest result to the decision on it")
    suggestions: int
    accepted: int
    accepted_share: float | None
    rejected: list[RejectionView] = Field(description="the most frequent first; at most 20")


class PilotView(View):
    """GET /api/models/{model}/pilot."""

    model: str
    version: str
    analytes: list[str]
    at: str
    periods: list[PilotPeriodView] = Field(description="the control period first")
    report: str = Field(description="the path of the same figures as a page for printing")


def pilot_view(connection: sqlite3.Connection, snapshot: Snapshot, *, model: str, path: str) -> PilotView | None:
    """Return the figures of a model's stages until now; None where the line has no such model."""
    assigned = snapshot.line.model_named(model)
    if assigned is None:
        return None
    analytes = tuple(output.analyte for output in assigned.bundle.outputs)
    until_ns = snapshot.at.wall_ns
    periods = pilot_periods(connection, model=model, analytes=analytes, from_ns=None, until_ns=until_ns)
    return PilotView(
        model=model,
        version=assigned.bundle.identity.version,
        analytes=list(analytes),
        at=rfc3339(until_ns),
        periods=[_period(period) for period in periods],
        report=f"{path}/report",
    )


def _period(period: PilotPeriod) -> PilotPeriodView:
    return PilotPeriodView(
        stage=period.stage,
        from_at=rfc3339(period.from_ns),
        until_at=rfc3339(period.until_ns),
        results=period.results,
        off_specification=period.off_specification,
        off_specification_share=period.off_specification_share,
        decisions=period.decisions,
        decision_seconds=period.decision_seconds,
        suggestions=period.suggestions,
        accepted=period.accepted,
        accepted_share=period.accepted_share,
        rejected=[RejectionView(reason=reason, count=count) for reason, count in period.rejected.items()],
    )


def pilot_page(view: PilotView, *, line: str) -> str:
    """Return the figures as one page of HTML for printing; nothing in it is fetched from elsewhere."""
    named = {"model": view.model, "version": view.version}
    words = {code: text("pilot", code, **named) for code in PilotText}
    rows = [(words[code], [shown(period) for period in view.periods]) for code, shown in _ROWS.items()]
    stages = [_stage(period.stage) for period in view.periods]
    return _template().render(
        view=view, line=line, words=words, rows=rows, stages=stages, language=language(), at=in_utc(view.at)
    )


def _stage(stage: str) -> str:
    return text("stage", StageText(stage.upper())) if stage.upper() in StageText.__members__ else stage


def _share(part: int, whole: int, share: float | None) -> str:
    return _NOTHING if share is None else number_in_text(f"{100 * share:.1f} % ({part} / {whole})")


def _span(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    if seconds < _MINUTES_SHOWN:
        return number_in_text(f"{seconds:.0f} s")
    minutes = seconds / _SECONDS_OF_MINUTE
    return number_in_text(f"{minutes:.0f} min" if seconds < _HOURS_SHOWN else f"{minutes / _SECONDS_OF_MINUTE:.1f} h")


def _rejected(period: PilotPeriodView) -> str:
    return "; ".join(f"{item.count} x {item.reason or _NOTHING}" for item in period.rejected) or _NOTHING


_ROWS: Mapping[PilotText, Callable[[PilotPeriodView], str]] = {
    PilotText.FROM: lambda period: in_utc(period.from_at),
    PilotText.UNTIL: lambda period: in_utc(period.until_at),
    PilotText.RESULTS: lambda period: str(period.results),
    PilotText.OFF_SPECIFICATION: lambda period: _share(
        period.off_specification, period.results, period.off_specification_share
    ),
    PilotText.DECISIONS: lambda period: str(period.decisions),
    PilotText.DECISION_TIME: lambda period: _span(period.decision_seconds),
    PilotText.SUGGESTIONS: lambda period: str(period.suggestions),
    PilotText.ACCEPTED: lambda period: _share(period.accepted, period.suggestions, period.accepted_share),
    PilotText.REJECTED: _rejected,
}


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a report needs it

    environment = Environment(
        loader=PackageLoader("gateway.console"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=True,
    )  # fmt: skip
    return environment.get_template("pilot.html")
