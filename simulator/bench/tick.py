"""What one tick of a model costs: windows, features, gates, inference and interval against the bare runtime.

And fifty models at 1 Hz, through facts, decision and commit, as a share of one core.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

from gateway.config.bundles import bundle_files
from gateway.deadlines import ClockReading
from gateway.decisions.table import windows_needed
from gateway.events import ModelDue
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.history.memory.rings import Rings
from gateway.inference.bundle import MODEL, read_bundle
from gateway.ingest.event_queue import Pending
from gateway.line.definition import LineDefinition, ModelAssignment, Stage, TagDefinition
from gateway.records.process import TagSample
from gateway.records.production import Context
from gateway.store.database import open_state
from gateway.store.transaction.decide_batch import decide_batch
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.transport.onnx import load_model
from simulator.bench.load import MODELS
from simulator.bench.measuring import Figure, Goal
from simulator.plant import Plant

TICKS, SMALL_TICKS = 3000, 300
SECONDS, SMALL_SECONDS = 30, 5
_MODELS = 50
_NOW_NS = 1_800_000_000 * SECOND_NS
_HISTORY_SECONDS, _SAMPLING_SECONDS = 60, 0.25


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the cost of a tick, and of fifty models."""
    line, rings = _line_and_history()
    ticks, seconds = (SMALL_TICKS, SMALL_SECONDS) if small else (TICKS, SECONDS)
    return {**_tick(line, rings, ticks), **_fifty(line, rings, seconds)}


def _line_and_history() -> tuple[LineDefinition, Rings]:
    """Return the demo's viscosity model on its line, and a minute of its plant at 4 Hz."""
    files = bundle_files(MODELS / "viscosity" / "1.0.0")
    bundle = read_bundle(files, where="models")
    predict = load_model(files[MODEL], inputs=len(bundle.inputs), columns=bundle.columns, where="models")
    plant = Plant(1)
    tags = {
        name: TagDefinition(name=name, source="plc1", node="", equipment_id="R1", unit="", validated=None,
                            max_age_ns=10 * SECOND_NS)
        for name in plant.measure()
    }  # fmt: skip
    rings = Rings(dict.fromkeys(tags, "plc1"), capacity=4096)
    for step in range(int(_HISTORY_SECONDS / _SAMPLING_SECONDS)):
        plant.advance(step * _SAMPLING_SECONDS)
        at_ns = _NOW_NS - seconds_to_ns(_HISTORY_SECONDS - step * _SAMPLING_SECONDS)
        samples = [
            TagSample(tag=tag, value=value, status=0, source_ns=at_ns, server_ns=at_ns)
            for tag, value in plant.measure().items()
        ]
        rings.add_notification("plc1", samples, confirmed_ns=at_ns)
    model = ModelAssignment(bundle=bundle, predict=predict, equipment_id="R1", every_ns=SECOND_NS, stage=Stage.SHADOW,
                            expires_after_ns=600 * SECOND_NS)  # fmt: skip
    return LineDefinition(path="bench", topic_root="bench", tags=tags, specifications=(), models=(model,)), rings


def _due(model: ModelAssignment, number: int) -> ModelDue:
    at = ClockReading(wall_ns=_NOW_NS, latest_ns=_NOW_NS, boot_ns=number, boot_id="bench")
    return ModelDue(event_id=f"{model.name}-{number}", at=at, model=model.name)


def _tick(line: LineDefinition, rings: Rings, ticks: int) -> dict[str, Figure]:
    (model,) = line.models
    event = _due(model, 0)
    occasion = Occasion(end_ns=_NOW_NS, at_ns=_NOW_NS, cause="bench", context=Context())

    def guarded() -> None:
        (prediction,) = guarded_predictions(model, line.tags, rings.windows(windows_needed(event, line)), occasion)
        if prediction.features is None:
            raise RuntimeError("the bench's model has no features to predict from")

    session = onnxruntime.InferenceSession((MODELS / "viscosity" / "1.0.0" / MODEL).read_bytes(), _options())
    name = session.get_inputs()[0].name
    row = np.zeros((1, len(model.bundle.inputs)))
    bare = _median(lambda: session.run(None, {name: row}), ticks)
    return {"tick": Figure(value=_median(guarded, ticks) * 1e6, unit="us", floor=bare * 1e6)}


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options


def _median(work: Callable[[], object], times: int) -> float:
    """Return the median seconds of one run, of so many."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def _fifty(line: LineDefinition, rings: Rings, seconds: int) -> dict[str, Figure]:
    """Return the processor's share: so many seconds' worth of ticks, decided and committed a second at a time."""
    (model,) = line.models
    models = tuple(
        replace(model, bundle=replace(model.bundle, identity=replace(model.bundle.identity, name=f"model-{number}")))
        for number in range(_MODELS)
    )
    many = replace(line, models=models)
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name, closing(open_state(Path(name))) as connection:
        begun = time.process_time()
        for second in range(seconds):
            events = [_due(model, second) for model in models]
            batch = [Pending(event, windows=rings.windows(windows_needed(event, many))) for event in events]
            while batch:
                connection.execute("BEGIN IMMEDIATE")
                outcome = decide_batch(connection, line=many, batch=batch)
                connection.execute("COMMIT")
                if outcome.failed:
                    raise RuntimeError("a decision of the bench failed")
                batch = batch[outcome.done :]
        used = time.process_time() - begun
    return {"fifty_models_at_1_hz": Figure(value=used / seconds, unit="cores", goal=Goal(op="<=", value=0.1))}
