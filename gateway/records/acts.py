"""What a person asks of the gateway by a command, and what the gateway answers: one frozen record for each act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, get_args

from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.certificate_acts import (
    DraftCertificate,
    ReissueCertificate,
    SignCertificate,
    WithdrawCertificate,
)
from gateway.records.corrective_actions import ActionKind
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import DivideLot, UndoDivision
from gateway.records.people import Act as GuidanceAct
from gateway.records.people import SignedBias
from gateway.records.user_acts import (
    AddUser,
    ChangeUser,
    ConfirmPassword,
    EndSessions,
    EnrollKey,
    RevokeKey,
    SetPassword,
    SetSecondDevice,
    UnlockUser,
)
from gateway.texts.refusals import hint_of, why_of

_GROUP = "act_refusal"
_NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeAlarm:
    """Take down a latched alarm."""

    kind: ClassVar[ActKind] = ActKind.ACKNOWLEDGE_ALARM
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledge:
    """Say that an alarm is seen; it goes on until its cause is gone."""

    kind: ClassVar[ActKind] = ActKind.ACKNOWLEDGE
    alarm_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelve:
    """Keep an alarm from calling for a time; it comes back by itself."""

    kind: ClassVar[ActKind] = ActKind.SHELVE
    alarm_id: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Unshelve:
    """Let a shelved alarm call again."""

    kind: ClassVar[ActKind] = ActKind.UNSHELVE
    alarm_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeOutOfService:
    """Keep an alarm from calling until it is returned to service, as while its equipment is repaired."""

    kind: ClassVar[ActKind] = ActKind.TAKE_OUT_OF_SERVICE
    alarm_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnToService:
    """Let an alarm that is out of service call again."""

    kind: ClassVar[ActKind] = ActKind.RETURN_TO_SERVICE
    alarm_id: str


AlarmAct = Acknowledge | Shelve | Unshelve | TakeOutOfService | ReturnToService


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlePoint:
    """Settle a point that speaks against the release of a lot."""

    kind: ClassVar[ActKind] = ActKind.SETTLE_POINT
    material_lot_id: str
    point_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PromoteModel:
    """Put a version of a model into service; ``folder``: its bundle, which stays there."""

    kind: ClassVar[ActKind] = ActKind.PROMOTE_MODEL
    model: str
    version: str
    bundle_sha256: str
    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RollBackModel:
    """Take the newest promotion of a model back."""

    kind: ClassVar[ActKind] = ActKind.ROLL_BACK_MODEL
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryMessages:
    """Try dead letters again and send parked messages again: all of them, or none where one is not there."""

    kind: ClassVar[ActKind] = ActKind.RETRY_MESSAGES
    message_ids: tuple[str, ...]
    all_parked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SignBiases:
    """Put signed corrections of a model into force; each from its own instant on, which is still to come."""

    kind: ClassVar[ActKind] = ActKind.SIGN_BIASES
    model: str
    biases: tuple[SignedBias, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveAudit:
    """Take the oldest lines of the audit trail out, which a verified archive holds.

    ``rows``: by table, what the archived lines alone vouch for.
    """

    kind: ClassVar[ActKind] = ActKind.ARCHIVE_AUDIT
    first_seq: int
    last_seq: int
    last_hash: str
    file_sha256: str
    file: str
    public_key: str
    rows: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideLot:
    """Decide on a lot; ``basis_sha256``: of the facts that were shown to the person who decides.

    ``over_open_points``: how many points speak against a release, which the person has seen and releases it over.
    ``part``: the name of the part of a lot that is decided on, so that nobody decides on a part who means a lot.
    """

    kind: ClassVar[ActKind] = ActKind.DECIDE_LOT
    material_lot_id: str
    verdict: Verdict
    basis_sha256: str
    over_open_points: int = 0
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleException:
    """Settle an exception in the review of a lot's record; ``comment_only``: say something of it, and leave it open."""

    kind: ClassVar[ActKind] = ActKind.SETTLE_EXCEPTION
    material_lot_id: str
    exception_id: str
    comment_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SignReview:
    """Sign the review of a lot's record; ``review_sha256``: of the list of what was looked at, as it was shown."""

    kind: ClassVar[ActKind] = ActKind.SIGN_REVIEW
    material_lot_id: str
    review_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeStage:
    """Let a version of a model go further, or less far: shadow, advise, approve or automatic."""

    kind: ClassVar[ActKind] = ActKind.CHANGE_STAGE
    model: str
    bundle_sha256: str
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignPending:
    """Sign an act of another person that waits for signatures; ``sha256``: of the record that the signer has seen."""

    kind: ClassVar[ActKind] = ActKind.SIGN_PENDING
    record_id: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawPending:
    """Withdraw an act of one's own that waits for signatures."""

    kind: ClassVar[ActKind] = ActKind.WITHDRAW_PENDING
    record_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StopWrites:
    """Stop all writing of setpoints at once."""

    kind: ClassVar[ActKind] = ActKind.STOP_WRITES


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeWrites:
    """Allow the writing of setpoints again. ``stopped_at``: of the newest stop that the person has been shown."""

    kind: ClassVar[ActKind] = ActKind.RESUME_WRITES
    stopped_at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerGuidance:
    """Acknowledge, approve or reject a guidance; a rejection needs a reason."""

    kind: ClassVar[ActKind] = ActKind.ANSWER_GUIDANCE
    guidance_id: str
    answer: GuidanceAct


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordAction:
    """Put a corrective or preventive action against a deviation on record; ``due``: a day (ISO 8601)."""

    kind: ClassVar[ActKind] = ActKind.RECORD_ACTION
    deviation_id: str
    action: str
    action_kind: ActionKind
    owner: str
    due: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteAction:
    """Note that an action was done; the reason says what was done."""

    kind: ClassVar[ActKind] = ActKind.COMPLETE_ACTION
    action_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseDeviation:
    """Close a version of a deviation, as it was shown; the reason is the conclusion.

    ``no_action``: why no action is needed, where none is on record. ``check_by``: the day (ISO 8601) on which it is
    looked at whether the actions were effective, where that cannot be said yet.
    """

    kind: ClassVar[ActKind] = ActKind.CLOSE_DEVIATION
    deviation_id: str
    version: int
    no_action: str = ""
    check_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproveLaboratoryPlan:
    """Approve the newest plan of the laboratory, with the proposals that one agrees to; the others are not done.

    ``plan_sha256``: of the plan that was shown.
    """

    kind: ClassVar[ActKind] = ActKind.APPROVE_LABORATORY_PLAN
    plan_id: str
    plan_sha256: str
    proposals: tuple[str, ...] = ()


