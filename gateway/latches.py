"""Alarms that stand until a person takes them down, by their codes."""

from collections.abc import Iterable

from gateway.line.definition import ModelAssignment

DRIFT = "MODEL_DRIFT_"

TOO_SLOW = "MODEL_TOO_SLOW_"

MISMATCH = "SETPOINT_MISMATCH_"

NOT_FOLLOWED = "SETPOINT_NOT_FOLLOWED_"

CERTIFICATE_QUESTIONED = "CERTIFICATE_QUESTIONED_"
CERTIFICATE_NOT_PRINTED = "CERTIFICATE_NOT_PRINTED_"
CERTIFICATE_NOT_MAILED = "CERTIFICATE_NOT_MAILED_"

OF_ONE_MODEL = (DRIFT, TOO_SLOW)  # so begin the codes of alarms that concern one model only
OF_ONE_MATTER = (
    *OF_ONE_MODEL,
    MISMATCH,
    NOT_FOLLOWED,
    CERTIFICATE_QUESTIONED,
    CERTIFICATE_NOT_PRINTED,
    CERTIFICATE_NOT_MAILED,
)  # or one setpoint: not written, but advised; or one certificate

# of stores that have forgotten what they knew
FORGOTTEN = frozenset({"STORE_QUARANTINED", "STORE_ROLLED_BACK", "STORE_RESTORED", "AUDIT_BEHIND_WITNESS"})


def drift_latch(model: str, analyte: str) -> str:
    """Return the code of the alarm that keeps a model, drifting in an analyte, in shadow until a person has looked."""
    return f"{DRIFT}{model.upper()}_{analyte.upper()}"


def too_slow_latch(model: str) -> str:
    """Return the code of the alarm that keeps a model in shadow whose evaluation had to be stopped."""
    return f"{TOO_SLOW}{model.upper()}"


def mismatch_latch(tag: str) -> str:
    """Return the code of the alarm that keeps a setpoint from being written which the PLC did not take as written."""
    return f"{MISMATCH}{tag.upper()}"


def not_followed_latch(tag: str) -> str:
    """Return the code of the alarm that keeps a setpoint from being written whose feedback did not reach it."""
    return f"{NOT_FOLLOWED}{tag.upper()}"


def questioned_latch(number: str, customer: str) -> str:
    """Return the code of the alarm that an issued certificate, of which the customer has a copy, is in question."""
    return f"{CERTIFICATE_QUESTIONED}{number.upper()}_{customer.upper()}"


def in_shadow(model: ModelAssignment, latches: Iterable[str]) -> bool:
    """Return whether an alarm stands that only a person can judge: no advice until one has.

    That a model drifts, or had to be stopped, concerns that model, and a setpoint that was not taken only its writing;
    all else concerns all of them.
    """
    own = {drift_latch(model.name, output.analyte) for output in model.bundle.outputs} | {too_slow_latch(model.name)}
    return any(not code.startswith(OF_ONE_MATTER) or code in own for code in latches)


def in_doubt(latches: Iterable[str]) -> bool:
    """Return whether an alarm stands that puts the records in doubt, and not only one model."""
    return any(not code.startswith(OF_ONE_MATTER) for code in latches)


def has_forgotten(latches: Iterable[str]) -> bool:
    """Return whether an alarm says that records of earlier are missing: what is new here may not be new."""
    return not FORGOTTEN.isdisjoint(latches)
