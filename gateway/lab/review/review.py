"""The review of a lot by exception: what a person must look at, the worst first, and how much is in order. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.identity import identity_of, sha256_hex
from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.exceptions import Check, Finding, ReviewException
from gateway.lab.review.facts import LotReviewFacts
from gateway.lab.review.table import CHECKS
from gateway.records.act_kinds import ActKind
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import Verdict
from gateway.texts.catalogue import number_in_text, text, unit_in_text

_WORST_FIRST = {severity: place for place, severity in enumerate(ReviewSeverity)}
_GROUPS = {group: place for place, group in enumerate(ReviewGroup)}
_IN_WORDS = frozenset({"point", "title"})  # whose sentence is of the plant's language, and whose id stands beside it
_DECISIONS = frozenset({*Verdict.__members__, *Recommendation.__members__})
_DIGITS = 9  # of a number in an exception's identity


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupTally:
    """Of a group: how many data points were looked at, and of how many something is to be read."""

    group: ReviewGroup
    looked_at: int
    exceptions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """A lot's record by exception. ``looked_at``: by check, how many data points.

    ``basis_sha256``: of the facts that stay as they are unless something new comes: results, points, how the lot was
    made, what production has told.
    """

    material_lot_id: str
    from_ns: int | None
    until_ns: int | None
    exceptions: tuple[ReviewException, ...]
    groups: tuple[GroupTally, ...]
    looked_at: Mapping[ReviewCode, int]
    basis_sha256: str

    @property
    def data_points(self) -> int:
        """Return how many data points were looked at."""
        return sum(tally.looked_at for tally in self.groups)

    @property
    def lines_to_read(self) -> int:
        """Return how many lines a person reads: each exception, and one for each group of which there is anything."""
        return len(self.exceptions) + sum(tally.looked_at > 0 for tally in self.groups)


def review_of(facts: LotReviewFacts) -> Review:
    """Return the review of a lot."""
    found: dict[str, ReviewException] = {}
    looked_at = {}
    for check in CHECKS:
        looked_at[check.code] = len(check.looks_at(facts))
        for result in check.find(facts):
            exception = _exception(check, result, facts.lot.material_lot_id)
            found.setdefault(exception.exception_id, exception)
    exceptions = tuple(sorted(found.values(), key=_place))
    return Review(
        material_lot_id=facts.lot.material_lot_id,
        from_ns=facts.from_ns,
        until_ns=facts.until_ns,
        exceptions=exceptions,
        groups=_tallies(exceptions, looked_at),
        looked_at=looked_at,
        basis_sha256=_basis_sha256(facts),
    )


def _place(exception: ReviewException) -> tuple[int, int, int, str]:
    return (_WORST_FIRST[exception.severity], _GROUPS[exception.group], exception.at_ns or 0, exception.exception_id)


def _exception(check: Check, result: Finding, lot: str) -> ReviewException:
    named = [[evidence.kind.value, evidence.id] for evidence in result.evidence]
    facts = {name: _steady(value) for name, value in result.parameters.items()}
    rests_on_facts = {name: value for name, value in facts.items() if name not in _IN_WORDS}
    rests_on = json.dumps([named, rests_on_facts], sort_keys=True, default=str, separators=(",", ":"))
    return ReviewException(
        exception_id=identity_of("review-exception", lot, check.code.value, rests_on),
        code=check.code,
        group=check.group,
        severity=check.severity,
        at_ns=result.at_ns,
        text=text("review", check.code.value, **{**result.parameters, **_in_words(result.parameters)}),
        parameters=facts,
        evidence=result.evidence,
    )


def _in_words(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in a sentence in the place of codes, and numbers and units as people write them."""
    words = {name: number_in_text(str(parameters[name])) for name in ("value", "before", "now") if name in parameters}
    words |= {name: unit_in_text(parameters[name]) for name in ("from_unit", "to_unit") if name in parameters}
    for name in ("now", "state", "verdict"):
        if str(parameters.get(name)).upper() in _DECISIONS:
            words[name] = text("lot_decision", str(parameters[name]).upper())
    if "act" in parameters:
        words["act"] = text("act_name", ActKind(parameters["act"]).name)
    return words


def _steady(value: Any) -> Any:
    """Return a number with so many digits that arithmetic on another machine gives the same."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _tallies(exceptions: tuple[ReviewException, ...], looked_at: Mapping[ReviewCode, int]) -> tuple[GroupTally, ...]:
    """Return the counts of each group; of results and times the same results are looked at, and count once each."""
    counted = dict.fromkeys(ReviewGroup, 0)
    for check in CHECKS:
        counted[check.group] = max(counted[check.group], looked_at[check.code])
    return tuple(
        GroupTally(group=group, looked_at=count, exceptions=sum(item.group is group for item in exceptions))
        for group, count in counted.items()
    )


def _basis_sha256(facts: LotReviewFacts) -> str:
    """Return the SHA-256 of the facts that only change when something new is known of the lot."""
    lasting = [
        facts.lot[:8], facts.missing_tests, facts.results, facts.points, facts.context, facts.phases,
        [row[:4] for row in facts.uses], [row[:5] for row in facts.deviations], repr(facts.process),
    ]  # fmt: skip
    return sha256_hex(json.dumps(lasting, default=str, separators=(",", ":")).encode())
