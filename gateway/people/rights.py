"""Which roles may do which act: one row for each act. Pure.

An administrator runs the gateway and its users, and decides nothing about quality: the two are apart on purpose
(21 CFR 11.10 g, Annex 11 section 12).
"""

from collections.abc import Mapping

from gateway.people.answers import ON_THE_LINE
from gateway.people.second_person import CONFIRMED
from gateway.records.act_kinds import ActKind
from gateway.records.users import Role

_QUALITY_AND_ENGINEERS = frozenset({Role.QUALITY, Role.ENGINEER})
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
EVERYBODY = frozenset(Role)

RIGHTS: Mapping[ActKind, frozenset[Role]] = {
    ActKind.ACKNOWLEDGE_ALARM: frozenset({Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER, Role.ADMINISTRATOR}),
    ActKind.SETTLE_POINT: frozenset({Role.QUALITY}),
    ActKind.PROMOTE_MODEL: _QUALITY_AND_ENGINEERS,
    ActKind.ROLL_BACK_MODEL: _QUALITY_AND_ENGINEERS,
    ActKind.SIGN_BIASES: _QUALITY_AND_ENGINEERS,
    ActKind.RETRY_MESSAGES: frozenset({Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER, Role.ADMINISTRATOR}),
    ActKind.ARCHIVE_AUDIT: _ADMINISTRATORS,
    ActKind.ADD_USER: _ADMINISTRATORS,
    ActKind.CHANGE_USER: _ADMINISTRATORS,
    ActKind.SET_PASSWORD: EVERYBODY,  # one's own; another's is an administrator's
    ActKind.CONFIRM_PASSWORD: CONFIRMED,
    ActKind.UNLOCK_USER: _ADMINISTRATORS,
    ActKind.END_SESSIONS: EVERYBODY,  # one's own; another's is an administrator's
    ActKind.SET_SECOND_DEVICE: EVERYBODY,  # one's own; an administrator takes another's away
    ActKind.ENROLL_KEY: _ADMINISTRATORS,
    ActKind.REVOKE_KEY: _ADMINISTRATORS,
    ActKind.DECIDE_LOT: frozenset({Role.QUALITY}),
    ActKind.DIVIDE_LOT: frozenset({Role.QUALITY, Role.SUPERVISOR}),
    ActKind.UNDO_DIVISION: frozenset({Role.QUALITY, Role.SUPERVISOR}),
    ActKind.SETTLE_EXCEPTION: frozenset({Role.QUALITY, Role.SUPERVISOR}),  # which: decisions/review.py
    ActKind.SIGN_REVIEW: frozenset({Role.QUALITY}),
    ActKind.CHANGE_STAGE: _QUALITY_AND_ENGINEERS,
    ActKind.SIGN_PENDING: EVERYBODY,  # the policy of the act that waits says who (people/signing.py)
    ActKind.WITHDRAW_PENDING: EVERYBODY,  # one's own; to reject another's: whoever may sign it
    ActKind.ACKNOWLEDGE: EVERYBODY - {Role.VIEWER},
    ActKind.SHELVE: frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ENGINEER}),
    ActKind.UNSHELVE: EVERYBODY - {Role.VIEWER},
    ActKind.TAKE_OUT_OF_SERVICE: frozenset({Role.SUPERVISOR, Role.ENGINEER}),
    ActKind.RETURN_TO_SERVICE: frozenset({Role.SUPERVISOR, Role.ENGINEER}),
    ActKind.STOP_WRITES: EVERYBODY - {Role.VIEWER},  # whoever sees a danger
    ActKind.RESUME_WRITES: frozenset({Role.SUPERVISOR, Role.ENGINEER}),
    ActKind.RECORD_ACTION: frozenset({Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER}),
    ActKind.COMPLETE_ACTION: frozenset({Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER}),
    ActKind.CLOSE_DEVIATION: frozenset({Role.QUALITY}),
    ActKind.APPROVE_LABORATORY_PLAN: frozenset({Role.SUPERVISOR, Role.QUALITY}),
    ActKind.ANSWER_GUIDANCE: ON_THE_LINE,  # which answer to which guidance: people/answers.py
    ActKind.DRAFT_CERTIFICATE: frozenset({Role.QUALITY, Role.SUPERVISOR}),
    ActKind.SIGN_CERTIFICATE: frozenset({Role.QUALITY}),
    ActKind.WITHDRAW_CERTIFICATE: frozenset({Role.QUALITY}),
    ActKind.REISSUE_CERTIFICATE: frozenset({Role.QUALITY}),
}

# what needs a reason, whoever asks and by whichever door; a rejection of guidance does, too (advice/lifecycle.py)
WITH_REASON: frozenset[ActKind] = frozenset(
    {
        ActKind.ACKNOWLEDGE_ALARM,
        ActKind.SETTLE_POINT,
        ActKind.PROMOTE_MODEL,
        ActKind.ROLL_BACK_MODEL,
        ActKind.SIGN_BIASES,
        ActKind.DECIDE_LOT,
        ActKind.DIVIDE_LOT,
        ActKind.UNDO_DIVISION,
        ActKind.SETTLE_EXCEPTION,
        ActKind.SIGN_REVIEW,
        ActKind.CHANGE_STAGE,
        ActKind.WITHDRAW_PENDING,
        ActKind.CONFIRM_PASSWORD,
        ActKind.SHELVE,
        ActKind.TAKE_OUT_OF_SERVICE,
        ActKind.STOP_WRITES,
        ActKind.RESUME_WRITES,
        ActKind.COMPLETE_ACTION,
        ActKind.CLOSE_DEVIATION,
        ActKind.WITHDRAW_CERTIFICATE,
        ActKind.REISSUE_CERTIFICATE,
    }
)
