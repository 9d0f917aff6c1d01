"""Small builders of what tests need; each names only what matters to the test."""

import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gateway.deadlines import ClockReading, Deadline
from gateway.facts.model_due import LotInProgress, ModelDueFacts
from gateway.history.rings import Rings
from gateway.lab.disposition import LotState
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.line.definition import (
    Aggregate,
    InputDefinition,
    LineDefinition,
    ManipulatedTag,
    ModelAssignment,
    ModelBundle,
    ModelOutput,
    Predict,
    Stage,
    TagDefinition,
    ValueOutput,
)
from gateway.records.laboratory import LabResult, ResultStatus, Specification
from gateway.records.prediction import ModelIdentity
from gateway.records.process import TagSample
from gateway.store.database import STATE_FILE, open_state
from gateway.time_units import SECOND_NS, seconds_to_ns


@lru_cache(maxsize=1)
def _empty_state() -> bytes:
    """The state database as its migrations leave it, once for each test process."""
    with tempfile.TemporaryDirectory() as name:
        open_state(Path(name)).close()
        return (Path(name) / STATE_FILE).read_bytes()


def new_state(directory):
    """A state database in a directory, opened for writing; a new one comes without running every migration again."""
    file = Path(directory) / STATE_FILE
    if not file.exists():
        file.write_bytes(_empty_state())
    return open_state(Path(directory))


NOW_NS = 1_800_000_000 * SECOND_NS
GOOD, UNCERTAIN, BAD = 0, 0x40000000, 0x80000000


def moment(wall_ns: int, **changes: Any) -> ClockReading:
    """All clocks at a wall time: one boot, at 1 January 1970."""
    return ClockReading(
        **{"wall_ns": wall_ns, "latest_ns": wall_ns, "boot_ns": wall_ns, "boot_id": "boot-1", **changes}
    )


def deadline(wall_ns: int) -> Deadline:
    return Deadline(wall_ns=wall_ns, boot_ns=wall_ns, boot_id="boot-1")


def sample(tag: str, value: float, *, at: float = 0.0, status: int = GOOD) -> TagSample:
    """A sample ``at`` seconds from NOW."""
    at_ns = NOW_NS + seconds_to_ns(at)
    return TagSample(tag=tag, value=value, status=status, source_ns=at_ns, server_ns=at_ns)


def tag(name: str, **changes: Any) -> TagDefinition:
    return TagDefinition(
        **{
            "name": name,
            "source": "plc1",
            "node": f"nsu=urn:test;s={name}",
            "equipment_id": "R1",
            "unit": "degC",
            "validated": None,
            "max_age_ns": seconds_to_ns(10),
            **changes,
        }
    )


def mean_input(tag_name: str, **changes: Any) -> InputDefinition:
    return InputDefinition(
        **{
            "name": f"{tag_name}.mean",
            "tag": tag_name,
            "aggregate": Aggregate.MEAN,
            "window_ns": seconds_to_ns(10),
            "lag_ns": 0,
            "unit": "degC",
            "validated": (60.0, 95.0),
            **changes,
        }
    )


def linear(slopes: Sequence[float], offset: float) -> Predict:
    """A model whose value is offset + slopes . inputs."""
    return lambda rows: (offset + rows @ np.array(slopes, np.float64))[:, np.newaxis]


def value_output(**changes: Any) -> ModelOutput:
    """Viscosity with an interval of +-1."""
    value = {"column": 0, "valid": (0.0, 300.0), "coverage": 0.9, "half_width": 1.0, **changes}
    return ModelOutput(analyte="viscosity", unit="mPa.s", value=ValueOutput(**value))


def bundle(**changes: Any) -> ModelBundle:
    """viscosity = 100 - 4 (temperature - 78), moved by the temperature's setpoint."""
    return ModelBundle(
        **{
            "identity": ModelIdentity(name="viscosity", version="1.0.0", sha256="ab" * 32),
            "intended_use": "tests",
            "inputs": (mean_input("temperature"),),
            "outputs": (value_output(),),
            "manipulated": (
                ManipulatedTag(
                    tag="temperature_setpoint",
                    unit="degC",
                    validated=(70.0, 90.0),
                    max_step=2.0,
                    resolution=0.1,
                    minimum_interval_ns=seconds_to_ns(60),
                    gains={"temperature.mean": 1.0},
                ),
            ),
            **changes,
        }
    )


def assignment(**changes: Any) -> ModelAssignment:
    return ModelAssignment(
        **{
            "bundle": bundle(),
            "predict": linear([-4.0], 100 + 4 * 78),
            "equipment_id": "R1",
            "every_ns": seconds_to_ns(1),
            "stage": Stage.ADVISE,
            "expires_after_ns": seconds_to_ns(600),
            **changes,
        }
    )


VISCOSITY = Specification(
    product="FG-100", analyte="viscosity", lower=95.0, upper=105.0, target=100.0, unit="mPa.s", version="3"
)
PH = Specification(product="FG-100", analyte="ph", lower=6.5, upper=7.5, target=7.0, version="1")


def line(**changes: Any) -> LineDefinition:
    tags = {name: tag(name) for name in ("temperature", "temperature_setpoint")}
    return LineDefinition(
        **{
            "path": "acme/lyon/polymers/line-1",
            "topic_root": "acme/lyon/polymers/line-1/quality",
            "tags": tags,
            "specifications": (VISCOSITY, PH),
            "models": (assignment(),),
            **changes,
        }
    )


def steady_rings(temperature: float, setpoint: float, *, status: int = GOOD, **others: float) -> Rings:
    """Twenty seconds of steady values up to NOW; ``others``: by tag, values that stand since then."""
    held = {"temperature_setpoint": setpoint, **others}
    rings = Rings(dict.fromkeys(["temperature", *held], "plc1"), capacity=100)
    samples = [sample("temperature", temperature, at=-20 + at, status=status) for at in range(20)]
    standing = [sample(name, value, at=-20) for name, value in held.items()]
    rings.take("plc1", [*samples, *standing], confirmed_ns=NOW_NS)
    return rings


def result(**changes: Any) -> LabResult:
    return LabResult(
        **{
            "result_id": "",
            "source": "lims",
            "sample_id": "S-1",
            "test_id": "Viscosity",
            "analyte": "viscosity",
            "replicate": 1,
            "value_text": "100",
            "value": 100.0,
            "qualifier": None,
            "unit": "mPa.s",
            "status": ResultStatus.APPROVED,
            "result_version": None,
            **changes,
        }
    )


def model_due_facts(here: LineDefinition, **known: Any) -> ModelDueFacts:
    """What a model's turn stands on, where nothing is on record but what the test says."""
    nothing = {
        "latches": (), "damaged": (), "open_guidance": (), "open_suggestions": (), "last_advised_ns": {}, "bias": {},
        "coupled_predictions": {}, "specifications": SpecificationsOnRecord(configured=here.specifications, stated=()),
        "lot": LotInProgress(state=LotState(), closed=False, provisional=(), predictions={}),
    }  # fmt: skip
    return ModelDueFacts(line=here, **(nothing | known))
