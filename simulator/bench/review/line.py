"""The line of the bench: six tags with validated ranges, a product of three tests, a model and a control material."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gateway.contract.identity import sha256_hex
from gateway.line.certificates import CertificateRules, Reported, RequiredTest, Requirement
from gateway.line.definition import (
    Aggregate,
    InputDefinition,
    LineDefinition,
    ManipulatedTag,
    ModelAssignment,
    ModelBundle,
    Stage,
    TagDefinition,
)
from gateway.line.outputs import ModelOutput, ValueOutput
from gateway.line.setpoint_writes import Point, SetpointWrite, SetpointWrites, WriteProfile
from gateway.line.sinks import Sink, SinkMessage
from gateway.line.spc_rules import ControlMaterial, TrendRules
from gateway.records.act_kinds import ActKind
from gateway.records.laboratory import Specification
from gateway.records.prediction import ModelIdentity
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import Role
from gateway.time_units import SECOND_NS

Numbers = NDArray[np.float64]
BAD = 0x80000000
DOSING = "dosing_setpoint"
CUSTOMER = "ACME"
TESTS = {"Viscosity": "viscosity", "pH": "ph", "Water": "water"}
UNITS = {"Viscosity": "mPa.s", "pH": None, "Water": "%"}
LEVELS = {"Viscosity": (100.0, 0.8), "pH": (7.0, 0.08), "Water": (0.5, 0.04)}
TAG_LEVELS = {"temperature": (78.0, 0.3), "pressure": (2.0, 0.02), "agitator": (120.0, 0.5), "level": (60.0, 0.4),
              "feed": (10.0, 0.05), "jacket": (70.0, 0.3), "acid": (5.0, 0.01), DOSING: (5.0, 0.0)}  # fmt: skip
_RANGES = {"temperature": (70.0, 86.0), "pressure": (1.5, 2.5), "agitator": (100.0, 140.0), "level": (40.0, 80.0),
           "feed": (8.0, 12.0), "jacket": (60.0, 80.0), "acid": (0.0, 10.0), DOSING: (0.0, 10.0)}  # fmt: skip
_WIDER = {"temperature": (60.0, 95.0)}  # where a model was trained, of tags that may not go so far
_LIMITS = {"viscosity": (95.0, 105.0, "mPa.s"), "ph": (6.5, 7.5, None), "water": (0.2, 0.8, "%")}


def the_line() -> LineDefinition:
    """Return the line."""
    return LineDefinition(
        path="bench/lab/polymers/line-1",
        topic_root="bench/lab/polymers/line-1/quality",
        tags={name: _tag(name) for name in TAG_LEVELS},
        specifications=tuple(
            Specification(product="FG-100", analyte=analyte, lower=lower, upper=upper, unit=unit, version="1",
                          target=(lower + upper) / 2, required=True)
            for analyte, (lower, upper, unit) in _LIMITS.items()
        ),
        trends=(TrendRules(product="FG-100", analyte="water"),),
        controls=(ControlMaterial(name="OIL", analyte="viscosity", mean=50.0, standard_deviation=1.0, unit="mPa.s"),),
        models=(_model(), _dosing_model()),
        writes=_writes(),
        certificates=_certificates(),
        signatures={
            ActKind.SETTLE_POINT: SignaturePolicy(roles=(Role.QUALITY,), count=2, expires_after_seconds=3 * 86_400.0)
        },
        sinks=(Sink(name="mes", template="generic", messages=frozenset({SinkMessage.HOLD})),),
    )  # fmt: skip


def _tag(name: str) -> TagDefinition:
    return TagDefinition(
        name=name, source="plc1", node=f"nsu=bench;s={name}", equipment_id="R1", unit="degC",
        validated=_RANGES[name], max_age_ns=10 * SECOND_NS,
        frozen_after_ns=600 * SECOND_NS if name == "pressure" else None,
    )  # fmt: skip


def _model() -> ModelAssignment:
    """Return a model of viscosity that follows the temperature."""
    value = ValueOutput(column=0, valid=(0.0, 300.0), coverage=0.9, half_width=1.0, sigma=2.5)
    output = ModelOutput(analyte="viscosity", unit="mPa.s", value=value)
    return _assigned(output, "temperature", predict=_falling(100.0, 1.0, 78.0), stage=Stage.ADVISE)


def _dosing_model() -> ModelAssignment:
    """Return a model of pH that follows the acid, whose dosing it may move by itself."""
    value = ValueOutput(column=0, valid=(0.0, 14.0), coverage=0.9, half_width=0.1)
    dosing = ManipulatedTag(tag=DOSING, unit="L/h", validated=(0.0, 10.0), max_step=2.0, resolution=0.1,
                            minimum_interval_ns=60 * SECOND_NS, gains={"acid.mean": 1.0})  # fmt: skip
    output = ModelOutput(analyte="ph", unit="pH", value=value)
    return _assigned(output, "acid", dosing, predict=_falling(7.0, 0.5, 5.0), stage=Stage.AUTOMATIC)


def _falling(middle: float, slope: float, at: float) -> Callable[[Numbers], Numbers]:
    """Return what predicts a value that falls as its input rises."""
    return lambda rows: (middle - slope * (rows @ np.array([1.0]) - at))[:, np.newaxis]


def _assigned(
    output: ModelOutput, tag: str, *manipulated: ManipulatedTag, predict: Callable[[Numbers], Numbers], stage: Stage
) -> ModelAssignment:
    """Return a model with one input, the mean of a tag over ten seconds."""
    mean = InputDefinition(name=f"{tag}.mean", tag=tag, aggregate=Aggregate.MEAN, window_ns=10 * SECOND_NS, lag_ns=0,
                           unit="degC", validated=_WIDER.get(tag, _RANGES[tag]))  # fmt: skip
    identity = ModelIdentity(name=output.analyte, version="1.0.0", sha256=sha256_hex(output.analyte.encode()))
    bundle = ModelBundle(identity=identity, intended_use="bench", inputs=(mean,), outputs=(output,),
                         manipulated=manipulated)  # fmt: skip
    return ModelAssignment(
        bundle=bundle, predict=predict, equipment_id="R1", every_ns=SECOND_NS, stage=stage,
        expires_after_ns=600 * SECOND_NS,
    )  # fmt: skip


def _writes() -> SetpointWrites:
    node = f"nsu=bench;s={DOSING}"
    return SetpointWrites(by_tag={DOSING: SetpointWrite(
        tag=DOSING, source="plc1", profile=WriteProfile.REQUEST, nodes={Point.REQUEST: node, Point.ACTUAL: node},
        tolerance=0.01, timeout_ns=SECOND_NS, settle_ns=SECOND_NS // 10, valid_ns=30 * SECOND_NS, low_risk=True,
        moves_per_hour=10,
    )})  # fmt: skip


def _certificates() -> CertificateRules:
    tests = tuple(
        RequiredTest(
            analyte=analyte,
            name=name,
            lower=_LIMITS[analyte][0],
            upper=_LIMITS[analyte][1],
            unit=UNITS[name],
            reported=Reported.MEAN,
        )
        for name, analyte in TESTS.items()
    )
    required = Requirement(key="acme", sha256="0" * 64, customer=CUSTOMER, customer_name="Acme Ltd", product="FG-100",
                           product_name="Resin", tests=tests, over_open_points=True)  # fmt: skip
    return CertificateRules(requirements=(required,), plant_name="Bench")
