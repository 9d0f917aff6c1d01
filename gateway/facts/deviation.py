"""What the draft of a deviation stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.facts.base import Facts, JudgingFacts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.lab.deviations import Drafted, TimelineEntry
from gateway.lab.episodes import Standing
from gateway.lab.fingerprints import Fingerprint, MaterialUse
from gateway.lab.review.process_window import ModelRun
from gateway.records.laboratory import LabResult
from gateway.records.production import Context
from gateway.records.verdicts import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier deviation, what was done about its lot, and whether the value came back."""

    deviation: Drafted
    done: tuple[str, ...]
    helped: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Investigation:
    """What is on record around a lot, or around a result that failed."""

    uses: tuple[MaterialUse, ...] = ()  # of the lot's genealogy
    result: LabResult | None = None
    reasons: tuple[Reason, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    history: tuple[tuple[int, float], ...] = ()
    references: tuple[Fingerprint, ...] = ()  # of in-control lots
    alike: tuple[Fingerprint, ...] = ()  # of lots that failed alike lately
    earlier: tuple[Earlier, ...] = ()
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    of_lot: Standing | None = None  # the deviation of the result's lot
    of_series: Standing | None = None  # the newest episode of its series
    in_line_since: int = 0  # results of the series since the last that joined the episode
    closed: frozenset[str] = frozenset()  # which of the two deviations a person has closed


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationFacts(JudgingFacts):
    """What the draft of a deviation stands on; ``gaps``: known holes in the process data."""

    windows: Mapping[WindowRequest, TagWindow]
    context: Context
    investigation: Investigation
    gaps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintFacts(Facts):
    """What the fingerprint of an ended lot stands on; ``uses``: the materials that went into the lot.

    ``asked``: how often each model was asked while the lot was made.
    """

    windows: Mapping[WindowRequest, TagWindow]
    context: Context
    uses: tuple[MaterialUse, ...]
    asked: tuple[ModelRun, ...]
