"""An arriving result in its series: what it signals, and how the series stands after it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.decision import Decision, ReferenceFrozen, SeriesCharted
from gateway.events import ResultArrived
from gateway.facts.lab_result import LabResultFacts, SeriesOnRecord
from gateway.lab.multivariate_charts import FrozenReference, frozen_reference, out_of_line
from gateway.lab.samples import Measured, Point, Side, point_of
from gateway.lab.series import SeriesKey, without_newest
from gateway.lab.trends import Charted, charted, charted_again, rules_for
from gateway.lab.units import converted
from gateway.line.spc_rules import Together
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.outgoing import AuditEntry
from gateway.records.verdicts import Reason

_LARGEST = 1e30  # instruments report larger numbers where they could not measure
_SIDES: Mapping[str, Side] = {"<": "<", "<=": "<", ">": ">", ">=": ">"}  # of a limit, on which a value lies
_COUNTS = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Trended:
    """Why a result is for a person to look at, and what of its series is recorded and audited."""

    reasons: tuple[Reason, ...] = ()
    decision: Decision = field(default_factory=Decision)


def trend(event: ResultArrived, result: LabResult, facts: LabResultFacts) -> Trended:
    """Return what the newest version of a result does to its series: its sample's point is new, changed, or gone.

    What the laboratory has validated is charted, of a known product, in the series' unit: numbers, and what lies beyond
    a limit of measurement. Replicates of a sample make one point.
    """
    left, known = _left(facts), facts.series
    if known is None:
        return Trended(decision=left)
    measured = _measured(event, result, known)
    replaced = facts.history.current is not None
    if measured is None and not replaced:
        return Trended(decision=left)
    point = point_of(result.sample_id, (*known.replicates, *(() if measured is None else (measured,))))
    charted = _charted(point, result, known, facts)
    unit = known.series.unit or result.unit
    series = charted.series if charted.series.unit == unit else replace(charted.series, unit=unit)
    recorded = SeriesCharted(key=known.key, sample_id=result.sample_id, series=series, point=point)
    decision = Decision(records=(recorded,), audit=_frozen_audit(charted, known.key) if charted.frozen else ())
    if point is None or measured is None:
        return Trended(decision=left + decision)
    with_others = Trended() if point.qualifier is not None else _together(point, result, known)
    return Trended(reasons=(*charted.reasons, *with_others.reasons), decision=left + decision + with_others.decision)


def _left(facts: LabResultFacts) -> Decision:
    """Return the series that a correction has left, charted again without its result."""
    current, left = facts.history.current, facts.left_series
    if left is None or current is None:
        return Decision()
    rules = rules_for(facts.line.trends, product=left.key.product, analyte=left.key.analyte)
    point = point_of(current.sample_id, left.replicates)
    again = charted_again(left.series, _with(left, point), rules, name=current.test_id).series
    gone = SeriesCharted(key=left.key, sample_id=current.sample_id, series=again, point=point)
    return Decision(records=(gone,))


def _measured(event: ResultArrived, result: LabResult, known: SeriesOnRecord) -> Measured | None:
    """Return the result as it is charted, or None where it is not."""
    number = result.censored_at if result.qualifier else result.value
    side = _SIDES.get(result.qualifier or "")
    if number is None or result.status not in _COUNTS or (result.qualifier and side is None):
        return None
    value = converted(number, result.unit, known.series.unit)
    if value is None or abs(value) > _LARGEST:
        return None
    at_ns = next(known_ns for known_ns in (result.sampled_ns, known.replaced_ns, event.at_ns) if known_ns is not None)
    return Measured(result_id=result.result_id, at_ns=at_ns, value=value, qualifier=side)


def _charted(point: Point | None, result: LabResult, known: SeriesOnRecord, facts: LabResultFacts) -> Charted:
    rules = rules_for(facts.line.trends, product=result.material_definition_id, analyte=result.analyte)
    if point is not None and known.points is None:
        return charted(without_newest(known.series, point.sample_id), point, rules, name=result.test_id)
    return charted_again(known.series, _with(known, point), rules, name=result.test_id, of=result.sample_id)


def _with(known: SeriesOnRecord, point: Point | None) -> tuple[Point, ...]:
    return (*(known.points or ()), *(() if point is None else (point,)))


def _frozen_audit(charted: Charted, key: SeriesKey) -> tuple[AuditEntry, ...]:
    limits, constant = charted.series.limits, charted.series.constant
    says: dict[str, object] = {}
    if limits is not None:
        says = {"center": limits.center, "sigma": limits.sigma, "count": limits.count}
    elif constant is not None:
        says = {"does_not_vary": constant.text, "count": constant.count}
    body = {"product": key.product, **says, "rests_on": list(charted.series.rests_on),
            "left_out": list(charted.series.left_out)}  # fmt: skip
    return (AuditEntry(kind="limits_frozen", subject=key.analyte, body=body, scope=key.scope),)


def _together(point: Point, result: LabResult, known: SeriesOnRecord) -> Trended:
    """Return what the values of one sample signal together, for every group of analytes that this result completes."""
    trended = Trended()
    for group, standing in known.together.items():
        values = {**known.sample_values, result.analyte: point.value}
        if result.analyte not in group.analytes or not all(name in values for name in group.analytes):
            continue
        row = {name: values[name] for name in group.analytes}
        if standing is not None:
            trended = Trended(reasons=(*trended.reasons, *out_of_line(standing, row)), decision=trended.decision)
        else:
            trended = Trended(
                reasons=trended.reasons, decision=trended.decision + _reference(group, point.sample_id, row, known)
            )
    return trended


def _reference(group: Together, sample_id: str, row: dict[str, float], known: SeriesOnRecord) -> Decision:
    """Return the reference that this sample completes, if it does."""
    rows = [
        (sample, [values[name] for name in group.analytes])
        for sample, values in known.samples.items()
        if sample != sample_id and all(name in values for name in group.analytes)
    ]
    frozen: FrozenReference | None = frozen_reference(group, [*rows, (sample_id, list(row.values()))])
    if frozen is None:
        return Decision()
    scope = known.key.scope
    body = {"product": group.product, "analytes": list(group.analytes), "mean": list(frozen.mean),
            "limit": frozen.limit, "rests_on": list(frozen.rests_on)}  # fmt: skip
    return Decision(
        records=(ReferenceFrozen(scope=scope, group=group, reference=frozen),),
        audit=(AuditEntry(kind="reference_frozen", subject=" + ".join(group.analytes), body=body, scope=scope),),
    )