Act = (
    AcknowledgeAlarm | AlarmAct | SettlePoint | PromoteModel | RollBackModel | RetryMessages | SignBiases | ArchiveAudit
    | AddUser | ChangeUser | SetPassword | ConfirmPassword | SetSecondDevice | UnlockUser | EndSessions
    | EnrollKey | RevokeKey | SignPending | WithdrawPending | SettleException | SignReview
    | StopWrites | ResumeWrites | DecideLot | DivideLot | UndoDivision | AnswerGuidance | ChangeStage
    | RecordAction | CompleteAction | CloseDeviation | ApproveLaboratoryPlan
    | DraftCertificate | SignCertificate | WithdrawCertificate | ReissueCertificate
)  # fmt: skip

ACTS: Mapping[ActKind, type[Act]] = {act.kind: act for act in get_args(Act)}


class ActOutcome(StrEnum):
    """What came of an act."""

    DONE = "done"
    REFUSED = "refused"  # nothing is changed
    PENDING = "pending"  # it waits for the signatures of other people
    UNKNOWN = "unknown"  # whether it is done, nobody can say


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to the person who acts.

    ``code`` with its ``parameters``: why it is refused, or nobody knows whether it is done. ``details``: of what was
    done, or of what an integrator reads besides.
    """

    outcome: ActOutcome
    code: ActRefusal | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def why(self) -> str:
        """Why, in the plant's language; empty where it is done."""
        return "" if self.code is None else why_of(_GROUP, self.code.value, self.parameters)

    @property
    def hint(self) -> str:
        """What to do, in the plant's language; empty where it is done."""
        return "" if self.code is None else hint_of(_GROUP, self.code.value, self.parameters)

    @property
    def english(self) -> str:
        """Why, as the audit trail keeps it."""
        return "" if self.code is None else why_of(_GROUP, self.code.value, self.parameters, in_english=True)


def done(**details: Any) -> Answer:
    """Return the answer that an act is done."""
    return Answer(outcome=ActOutcome.DONE, details=details)


def refused(code: ActRefusal, /, *, details: Mapping[str, Any] = _NO_DETAILS, **parameters: Any) -> Answer:
    """Return the answer that an act is refused, so that nothing is changed; ``parameters``: of the code's texts."""
    return Answer(outcome=ActOutcome.REFUSED, code=code, parameters=parameters, details=details)


def damaged(*, table: str, key: str) -> Answer:
    """Return the answer that an act is refused because a record does not match its hash."""
    return refused(ActRefusal.RECORD_DAMAGED, table=table, key=key)


def waits(**details: Any) -> Answer:
    """Return the answer that an act is on record, and waits for the signatures of other people."""
    return Answer(outcome=ActOutcome.PENDING, details=details)


def unknown(code: ActRefusal, /, **parameters: Any) -> Answer:
    """Return the answer that it is unknown whether an act is done."""
    return Answer(outcome=ActOutcome.UNKNOWN, code=code, parameters=parameters)
