"""Corrective actions on record, how each did, and those that helped against the same failure before."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.lab.deviations import DeviationInShort
from gateway.lab.effectiveness import NOTHING_YET, ActionOnRecord, Effectiveness, Recurrence, effect_of
from gateway.records.corrective_actions import ActionRecorded
from gateway.records.scope import Scope
from gateway.store.codec import decode
from gateway.store.statements import SQL, value_of

BEFORE_SAMPLES = 100  # of the series before the deviation, by which the share before is counted
WITHIN_SAMPLES = 50  # after something was done, in which a failure that comes is the same again
_MOST, _MOST_SUGGESTED, _MOST_SAMPLES = 500, 5, 2000
_LAST = 2**62
_ORDER = (Effectiveness.EFFECTIVE, Effectiveness.REDUCED, Effectiveness.TOO_EARLY, Effectiveness.NOT_EFFECTIVE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What comes back: the codes of reasons of one series; ``equipment_id``: in lots made there, None: anywhere."""

    scope: Scope
    product: str | None
    analyte: str
    codes: frozenset[str]
    equipment_id: str | None = None

    def series(self) -> dict[str, str | None]:
        """Return the columns of its series."""
        return {**self.scope.columns(), "product": self.product, "analyte": self.analyte}


def actions_of(connection: sqlite3.Connection, deviation_id: str) -> tuple[ActionOnRecord, ...]:
    """Return the actions against a deviation, in their order; those that do not hold are left out."""
    rows = connection.execute(SQL["corrective_actions_of"], {"deviation_id": deviation_id, "most": _MOST})
    return tuple(_on_record(connection, rows))


def all_actions(connection: sqlite3.Connection, *, most: int = _MOST) -> tuple[ActionOnRecord, ...]:
    """Return the newest actions."""
    return tuple(_on_record(connection, connection.execute(SQL["corrective_actions"], {"most": most})))


def action_on_record(connection: sqlite3.Connection, key: str) -> ActionOnRecord | None:
    """Return an action, None where there is none that holds."""
    row = connection.execute(SQL["corrective_action"], {"key": key}).fetchone()
    if row is None or not row["holds"]:
        return None
    deviation = decode(ActionRecorded, row["body"]).deviation_id
    return next((item for item in actions_of(connection, deviation) if item.action.action_id == key), None)


def suggested_actions(connection: sqlite3.Connection, deviation: DeviationInShort) -> tuple[ActionOnRecord, ...]:
    """Return what was done against the same failure of the same client before, what helped first."""
    failure = failure_of(deviation)
    alike = [
        item
        for item in all_actions(connection)
        if item.action.deviation_id != deviation.deviation_id
        and item.done_ns is not None
        and item.action.scope == failure.scope
        and item.action.analyte == failure.analyte
        and not failure.codes.isdisjoint(item.action.failures)
    ]
    alike.sort(
        key=lambda item: (
            _ORDER.index(item.effect.effectiveness),
            item.action.equipment_id != deviation.equipment_id,
            item.action.product != failure.product,
            -item.action.at_ns,
        )
    )
    return tuple(alike[:_MOST_SUGGESTED])


def failure_of(deviation: DeviationInShort) -> Failure:
    """Return the failure of a deviation."""
    result = deviation.result
    return Failure(
        scope=result.scope,
        product=result.material_definition_id,
        analyte=result.analyte,
        codes=frozenset(reason.code for reason in deviation.reasons),
        equipment_id=deviation.equipment_id,
    )


def recurrence(
    connection: sqlite3.Connection, failure: Failure, *, after_ns: int, most: int | None = None, besides: str = ""
) -> Recurrence:
    """Return in how many lots a failure came after an instant; ``most``: in the first samples only."""
    series = failure.series()
    until_ns = _LAST
    if most is not None:
        last_ns = value_of(connection, "instant_of_sample_after", **series, after_ns=after_ns, most=most)
        until_ns = after_ns if last_ns is None else int(last_ns)
    return _between(connection, failure, after_ns=after_ns, until_ns=until_ns, besides=besides)


def recurrence_before(connection: sqlite3.Connection, failure: Failure, *, until_ns: int) -> Recurrence:
    """Return in how many lots a failure came in the last samples up to an instant, that of the instant among them."""
    first_ns = value_of(
        connection, "instant_of_sample_before", **failure.series(), until_ns=until_ns, most=BEFORE_SAMPLES
    )
    return _between(
        connection, failure, after_ns=(until_ns if first_ns is None else int(first_ns)) - 1, until_ns=until_ns
    )


def _between(
    connection: sqlite3.Connection, failure: Failure, *, after_ns: int, until_ns: int, besides: str = ""
) -> Recurrence:
    series = failure.series()
    (tested,) = connection.execute(SQL["lots_of_series_between"], {
        **series, "equipment_id": failure.equipment_id, "after_ns": after_ns, "until_ns": until_ns,
        "most": _MOST_SAMPLES,
    })  # fmt: skip
    rows = connection.execute(SQL["failures_between"], {**series, "after_ns": after_ns})
    failed = {
        (row["lot"], row["sample_id"])
        for row in rows
        if row["grown_from"] != besides
        and after_ns < row["failed_ns"] <= until_ns
        and not failure.codes.isdisjoint((row["codes"] or "").split())
        and failure.equipment_id in {None, row["equipment_id"]}
    }
    failed_lots = {lot for lot, _sample in failed}
    return Recurrence(
        lots=max(tested["lots"], len(failed_lots)),
        failed_lots=len(failed_lots),
        samples=max(tested["samples"], len(failed)),
        failed=len(failed),
    )


def _on_record(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> Iterable[ActionOnRecord]:
    for row in list(rows):
        if not row["holds"] or not row["done_holds"]:
            continue
        action = decode(ActionRecorded, row["body"])
        done_ns = row["done_ns"]
        failure = Failure(
            scope=action.scope, product=action.product, analyte=action.analyte, codes=frozenset(action.failures),
            equipment_id=action.equipment_id,
        )  # fmt: skip
        since = NOTHING_YET if done_ns is None else recurrence(connection, failure, after_ns=done_ns)
        before = recurrence_before(connection, failure, until_ns=action.at_ns)
        yield ActionOnRecord(
            action=action, done_ns=done_ns, done_by=row["done_by"], note=row["note"],
            effect=effect_of(done=done_ns is not None, since=since, before=before),
        )  # fmt: skip
