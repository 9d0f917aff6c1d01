"""A person's decision on a lot: the final word on what the gateway recommends, and the facts that it rests on."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.laboratory import Recommendation
from gateway.records.record import Record
from gateway.records.users import Role


class Verdict(StrEnum):
    """What a person decides on a lot."""

    RELEASE = "release"
    REJECT = "reject"
    HOLD = "hold"


class DecisionState(StrEnum):
    """Whether a decision still rests on the facts that are known."""

    MADE = "made"  # the lot is judged with it next
    STANDS = "stands"
    LAPSED = "lapsed"  # the facts have changed since: it is asked for again


@dataclass(frozen=True, kw_only=True, slots=True)
class LotBasis:
    """What a decision rests on: what is recommended, all assessments of the lot by their hash, and what was decided.

    ``decided``: the record of the newest decision before; who has not seen it replaces none. ``parts``: of the lot, by
    their names, which are decided on by themselves.
    """

    recommendation: Recommendation
    latched: bool
    provisional: bool
    missing_tests: tuple[str, ...]
    assessments: int
    assessments_sha256: str
    decided: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LotDecided(Record):
    """A decision on a lot, as the newest record of it says; ``record_id``: what was signed.

    Who and when are those of the last signature; ``signed_by`` names all who have signed.
    """

    record_id: str
    material_lot_id: str
    verdict: Verdict
    basis: LotBasis
    printed_name: str
    role: Role
    meaning: str
    signature_id: str
    signed_by: tuple[str, ...]
    reason: str
    at_ns: int
    state: DecisionState
