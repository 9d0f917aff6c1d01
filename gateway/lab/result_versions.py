"""Several messages of one version of a result: how its status advances, and when they contradict each other. Pure.

What messages of one version say together does not depend on the order in which they came: a field that one of them
leaves open is taken from the other, the status that is farthest holds, and what either could not be read of stays so.
"""

from dataclasses import fields, replace
from typing import Any

from gateway.records.laboratory import LabResult, ResultStatus

_RANK = {
    ResultStatus.ENTERED: 0,
    ResultStatus.VALIDATED: 1,
    ResultStatus.APPROVED: 2,
    ResultStatus.SUPERSEDED: 3,
    ResultStatus.REJECTED: 4,  # the most careful: a version that was rejected once is not approved any more
}
_OF_THE_MESSAGE = frozenset({"result_id", "received_ns", "flags", "value_text", "foreign_id", "context_from"})
# what a message of the same version may leave open, but not say otherwise
_FACTS = (
    "analyte", "unit", "sampled_ns", "retest_of", "material_definition_id", "specification", "client_id",
    "study_id", "job_order_id", "equipment_id",
)  # fmt: skip


def is_newer(result: LabResult, current: LabResult | None) -> bool:
    """Return whether a result takes the place of the one that stands: a later version, or more of the same one."""
    return current is None or (result.result_version or 0) >= (current.result_version or 0)


def contradictions(first: LabResult, second: LabResult) -> tuple[str, ...]:
    """Return the fields in which two messages of one version differ."""
    different = [
        name
        for name in _FACTS
        if (a := getattr(first, name)) is not None and (b := getattr(second, name)) is not None and a != b
    ]
    if first.control_id != second.control_id:
        different.append("control_id")
    if first.lots and second.lots and set(first.lots) != set(second.lots):
        different.append("material_lot_id")
    if not _same_value(first, second):
        different.append("value")
    return tuple(different)


def _same_value(first: LabResult, second: LabResult) -> bool:
    if _unreadable(first) or _unreadable(second):
        return True
    numbers = (first.value, first.qualifier, first.censored_at), (second.value, second.qualifier, second.censored_at)
    if any(any(part is not None for part in number) for number in numbers):
        return numbers[0] == numbers[1]
    return first.value_text.casefold() == second.value_text.casefold()


def _unreadable(result: LabResult) -> bool:
    return bool(result.unread) and result.value is None and result.qualifier is None


def together(standing: LabResult, arrived: LabResult) -> LabResult:
    """Return two messages of one version as one result; ids and flags are those of the message that arrived."""
    readable = standing if _unreadable(arrived) and not _unreadable(standing) else arrived
    filled: dict[str, Any] = {
        field.name: getattr(standing, field.name)
        for field in fields(LabResult)
        if field.name not in _OF_THE_MESSAGE and getattr(arrived, field.name) in (None, ())
    }
    value = {name: getattr(readable, name) for name in ("value", "value_text", "qualifier", "censored_at")}
    merged = filled | value
    merged |= {
        "foreign_id": arrived.foreign_id or standing.foreign_id,
        "status": max(standing.status, arrived.status, key=_RANK.__getitem__),
        "unread": tuple({reason.text: reason for reason in (*standing.unread, *arrived.unread)}.values()),
    }
    return replace(arrived, **merged)


def says_nothing_new(standing: LabResult, both: LabResult) -> bool:
    """Return whether a message of a version adds nothing to what stands."""
    return all(
        getattr(standing, field.name) == getattr(both, field.name)
        for field in fields(LabResult)
        if field.name not in _OF_THE_MESSAGE
    )
