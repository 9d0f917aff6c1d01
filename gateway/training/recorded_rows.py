"""Rows out of a line's own store: each approved laboratory result, with what the history knows of its drawn time."""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from gateway.config.line_definition import tags_of
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.database.opening import open_for_reading
from gateway.errors import LablineError
from gateway.guardrails.gates import judge_inputs
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.inference.features import feature_vector, read_inputs, windows_of
from gateway.line.definition import InputDefinition, LineDefinition, TagDefinition
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.production import NOTHING_MADE, ProductionThen
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.facts.production_then import production_then
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Timing
from gateway.training.categories import Learned, Texts, learned, taken_as_read
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.data import HistoryTable
from gateway.training.row_inputs import SetpointReader, inputs_of
from gateway.training.rows import Rows, of_inputs, rows_before_test

_ALL_ARRIVALS = np.iinfo(np.int64).max  # a model learns from what is known by now
_BEFORE_NS = 60 * SECOND_NS  # a value that holds at the beginning may have come a while before
_LATEST_NS = 2**62


@dataclass(frozen=True, kw_only=True)
class _Result:
    result_ids: tuple[str, ...]
    sampled_ns: int
    value: float
    arrived_ns: int
    equipment_id: str | None
    product: str | None = None
    production: ProductionThen = NOTHING_MADE


@dataclass(frozen=True, kw_only=True)
class _Looks:
    """What is looked at for each result: the inputs and setpoints, by the line's tags."""

    tags: dict[str, TagDefinition]
    inputs: tuple[InputDefinition, ...]
    reader: SetpointReader


def recorded_rows(
    recipe: Recipe, *, folder: Path, on_progress: Callable[[str, int, int], None] = lambda *_: None
) -> Rows:
    """Return a row for each result that a model may learn from; raises LablineError.

    That is what a model in service learns from, too: approved, with a number, in the model's unit, of a sample at which
    every input passes its gates.
    """
    table = recipe.history
    if table is None:
        raise LablineError(f"{recipe.name} has no history", hint="give its recipe [history]")
    settings, _sha256 = read((folder / table.configuration).resolve())
    store = settings.store.directory if table.store is None else (folder / table.store).resolve()
    looks = _looks_of(recipe, tags_of(settings))
    left_out: Counter[str] = Counter()
    with closing(read_state(store)) as connection:
        results = _by_sample(_learnable(_results(connection, recipe, table), recipe, table, left_out))
        if any(item.looks_at_production for item in looks.inputs):
            results = [_with_production(result, connection) for result in results]
    if not results:
        raise LablineError(
            f"{store} has no result of {recipe.output.analyte} to learn from{_reasons(left_out)}",
            hint="only approved results with a number, in the model's unit, of samples with a drawn time count",
        )
    with closing(open_for_reading(store / HISTORY_FILE, HISTORY)) as connection:
        history = _history(connection, looks.tags, (*looks.inputs, *looks.reader.definitions), results)
        kept, features, setpoints = list[_Result](), list[tuple[float, ...]](), list[NDArray[np.float64]]()
        texts = list[Texts]()
        for number, result in enumerate(results, start=1):
            passed = _features(looks, history, result, left_out)
            if passed is not None:
                kept.append(result)
                features.append(passed[0])
                texts.append(passed[1])
                setpoints.append(_stood(looks, history, result.sampled_ns))
            on_progress("results", number, len(results))
    if not kept:
        raise LablineError(
            f"of {len(results)} results of {recipe.output.analyte} none has its inputs on record{_reasons(left_out)}",
            hint="does the history reach back to their drawn times?",
        )
    before_test = rows_before_test(recipe, np.arange(len(kept)))
    made = learned(recipe, looks.inputs, np.array(features, np.float64), texts, before_test=before_test)
    rows = _rows([kept[at] for at in made.kept], made, left_out + made.left_out)
    return replace(rows, setpoints=of_inputs(looks.reader.by_tag(setpoints), made))


def _with_production(result: _Result, connection: sqlite3.Connection) -> _Result:
    """Return the result with what was made on its equipment at its drawn time; without equipment that is not known."""
    if result.equipment_id is None:
        return result
    line = LineDefinition(path="", topic_root="", tags={}, specifications=())
    return replace(
        result, production=production_then(Reading(connection, line, {}), result.equipment_id, result.sampled_ns)
    )


def _looks_of(recipe: Recipe, tags: dict[str, TagDefinition]) -> _Looks:
    """Return what is looked at for each result; raises LablineError where the line has no such tag."""
    inputs = tuple(_watched(item, tags) for item in inputs_of(recipe))
    reader = SetpointReader(recipe, inputs)
    needed = {tag for item in (*inputs, *reader.definitions) for tag in item.tags}
    unknown = sorted((needed | {lock.tag for item in recipe.manipulated for lock in item.interlocks}) - tags.keys())
    if unknown:
        raise LablineError(f"the line has no tag {', '.join(unknown)}", hint=f"it has {', '.join(sorted(tags))}")
    return _Looks(tags=tags, inputs=inputs, reader=reader)


def _watched(item: InputDefinition, tags: Mapping[str, TagDefinition]) -> InputDefinition:
    """Return the input with how long its tags may stand still on this line."""
    own, over = tags.get(item.tag), tags.get(item.over or "")
    return replace(
        item,
        frozen_after_ns=None if own is None else own.frozen_after_ns,
        over_frozen_after_ns=None if over is None else over.frozen_after_ns,
    )


