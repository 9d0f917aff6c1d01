"""Which metrics an edge node and its devices have, and their aliases (Sparkplug 3.0, 6.4.5 to 6.4.11).

The node is the gateway of a line; each equipment with a model is a device. What is reported together (a prediction with
its interval and verdict, a disposition, a guidance) is a *subject*: its metrics change at the same time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from gateway.contract.sparkplug.topics import device_of
from gateway.line.definition import LineDefinition
from gateway.line.outputs import ModelOutput

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
OF_NODE = ""  # in place of a device's id
DISPOSITION, HOLD, GUIDANCE, ABOUT = "disposition", "hold", "guidance", "about"

Value = float | int | bool | str | None


class DataType(IntEnum):
    """Datatypes by their numbers in the specification, as many as are used here."""

    INT32 = 3
    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


class Quality(IntEnum):
    """Quality codes (6.4.9)."""

    BAD = 0
    GOOD = 192
    STALE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A metric's definition. ``has_quality``: its value counts only until it expires, and its messages say so."""

    name: str
    datatype: DataType
    alias: int | None
    subject: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    has_quality: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A value of a metric at a time; None: there is none."""

    metric: Metric
    value: Value
    at_ms: int
    quality: Quality | None = None
    historical: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All metrics: by device (the node's under ``OF_NODE``), in their order, by name."""

    by_device: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the devices' ids."""
        return tuple(device for device in self.by_device if device != OF_NODE)

    def of_subject(self, device: str, subject: str) -> tuple[Metric, ...]:
        """Return the metrics that are reported together, none of a subject that is not known."""
        return tuple(metric for metric in self.by_device.get(device, {}).values() if metric.subject == subject)


_ROWS_OF_GUIDANCE = tuple(
    (f"Guidance/{name}", DataType.STRING, GUIDANCE) for name in ("Id", "Kind", "State", "Severity", "Title", "Lot")
)
_ROWS_OF_NODE = (
    (BD_SEQ, DataType.INT64, ""),
    (REBIRTH, DataType.BOOLEAN, ""),
    ("About/Line", DataType.STRING, ABOUT),
    ("About/Version", DataType.STRING, ABOUT),
    ("Disposition/Lot", DataType.STRING, DISPOSITION),
    ("Disposition/Recommendation", DataType.STRING, DISPOSITION),
    ("Disposition/Provisional", DataType.BOOLEAN, DISPOSITION),
    ("Disposition/Decision", DataType.STRING, DISPOSITION),
    ("Disposition/Reasons", DataType.STRING, DISPOSITION),
    ("Hold/Lot", DataType.STRING, HOLD),
    ("Hold/Provisional", DataType.BOOLEAN, HOLD),
    ("Hold/Reasons", DataType.STRING, HOLD),
    *_ROWS_OF_GUIDANCE,
)


def prediction_subject(analyte: str) -> str:
    """Return the subject of an analyte's prediction."""
    return f"prediction/{analyte}"


def catalogue_of(line: LineDefinition) -> Catalogue:
    """Return the metrics of a line. Aliases are unique across the node and its devices; Rebirth has none."""
    rows = [(OF_NODE, _plain(*row)) for row in _ROWS_OF_NODE]
    outputs = {
        (device_of(model.equipment_id), output.analyte): output
        for model in line.configured_models
        for output in model.bundle.outputs
    }
    for device in dict.fromkeys(device for device, _ in outputs):
        rows += [(device, metric) for of, output in outputs.items() if of[0] == device for metric in _predicted(output)]
        rows += [(device, _plain(*row)) for row in _ROWS_OF_GUIDANCE]
    by_device: dict[str, dict[str, Metric]] = {}
    for alias, (device, metric) in enumerate(rows):
        aliased = metric if metric.name == REBIRTH else replace(metric, alias=alias)
        by_device.setdefault(device, {})[metric.name] = aliased
    return Catalogue(by_device=by_device)


def _plain(name: str, datatype: DataType, subject: str) -> Metric:
    return Metric(name=name, datatype=datatype, alias=None, subject=subject)


def _predicted(output: ModelOutput) -> list[Metric]:
    """Return the metrics of an analyte's prediction: value, interval, probability, verdict."""
    subject, folder = prediction_subject(output.analyte), output.analyte
    low, high = (None, None) if output.value is None else output.value.valid
    numbers = [
        Metric(
            name=f"{folder}/{name}",
            datatype=DataType.DOUBLE,
            alias=None,
            subject=subject,
            unit=output.unit,
            low=_finite(low),
            high=_finite(high),
            has_quality=True,
        )
        for name in ("Predicted", "Predicted low", "Predicted high")
    ]
    probability = Metric(
        name=f"{folder}/Probability out of specification",
        datatype=DataType.DOUBLE,
        alias=None,
        subject=subject,
        low=0.0,
        high=1.0,
        has_quality=True,
    )
    words = [_plain(f"{folder}/{name}", DataType.STRING, subject) for name in ("Verdict", "Reasons", "Lot")]
    return [*numbers, probability, *words]


def _finite(limit: float | None) -> float | None:
    return limit if limit is not None and math.isfinite(limit) else None
