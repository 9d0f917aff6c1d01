"""What the decisions on people's acts stand on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.facts.base import Facts
from gateway.lab.release.assessment import Assessment
from gateway.lab.release.open_points import Point
from gateway.lab.release.parts import is_of_whole_lot
from gateway.records.act_refusals import ActRefusal
from gateway.records.alarms import Alarm
from gateway.records.people import Settlement, VersionChange
from gateway.records.scope import Scope
from gateway.records.users import KeyChanged, PasswordSet, SignInCounted, User


@dataclass(frozen=True, kw_only=True, slots=True)
class ActFacts(Facts):
    """Who acts: the user of the credential, None where there is none; ``has_users``: whether the line has any.

    ``signed_before``: how many acts of this kind on this subject are done that were signed; 0 of an act that never is.
    ``asked_already``: whether the same user has asked for the very same act, and it still waits for signatures.
    ``unconfirmed``: whether another person has issued the actor's password, and no third one has confirmed it.
    ``out_of_sight``: why the actor may not ask for it by what they see ([[knowledge.sight]]); None: they may.
    """

    actor: User | None
    has_users: bool
    signed_before: int
    asked_already: bool
    unconfirmed: bool
    out_of_sight: ActRefusal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PointOnRecord:
    """A point with the subject that it is about; ``settlement``: a person's, where there is one."""

    point: Point
    about: Assessment
    settlement: Settlement | None = None

    @property
    def can_be_settled(self) -> bool:
        """Return whether a person can settle it here: those of the whole lot are settled there."""
        return self.point.can_be_settled and not is_of_whole_lot(self.about)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlementOnRecord:
    """What is on record of a point that a person has settled before; ``holds``: whether the row matches its hash."""

    material_lot_id: str
    settlement: Settlement
    holds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlePointFacts(ActFacts):
    """Whether the point is settled already, and the open points of the lot, the worst first.

    ``scope``: for whom the lot is made; ``whole_lot``: of which the lot is a part.
    """

    whole_lot: str | None
    before: SettlementOnRecord | None
    scope: Scope
    open_points: tuple[PointOnRecord, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionFacts(ActFacts):
    """The promotions and rollbacks that count, in their order."""

    changes: tuple[VersionChange, ...]


class MessageState(StrEnum):
    """The state of a message that a person wants sent or tried again."""

    PARKED = "parked"  # it waits to be sent, and the broker has refused it
    DEAD_LETTER = "dead_letter"
    DAMAGED = "damaged"  # a dead letter that does not match its hash
    NOT_KEPT = "not_kept"  # a dead letter whose payload has gone beyond the quota
    REFUSED_DELIVERY = "refused_delivery"  # a system that is told over HTTP has refused it
    OVERTAKEN = "overtaken"  # that system has been told something later of the same lot
    UNFIT = "unfit"  # it never could be put into the system's form


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryFacts(ActFacts):
    """The messages that are there, by id, in the order in which they are to be taken."""

    messages: Mapping[str, MessageState]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignBiasFacts(ActFacts):
    """``newest_signed_ns``: of all corrections on record, 0 where there is none.

    ``newest_result_ns``: by analyte, when the sample of the newest result on record was drawn.
    """

    newest_signed_ns: int
    newest_result_ns: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveFacts(ActFacts):
    """The trail as it stands: its first line's number, the hash of the line that is to be the archive's last.

    ``signing_keys``: the public keys that have signed heads of it.
    """

    first_seq: int | None
    hash_of_last: str | None
    signing_keys: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserFacts(ActFacts):
    """The users of the line and their keys, as the newest records of each say.

    ``confirmers``: who are or were quality or administrator, and have a password.
    """

    users: tuple[User, ...]
    keys: tuple[KeyChanged, ...]
    confirmers: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordFacts(UserFacts):
    """The present password of the user whom the act is about, None where there is none.

    ``alarm``: that somebody else has set this user's password, as it stands.
    """

    password: PasswordSet | None
    alarm: Alarm | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInFacts(Facts):
    """How often in a row the user's password was wrong before, from this address and from elsewhere.

    ``known``: whether there is such a user. ``alarm``: that somebody guesses this user's password, as it stands.
    """

    known: bool
    here: SignInCounted
    elsewhere: SignInCounted
    alarm: Alarm | None