def _features(
    looks: _Looks, history: KnownThen, result: _Result, left_out: Counter[str]
) -> tuple[tuple[float, ...], Texts] | None:
    """Return the inputs at a drawn time, and what the categories are; None where one does not pass its gates.

    ``left_out`` counts these.
    """
    windows = history.windows(windows_of(looks.inputs, result.sampled_ns), arrival=_ALL_ARRIVALS)
    readings = read_inputs(looks.inputs, looks.tags, windows, result.sampled_ns, result.production)
    inputs, readings, texts = taken_as_read(looks.inputs, readings)
    reasons = judge_inputs(inputs, readings, looks.tags)
    vector = feature_vector(inputs, readings, result.sampled_ns)
    if reasons or vector is None:
        left_out[reasons[0].code if reasons else "NO_VALUE"] += 1
        return None
    return vector.values, texts


def _stood(looks: _Looks, history: KnownThen, sampled_ns: int) -> NDArray[np.float64]:
    """Return where the setpoints stood at a drawn time."""
    definitions = looks.reader.definitions
    windows = history.windows(windows_of(definitions, sampled_ns), arrival=_ALL_ARRIVALS)
    return looks.reader.values(read_inputs(definitions, looks.tags, windows, sampled_ns))


def _results(
    connection: sqlite3.Connection, recipe: Recipe, table: HistoryTable
) -> Iterator[tuple[LabResult, str | None, int]]:
    """Yield the current results of the analyte in the order of their samples, their equipment, when each arrived."""
    bounds = {"since_ns": _ns(table.since, 0), "until_ns": _ns(table.until, _LATEST_NS)}
    for row in connection.execute(SQL["results_to_learn_from"], {"analyte": recipe.output.analyte, **bounds}):
        result = decode(LabResult, row["body"])
        yield result, result.equipment_id or row["equipment_id"], row["arrived_ns"]


def _ns(time: datetime | None, otherwise: int) -> int:
    return otherwise if time is None else round(time.timestamp() * SECOND_NS)


def _learnable(
    results: Iterator[tuple[LabResult, str | None, int]], recipe: Recipe, table: HistoryTable, left_out: Counter[str]
) -> Iterator[_Result]:
    for result, equipment_id, arrived_ns in results:
        if result.status is not ResultStatus.APPROVED:
            left_out["not approved"] += 1
        elif result.value is None or result.qualifier is not None or result.sampled_ns is None:
            left_out["no number"] += 1
        elif result.unit not in {None, recipe.output.unit}:
            left_out[f"in {result.unit}"] += 1
        elif table.equipment is not None and equipment_id != table.equipment:
            left_out["of other or unknown equipment"] += 1
        else:
            yield _Result(
                result_ids=(result.result_id,), sampled_ns=result.sampled_ns, value=result.value,
                arrived_ns=arrived_ns, product=result.material_definition_id, equipment_id=equipment_id,
            )  # fmt: skip


def _by_sample(results: Iterable[_Result]) -> list[_Result]:
    """Return one row for each drawn instant: the mean of its determinations, known once the last of them is."""
    samples = []
    for sampled_ns, group in groupby(results, key=lambda result: result.sampled_ns):
        together = [*group]
        samples.append(
            _Result(
                result_ids=tuple(result_id for result in together for result_id in result.result_ids),
                sampled_ns=sampled_ns,
                value=fmean(result.value for result in together),
                arrived_ns=max(result.arrived_ns for result in together),
                product=together[0].product,
                equipment_id=together[0].equipment_id,
            )
        )
    return samples


def _history(
    connection: sqlite3.Connection,
    tags: dict[str, TagDefinition],
    inputs: tuple[InputDefinition, ...],
    results: list[_Result],
) -> KnownThen:
    sources = {tag: tags[tag].source for item in inputs for tag in item.tags}
    reach_ns = max(item.reach_ns + (item.frozen_after_ns or 0) for item in inputs) + _BEFORE_NS
    recorded = RecordedHistory(connection, [*sources, *(f"@{source}" for source in {*sources.values()})])
    return KnownThen(recorded, sources, start_ns=results[0].sampled_ns - reach_ns, end_ns=results[-1].sampled_ns + 1)


def _rows(kept: list[_Result], made: Learned, left_out: Counter[str]) -> Rows:
    begun = (result.production.batch_started_ns for result in kept)
    lasted = (result.sampled_ns - start for result, start in zip(kept, begun, strict=True) if start is not None)
    timing = Timing(
        at_ns=np.array([result.sampled_ns for result in kept], np.int64),
        arrives_ns=np.array([max(result.arrived_ns, result.sampled_ns + 1) for result in kept], np.int64),
    )
    digest = hashlib.sha256("".join(result_id for result in kept for result_id in result.result_ids).encode())
    return Rows(
        at=np.arange(len(kept)),
        names=tuple(rfc3339(result.sampled_ns) for result in kept),
        timing=timing,
        inputs=made.inputs,
        features=made.features,
        longest_batch_ns=max(lasted, default=0),
        values=np.array([result.value for result in kept]),
        data_sha256=digest.hexdigest(),
        products=tuple(result.product for result in kept),
        about="A row is a laboratory result and what was on record of its drawn time. In the median one was drawn "
        f"every {timing.every_ns / SECOND_NS:g} s and known {timing.delay_ns / SECOND_NS:g} s later"
        + _reasons(left_out),
        odd={f"left out: results {why}": count for why, count in sorted(left_out.items())},
    )


def _reasons(left_out: Counter[str]) -> str:
    reasons = ", ".join(f"{count} {what}" for what, count in sorted(left_out.items()))
    return f"; left out: {reasons}" if reasons else ""
