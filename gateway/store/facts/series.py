"""The series that a result joins, and the one that a correction has left."""

from dataclasses import replace

from gateway.events import (
    ResultArrived,
)
from gateway.facts.lab_result import ResultHistory, SeriesOnRecord
from gateway.lab.multivariate_charts import FrozenReference
from gateway.lab.samples import Measured
from gateway.lab.series import Series, SeriesKey, goes_on
from gateway.line.spc_rules import Together
from gateway.records.laboratory import LabResult
from gateway.records.scope import Scope
from gateway.store.facts.reading import Reading
from gateway.store.facts.samples import points_on_record, results_in


def key_of(scope: Scope, product: str | None, analyte: str) -> SeriesKey | None:
    """Return which series a result belongs to; None: of an unknown product there is none."""
    return None if product is None else SeriesKey(scope=scope, product=product, analyte=analyte)


def series_of(
    reading: Reading, event: ResultArrived, key: SeriesKey | None, history: ResultHistory
) -> SeriesOnRecord | None:
    """Return the series of a result, with its points where it is to be charted again."""
    if key is None:
        return None
    result, replaced = event.result, history.current.result_id if history.current else None
    of_series = key.columns()
    series = next(iter(reading.decoded(Series, reading.rows("series", of_series))), Series())
    of_sample = _results_of_sample(reading, of_series, result.sample_id)
    at_ns = event.at_ns if result.sampled_ns is None else result.sampled_ns
    needs_none = replaced is None and goes_on(series, result.sample_id, at_ns, known=bool(of_sample))
    groups = [
        group for group in reading.line.together if group.product == key.product and result.analyte in group.analytes
    ]
    on_record = SeriesOnRecord(
        key=key,
        series=series,
        points=None if needs_none else points_on_record(reading, of_series, besides=result.sample_id),
        replicates=tuple(measured for measured in of_sample if measured.result_id != replaced),
        replaced_ns=next((measured.at_ns for measured in of_sample if measured.result_id == replaced), None),
    )
    return _together(reading, on_record, groups, result) if groups else on_record


def _results_of_sample(reading: Reading, of_series: dict[str, str], sample_id: str) -> tuple[Measured, ...]:
    """Return the results on record of a sample, of which its point in a series is made."""
    row = reading.row("point_of_sample", **of_series, sample_id=sample_id)
    return () if row is None else results_in(row["results"])


def left_series(reading: Reading, key: SeriesKey | None, history: ResultHistory) -> SeriesOnRecord | None:
    """Return the series that a corrected result's point stands in, where the correction is of another one."""
    current = history.current
    left = None if current is None else key_of(current.scope, current.material_definition_id, current.analyte)
    if current is None or left is None or left == key:
        return None
    of_series = left.columns()
    series = next(iter(reading.decoded(Series, reading.rows("series", of_series))), None)
    if series is None:
        return None
    of_sample = _results_of_sample(reading, of_series, current.sample_id)
    return SeriesOnRecord(
        key=left,
        series=series,
        points=points_on_record(reading, of_series, besides=current.sample_id),
        replicates=tuple(measured for measured in of_sample if measured.result_id != current.result_id),
    )


def _together(reading: Reading, on_record: SeriesOnRecord, groups: list[Together], result: LabResult) -> SeriesOnRecord:
    """Return what a result's series is judged together with: references, or the samples to freeze them from."""
    together = {group: _reference(reading, on_record.key.scope, group) for group in groups}
    of_product = {**on_record.key.scope.columns(), "product": on_record.key.product}
    of_others = {**of_product, "besides": result.sample_id}
    samples: dict[str, dict[str, float]] = {}
    for group in (group for group, known in together.items() if known is None):
        most = {"most": 2 * group.baseline}  # of each analyte: some samples are incomplete
        for analyte in group.analytes:
            for row in reading.rows("newest_numbers", {**of_others, "analyte": analyte, **most}):
                samples.setdefault(row["sample_id"], {})[analyte] = row["value"]
    same = reading.rows("numbers_of_sample", {**of_product, "sample_id": result.sample_id, "besides": result.analyte})
    return replace(
        on_record,
        together=together,
        sample_values={row["analyte"]: row["value"] for row in same},
        samples=samples,
    )


def _reference(reading: Reading, scope: Scope, group: Together) -> FrozenReference | None:
    key = {**scope.columns(), "product": group.product, "analytes": " + ".join(group.analytes)}
    return next(iter(reading.decoded(FrozenReference, reading.rows("analytes_together", key))), None)
