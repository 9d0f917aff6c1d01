"""Names of lots with ``|``: one lot, or several? Pure.

Plants use the bar within a name (``25|0147``), laboratories between names (``L-1|L-2``). What production calls a lot by
the whole name is one lot, unless a lot of one of the parts is known as well: then nobody can say which is meant.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.contract.lims.names import normalised
from gateway.contract.lims.stated_lots import NAMED, WHOLE_NAMES
from gateway.records.laboratory import LabResult
from gateway.records.verdicts import Reason


def parts_of(name: str) -> tuple[str, ...]:
    """Return the lots that a name with bars could mean; none where it has none."""
    parts = tuple(dict.fromkeys(part for text in name.split("|") if (part := normalised(text))))
    return parts if "|" in name else ()


def as_one_lot(result: LabResult, is_one_lot: Callable[[str], bool]) -> LabResult:
    """Return a result with its lots, where a name with bars that is a known lot stays one name."""
    unsure = [reason for reason in result.unread if WHOLE_NAMES in reason.parameters]
    if not unsure:
        return result
    known = [reason for reason in unsure if all(is_one_lot(name) for name in reason.parameters[WHOLE_NAMES])]
    if len(known) < len(unsure):
        return result
    lots = tuple(dict.fromkeys(name for reason in known for name in reason.parameters[NAMED]))
    return replace(result, unread=_without(result.unread, known), material_lot_id=lots[0], other_lots=lots[1:])


def _without(reasons: tuple[Reason, ...], known: list[Reason]) -> tuple[Reason, ...]:
    return tuple(reason for reason in reasons if reason not in known)
