"""What is on record of one lot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.facts.base import JudgingFacts
from gateway.lab.disposition import LotState
from gateway.lab.release.assessment import Assessment, Tally
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.parts import Misfit
from gateway.lab.release.recommendation import EarlierHold
from gateway.records.certificates import CertificateOnRecord
from gateway.records.guidance import Guidance
from gateway.records.laboratory import ProvisionalHold, Recommendation
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.lot_parts import LotDivided
from gateway.records.production import Context
from gateway.records.reviews import LotReviewed


@dataclass(frozen=True, kw_only=True, slots=True)
class PartOnRecord:
    """A part of a lot as it stands: what is recommended for it, and the newest decision of a person on it.

    ``awaits_certificate``: whether its release waits for a certificate of its own, so that nobody is told of it.
    """

    part: LotDivided
    recommendation: Recommendation
    decision: LotDecided | None
    awaits_certificate: bool

    @property
    def released_by_person(self) -> bool:
        """Return whether a person has released the part, and that rests on the facts."""
        decided = self.decision
        return decided is not None and decided.verdict is Verdict.RELEASE and decided.state is DecisionState.STANDS

    @property
    def released(self) -> bool:
        """Return whether the part counts as released: a person has released it, and no certificate is awaited."""
        return self.released_by_person and not self.awaits_certificate


def is_of_rest(decision: LotDecided | None, parts: Iterable[PartOnRecord]) -> bool:
    """Return whether a person's release of a lot, where it counts, is of what is left beside parts alone.

    It is so while any part does not count as released by itself, and where it was made beside a part that has been put
    back since: what was put back is in no release.
    """
    if decision is None or decision.verdict is not Verdict.RELEASE or decision.state is DecisionState.LAPSED:
        return False
    parts = tuple(parts)
    return bool(put_back_since(decision, parts)) or any(not item.released for item in parts)


def put_back_since(decision: LotDecided, parts: Iterable[PartOnRecord]) -> tuple[str, ...]:
    """Return the parts beside which a person has released a lot, and which are put back into it since."""
    named = {item.part.name for item in parts}
    return tuple(name for name in decision.basis.parts if name not in named and decision.verdict is Verdict.RELEASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class LotFacts:
    """What is on record of one lot.

    ``knowledge``: what is assessed now; ``standing``: how its subjects stand until now; ``rest``: what is not assessed
    now, which is nothing where ``whole``; ``production``: what production's own records say of it, where they hold.
    """

    knowledge: LotKnowledge
    whole: bool
    production: Context | None = None
    on_record: bool = False
    is_parent: bool = False  # whether other lots are made of it
    standing: Mapping[str, Assessment] = field(default_factory=dict)
    rest: Tally = field(default_factory=Tally)
    before: LotState = field(default_factory=LotState)
    closed: bool = False
    earlier_hold: EarlierHold | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    made_known_until_ns: int | None = None  # until when it is on record what the lot was made by
    names_with_bars: bool = False  # whether production calls any lot by a name with |
    name_known: bool = True  # whether a message has called the lot by its name before
    named_alike: bool = False  # whether other lots have names that only look like its own
    provisional: tuple[ProvisionalHold, ...] = ()  # the settled ones, too
    final_results: frozenset[str] = frozenset()  # of those that have settled provisional holds: which still count
    gaps: tuple[str, ...] = ()  # known holes in the lot's process data
    open_guidance: tuple[Guidance, ...] = ()
    decision: LotDecided | None = None  # the newest of a person
    review: LotReviewed | None = None  # the newest that is signed
    certified: bool = False  # whether a certificate of it was drafted, or signed
    certificates: tuple[CertificateOnRecord, ...] = ()  # only where a release of it may wait for one
    part: LotDivided | None  # of which lot it is a part, and how much
    whole_lot: tuple[Assessment, ...]  # of a part: how the assessments of its lot stand that are looked at
    copied: Mapping[str, str]  # of a part: by the subject of the copy, the hash of what is copied anew
    begun_again_ns: int | None  # of a lot that is read whole: when production began it again since it was released
    misfit: Misfit | None  # of a divided lot that is read whole: how its parts do not fit in it
    divided: bool  # whether parts are set apart from it
    parts: tuple[PartOnRecord, ...]  # those parts, where their records hold
    told_of_rest: bool  # whether the disposition published last says that a release is of the rest alone


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsAgainFacts(JudgingFacts):
    """What the decision on lots that are judged again stands on."""

    lots: tuple[LotFacts, ...]
