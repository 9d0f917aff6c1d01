"""Warnings with one cause are one message: those of one equipment and lot that begin while its message is new. Pure.

Each part stays a guidance of its own, on record, on the board and published, with the id of the message in ``group``.
The message names its parts, and is published again when one joins or leaves. What is critical always calls by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from gateway.advice.lifecycle import OPEN
from gateway.records.guidance import Attention, Guidance, GuidanceKind, GuidanceState, Severity
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

SUMMARISED = "MORE_ON_EQUIPMENT"  # the reason of a message for what waited, which names its parts, too


class Group(StrEnum):
    """The sentence that names what belongs to a message."""

    STANDS_WITH = "STANDS_WITH"


def head_for(warning: Guidance, others: Iterable[Guidance], *, at_ns: int, period_ns: int) -> Guidance | None:
    """Return the message that a new warning belongs to, None where it calls by itself.

    It is one of the same equipment and lot, to which operators were called within the period and which nobody has
    acknowledged: who has seen a message is called again for what comes after it.
    """
    if warning.kind is not GuidanceKind.WARNING or warning.severity is Severity.CRITICAL:
        return None
    heads = (
        other
        for other in others
        if other.guidance_id != warning.guidance_id
        and other.kind is GuidanceKind.WARNING
        and other.state is GuidanceState.PROPOSED
        and other.attention is Attention.NEW
        and (other.equipment_id, other.material_lot_id) == (warning.equipment_id, warning.material_lot_id)
        and other.announced_ns is not None
        and at_ns - other.announced_ns < period_ns
    )
    return max(heads, key=lambda head: (head.announced_ns or 0, head.guidance_id), default=None)


def regrouped(changed: tuple[Guidance, ...], others: Iterable[Guidance]) -> tuple[Guidance, ...]:
    """Return changed guidance with the messages whose parts have joined or left; ``others``: the equipment's warnings.

    Where the message itself is over, the oldest of its parts that stand names the others; nobody is called again.
    """
    now = {item.guidance_id: item for item in others} | {item.guidance_id: item for item in changed}
    warnings = [item for item in now.values() if item.kind is GuidanceKind.WARNING]
    standing = {item.guidance_id for item in warnings if item.state in OPEN}
    left_alone = {item.group for item in warnings if item.state in OPEN and item.group not in standing} - {None}
    touched = {item.group or item.guidance_id for item in changed if item.kind is GuidanceKind.WARNING} | left_alone
    result = {item.guidance_id: item for item in changed}
    for head_id in sorted(str(head_id) for head_id in touched):
        parts = sorted(
            (item for item in warnings if item.group == head_id and item.state in OPEN),
            key=lambda item: (item.issued_ns, item.guidance_id),
        )
        result |= _with_parts(now.get(head_id), parts)
    return tuple(result.values())


def _with_parts(head: Guidance | None, parts: list[Guidance]) -> Mapping[str, Guidance]:
    if head is not None and head.state in OPEN:
        named = _naming(head, parts)
        return {} if named == head else {named.guidance_id: named}
    if not parts:
        return {}
    first, *rest = parts
    first = replace(first, group=None)
    moved = {item.guidance_id: replace(item, group=first.guidance_id) for item in rest}
    return moved | {first.guidance_id: _naming(first, list(moved.values()))}


def _naming(head: Guidance, parts: list[Guidance]) -> Guidance:
    """Return a message with the sentence that names its parts; one that already names them is as it was."""
    ids = [part.guidance_id for part in parts]
    if any(reason.code == SUMMARISED and reason.parameters.get("guidance") == ids for reason in head.reasons):
        return head
    own = tuple(reason for reason in head.reasons if reason.code not in {Group.STANDS_WITH, SUMMARISED})
    if not parts:
        return replace(head, reasons=own)
    titles = "; ".join(part.title for part in parts)
    reason = Reason(
        code=Group.STANDS_WITH.value,
        parameters={"count": len(parts), "guidance": ids},
        text=text("group", Group.STANDS_WITH, count=len(parts), titles=titles),
    )
    return replace(head, reasons=(*own, reason))
