"""How a lot was made: the means of its equipment's tags, its materials, equipment and shift. Pure.

A lot that is still being made is compared with the same part of earlier ones: with their first 40 minutes, where it has
run for 40 minutes. So a fingerprint keeps the means of eight equal stretches of its time and the means of the whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.history.windows import Segments, TagWindow, segments
from gateway.lab.cause_names import OF_A_LOT, Shift, stored_material
from gateway.lab.causes import CauseKind
from gateway.records.record import Record
from gateway.time_units import SECOND_NS

STRETCHES = 8  # into which a lot's time is divided
_LEAST_KNOWN = 0.5  # share of a window that must be known, else its mean is left out
_LEAST_OF_STAGE = 0.8  # an earlier lot must have run for this share of the time that a lot has run
_EARLY, _LATE, _NIGHT = 6, 14, 22  # hours at which shifts begin


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint(Record):
    """How a lot was made: the means of its equipment's tags, and what was there (materials, equipment, shift).

    ``begins_with_lot``: whether ``from_ns`` is when the lot was begun; ``profile``: by tag, the means of eight equal
    stretches from there, None where too little is known.
    """

    material_lot_id: str
    product: str | None
    equipment_id: str | None
    from_ns: int
    until_ns: int
    values: Mapping[str, float] = field(default_factory=dict)
    present: tuple[tuple[str, str], ...] = ()  # (kind, name)
    begins_with_lot: bool = False
    profile: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    @property
    def length_ns(self) -> int:
        """Return the length of the time that it covers, in nanoseconds."""
        return self.until_ns - self.from_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialUse:
    """Which material went into a lot."""

    material_lot_id: str
    consumed_lot_id: str
    consumed_definition_id: str | None
    supplier: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotRun:
    """A lot on its equipment between two instants; ``begins_with_lot``: whether the first is when it was begun."""

    material_lot_id: str
    product: str | None
    equipment_id: str | None
    from_ns: int
    until_ns: int
    begins_with_lot: bool = False


def fingerprint(
    run: LotRun, *, windows: Iterable[TagWindow], uses: Iterable[MaterialUse], zone: ZoneInfo
) -> Fingerprint:
    """Return how a lot was made; a tag that is known for less than half of the run is left out.

    ``uses``: of this lot. ``zone``: of the plant's clock, which says which shift worked.
    """
    values, profile = dict[str, float](), dict[str, tuple[float | None, ...]]()
    for window in windows:
        held = segments(window)
        whole = means_of_stretches(window, held, 1, least_known=_LEAST_KNOWN)[0]
        if whole is not None:
            values[window.tag] = whole
            profile[window.tag] = means_of_stretches(window, held, STRETCHES, least_known=_LEAST_KNOWN)
    return Fingerprint(
        material_lot_id=run.material_lot_id,
        product=run.product,
        equipment_id=run.equipment_id,
        from_ns=run.from_ns,
        until_ns=run.until_ns,
        values=values,
        present=_present(run, tuple(uses), zone),
        begins_with_lot=run.begins_with_lot,
        profile=profile,
    )


def _present(run: LotRun, uses: tuple[MaterialUse, ...], zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    """Return what was there: materials with their suppliers, material lots, the equipment, the shift."""
    present = [
        (CauseKind.MATERIAL.value, stored_material(use.consumed_definition_id, use.supplier))
        for use in uses
        if use.supplier is not None
    ]
    present += [(CauseKind.MATERIAL.value, f"{OF_A_LOT}{use.consumed_lot_id}") for use in uses]
    if run.equipment_id is not None:
        present.append((CauseKind.EQUIPMENT.value, run.equipment_id))
    present.append((CauseKind.SHIFT.value, shift_of((run.from_ns + run.until_ns) // 2, zone).value))
    return tuple(dict.fromkeys(present))


def shift_of(at_ns: int, zone: ZoneInfo) -> Shift:
    """Return which shift worked at an instant, by the plant's clock: early from 6, late from 14, night from 22."""
    hour = datetime.fromtimestamp(at_ns / SECOND_NS, zone).hour
    return Shift.EARLY if _EARLY <= hour < _LATE else Shift.LATE if _LATE <= hour < _NIGHT else Shift.NIGHT


def means_of_stretches(
    window: TagWindow, held: Segments, count: int, *, least_known: float = 0.0
) -> tuple[float | None, ...]:
    """Return the time-weighted means of equal stretches of a window; None where less than that share is known."""
    length_seconds = (window.end_ns - window.start_ns) / SECOND_NS
    if not len(held.values) or length_seconds <= 0:
        return (None,) * count
    edges = np.linspace(0.0, length_seconds, count + 1)
    knots = np.column_stack([held.start_seconds, held.start_seconds + held.duration_seconds]).ravel()

    def up_to_edges(per_second: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the integral from the window's start to each edge; unknown stretches add nothing."""
        whole = np.cumsum(per_second * held.duration_seconds)
        sums = np.column_stack([np.concatenate([[0.0], whole[:-1]]), whole]).ravel()
        integral: NDArray[np.float64] = np.interp(edges, knots, sums, left=0.0)
        return integral

    level = float(held.values[0])  # subtracted first: sums of large values would cost the last digits
    known, sums = np.diff(up_to_edges(np.ones(len(held.values)))), np.diff(up_to_edges(held.values - level))
    least_seconds = least_known * length_seconds / count
    return tuple(
        level + float(total / seconds) if seconds > 0 and seconds >= least_seconds - 1e-9 else None
        for total, seconds in zip(sums, known, strict=True)
    )


# --- at the same stage ----------------------------------------------------------------------------------


def at_stage(own: Fingerprint, references: Sequence[Fingerprint], *, fewest: int) -> tuple[Fingerprint, ...] | None:
    """Return earlier lots as they were when they had run for as long as this one; None where too few allow that.

    A lot that has run for longer than an earlier one took is compared with all of that one, unless it is much shorter.
    """
    if not own.begins_with_lot:
        return None
    staged = [up_to(lot, own.length_ns) for lot in references if lot.begins_with_lot and lot.profile]
    usable = tuple(lot for lot in staged if lot.length_ns >= _LEAST_OF_STAGE * own.length_ns)
    return usable if len(usable) >= fewest else None


def up_to(lot: Fingerprint, length_ns: int) -> Fingerprint:
    """Return a lot's fingerprint of its first so many nanoseconds; of all of it where it took no longer."""
    if length_ns >= lot.length_ns:
        return lot
    stretches = STRETCHES * length_ns / lot.length_ns
    weights = np.clip(stretches - np.arange(STRETCHES), 0.0, 1.0)
    values = {}
    for tag, means in lot.profile.items():
        known = [(weight, mean) for weight, mean in zip(weights, means, strict=True) if mean is not None and weight > 0]
        covered = sum(weight for weight, _mean in known)
        if covered >= _LEAST_KNOWN * stretches:
            values[tag] = float(sum(weight * mean for weight, mean in known) / covered)
    return Fingerprint(
        material_lot_id=lot.material_lot_id,
        product=lot.product,
        equipment_id=lot.equipment_id,
        from_ns=lot.from_ns,
        until_ns=lot.from_ns + length_ns,
        values=values,
        present=lot.present,
        begins_with_lot=lot.begins_with_lot,
    )
