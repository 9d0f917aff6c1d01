"""Which act it is, as messages between commands and the gateway write it."""

from enum import StrEnum


class ActKind(StrEnum):
    """Which act; as messages between commands and the gateway write it."""

    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    SETTLE_POINT = "settle_point"
    PROMOTE_MODEL = "promote_model"
    ROLL_BACK_MODEL = "roll_back_model"
    RETRY_MESSAGES = "retry_messages"
    SIGN_BIASES = "sign_biases"
    ARCHIVE_AUDIT = "archive_audit"
    ADD_USER = "add_user"
    CHANGE_USER = "change_user"
    SET_PASSWORD = "set_password"  # noqa: S105 - the name of an act
    CONFIRM_PASSWORD = "confirm_password"  # noqa: S105
    UNLOCK_USER = "unlock_user"
    END_SESSIONS = "end_sessions"
    SET_SECOND_DEVICE = "set_second_device"
    ENROLL_KEY = "enroll_key"
    REVOKE_KEY = "revoke_key"
    DECIDE_LOT = "decide_lot"
    SETTLE_EXCEPTION = "settle_exception"
    SIGN_REVIEW = "sign_review"
    CHANGE_STAGE = "change_stage"
    SIGN_PENDING = "sign_pending"
    WITHDRAW_PENDING = "withdraw_pending"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    TAKE_OUT_OF_SERVICE = "take_out_of_service"
    RETURN_TO_SERVICE = "return_to_service"
    STOP_WRITES = "stop_writes"
    RESUME_WRITES = "resume_writes"
    ANSWER_GUIDANCE = "answer_guidance"
    RECORD_ACTION = "record_action"
    COMPLETE_ACTION = "complete_action"
    APPROVE_LABORATORY_PLAN = "approve_laboratory_plan"
