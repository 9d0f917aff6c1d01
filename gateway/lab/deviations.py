"""A deviation: what a person needs who investigates results that failed, gathered from what is on record. Pure.

It is a draft. It says what was unusual and what similar cases were followed by; the cause is for people to find. There
is one for each lot, and one for each episode of a series (``gateway.lab.episodes``); it grows with each result.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.contract.identity import identity_of
from gateway.lab.causes import Cause
from gateway.lab.fingerprints import Fingerprint
from gateway.line.limits import Limits
from gateway.records.guidance import Instruction
from gateway.records.laboratory import LabResult, Specification
from gateway.records.record import Record
from gateway.records.verdicts import Reason

MOST_RESULTS = 60  # in a draft: the first, and the newest


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """One line of a timeline."""

    at_ns: int
    what: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A tag before the sample: its mean and its course, and where the lots in control lay.

    ``low`` and ``high``: the smallest and largest mean of the lots in control. ``validated``: the tag's own limits.
    """

    tag: str
    unit: str
    mean: float
    usual: float | None
    z: float | None
    course: tuple[tuple[int, float], ...]
    low: float | None = None
    high: float | None = None
    sigma: float | None = None
    validated: Limits | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Similar:
    """An earlier deviation: how near it was (0 to 1), what was done, and whether the value came back."""

    deviation_id: str
    material_lot_id: str | None
    at_ns: int
    nearness: float
    causes: tuple[str, ...]
    done: tuple[str, ...]
    helped: bool | None


class DeviationScope(StrEnum):
    """What a deviation is about."""

    LOT = "lot"
    SERIES = "series"  # an episode of one product's analyte


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedResult:
    """A result that belongs to a deviation. ``was``: its values before corrections, which failed too."""

    result_id: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    value_text: str
    value: float | None
    unit: str | None
    material_lot_id: str | None
    sampled_ns: int | None
    joined_ns: int
    limits: str
    reasons: tuple[Reason, ...]
    failed: bool  # out of specification; else only out of trend
    was: tuple[str, ...] = ()

    @property
    def measurement(self) -> tuple[str, str, int]:
        """Return what corrections of the same measurement have in common."""
        return self.sample_id, self.analyte, self.replicate


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalyteSeries:
    """The last results of the product's analyte, with the limits that hold of it."""

    analyte: str
    test_id: str
    unit: str | None
    lower: float | None
    upper: float | None
    limits: str
    points: tuple[tuple[int, float], ...]


class Basis(StrEnum):
    """How the process before the sample was compared with that of lots in control."""

    SAME_STAGE = "same_stage"  # with what they were when they had run for as long
    WHOLE_LOTS = "whole_lots"
    TOO_FEW_LOTS = "too_few_lots"  # to say what is usual
    NO_PROCESS_DATA = "no_process_data"  # of the time before the sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How the process was compared: on which basis, with how many lots, over which time before the sample."""

    basis: Basis
    lots: int
    from_ns: int
    until_ns: int
    begins_with_lot: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation(Record):
    """The draft. ``result``: the newest that joined it, before whose sample the process is looked at."""

    deviation_id: str
    at_ns: int
    result: LabResult
    reasons: tuple[Reason, ...]
    specification: Specification | None
    equipment_id: str | None
    timeline: tuple[TimelineEntry, ...]
    process: tuple[Trace, ...]
    history: tuple[tuple[int, float], ...]
    causes: tuple[Cause, ...]
    similar: tuple[Similar, ...]
    affected_lots: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    fingerprint: Fingerprint
    compared_with: int  # in-control lots
    affected: int  # lots that failed alike, this one among them
    gaps: tuple[str, ...] = ()
    version: int = 1
    scope: DeviationScope = DeviationScope.LOT
    opened_ns: int | None = None
    results: tuple[FailedResult, ...] = ()
    result_count: int = 1
    comparison: Comparison | None = None
    time_zone: str = "UTC"
    series: tuple[AnalyteSeries, ...] = ()  # of the analytes that failed, that of the newest result first

    @property
    def draft_id(self) -> str:
        """Return the id of this version of it."""
        return draft_id(self.deviation_id, self.version)


def draft_id(deviation_id: str, version: int) -> str:
    """Return the id of a deviation's version; that of the first is the deviation's own."""
    return deviation_id if version == 1 else identity_of("deviation-version", deviation_id, version)


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftedResult:
    """The part of an earlier draft's result that is read again: its lot."""

    material_lot_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """The part of a deviation on record that later deviations are compared with; the rest is not read."""

    deviation_id: str
    at_ns: int
    result: DraftedResult
    causes: tuple[Cause, ...]
    fingerprint: Fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationInShort:
    """The part of a deviation that is found and shown in lists; courses and timelines are not read."""

    deviation_id: str
    at_ns: int
    result: LabResult
    reasons: tuple[Reason, ...]
    causes: tuple[Cause, ...]
    similar: tuple[Similar, ...]
    affected_lots: tuple[str, ...]
    equipment_id: str | None
    opened_ns: int | None = None
    results: tuple[FailedResult, ...] = ()
    version: int = 1
