"""Which variables an object of each kind has: one row each, with its type and where its value comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asyncua import ua

from gateway.records.line_state import CodeAndText, LimitInForce, LotState, OpenGuidance, OutputState, Trust
from gateway.transport.opcua_server.nodes import instant

Kind = ua.VariantType
Subject = TypeVar("Subject")
STATUS: Mapping[Trust, int] = {
    Trust.GOOD: ua.StatusCodes.Good,
    Trust.UNCERTAIN: ua.StatusCodes.UncertainEngineeringUnitsExceeded,
    Trust.WAITING: ua.StatusCodes.BadWaitingForInitialData,
    Trust.ABSTAINED: ua.StatusCodes.BadDataUnavailable,
    Trust.STALE: ua.StatusCodes.BadNoData,
    Trust.SHADOW: ua.StatusCodes.BadOutOfService,
    Trust.DAMAGED: ua.StatusCodes.BadDataLost,
}
PRIORITY = {"critical": 900, "warning": 600, "information": 200}  # as severities of events (OPC 10000-5, 6.4.2)


@dataclass(frozen=True, slots=True)
class Column(Generic[Subject]):
    """A variable: ``read`` gives its value, None where there is none.

    ``predicted``: it has the status of the prediction. ``analog``: it states unit and range.
    """

    name: str
    kind: Any
    read: Callable[[Subject, str], Any]
    array: bool = False
    predicted: bool = False
    analog: bool = False


def _codes(reasons: tuple[CodeAndText, ...]) -> list[str]:
    return [reason.code for reason in reasons]


def _texts(reasons: tuple[CodeAndText, ...], language: str) -> list[Any]:
    return [ua.LocalizedText(reason.text, language) for reason in reasons]


def _when(at_ns: int | None) -> Any:
    return None if at_ns is None else instant(at_ns)


def _number(name: str) -> Callable[[OutputState, str], float | None]:
    return lambda output, _language: None if output.numbers is None else getattr(output.numbers, name)


def _limit(name: str) -> Callable[[OutputState, str], Any]:
    def read(output: OutputState, _language: str) -> Any:
        limit: LimitInForce | None = output.limit
        return None if limit is None else getattr(limit, name)

    return read


PREDICTION: tuple[Column[OutputState], ...] = (
    Column("SensorValue", Kind.Double, _number("value"), predicted=True, analog=True),
    Column("RawValue", Kind.Double, _number("uncorrected"), predicted=True, analog=True),
    Column("IntervalLow", Kind.Double, _number("low"), predicted=True),
    Column("IntervalHigh", Kind.Double, _number("high"), predicted=True),
    Column("Coverage", Kind.Double, lambda output, _: output.coverage, predicted=True),
    Column("ProbabilityOutOfSpecification", Kind.Double, _number("probability"), predicted=True),
    Column("MaterialLotId", Kind.String, lambda output, _: output.material_lot_id, predicted=True),
    Column("HoldsUntil", Kind.DateTime, lambda output, _: _when(output.holds_until_ns), predicted=True),
    Column("LowLimit", Kind.Double, _limit("lower")),
    Column("HighLimit", Kind.Double, _limit("upper")),
    Column("Target", Kind.Double, _limit("target")),
    Column("SpecificationVersion", Kind.String, _limit("version")),
    Column("Trust", Kind.String, lambda output, _: output.trust.value),
    Column("ReasonCodes", Kind.String, lambda output, _: _codes(output.reasons), array=True),
    Column("ReasonTexts", Kind.LocalizedText, lambda output, at: _texts(output.reasons, at), array=True),
    Column("Stage", Kind.String, lambda output, _: output.stage),
    Column("ModelName", Kind.String, lambda output, _: output.model),
    Column("ModelVersion", Kind.String, lambda output, _: output.version),
    Column("ModelSha256", Kind.String, lambda output, _: output.sha256),
)
DISPOSITION: tuple[Column[LotState], ...] = (
    Column("Recommendation", Kind.String, lambda lot, _: lot.recommendation),
    Column("Latched", Kind.Boolean, lambda lot, _: lot.latched),
    Column("Damaged", Kind.Boolean, lambda lot, _: lot.damaged),
    Column("ReasonCodes", Kind.String, lambda lot, _: _codes(lot.reasons), array=True),
    Column("ReasonTexts", Kind.LocalizedText, lambda lot, language: _texts(lot.reasons, language), array=True),
    Column("MissingTests", Kind.String, lambda lot, _: list(lot.missing_tests), array=True),
    Column("Results", Kind.UInt32, lambda lot, _: lot.results),
    Column("Product", Kind.String, lambda lot, _: lot.product),
    Column("JobOrderId", Kind.String, lambda lot, _: lot.job_order_id),
    Column("EquipmentId", Kind.String, lambda lot, _: lot.equipment_id),
    Column("StartedAt", Kind.DateTime, lambda lot, _: _when(lot.started_ns)),
    Column("EndedAt", Kind.DateTime, lambda lot, _: _when(lot.ended_ns)),
    Column("ClosedAt", Kind.DateTime, lambda lot, _: _when(lot.closed_ns)),
)
GUIDANCE: tuple[Column[OpenGuidance], ...] = (
    Column("Title", Kind.LocalizedText, lambda item, language: ua.LocalizedText(item.title, language)),
    Column("Action", Kind.LocalizedText,
           lambda item, _: [ua.LocalizedText(text, name) for name, text in sorted(item.action.items())], array=True),
    Column("Kind", Kind.String, lambda item, _: item.kind),
    Column("State", Kind.String, lambda item, _: item.state),
    Column("Severity", Kind.String, lambda item, _: item.severity),
    Column("Priority", Kind.UInt16, lambda item, _: PRIORITY.get(item.severity, 900)),
    Column("ReasonCodes", Kind.String, lambda item, _: _codes(item.reasons), array=True),
    Column("ReasonTexts", Kind.LocalizedText, lambda item, language: _texts(item.reasons, language), array=True),
    Column("ExpiresAt", Kind.DateTime, lambda item, _: _when(item.expires_ns)),
    Column("EquipmentId", Kind.String, lambda item, _: item.equipment_id),
    Column("MaterialLotId", Kind.String, lambda item, _: item.material_lot_id),
    Column("Analyte", Kind.String, lambda item, _: item.analyte),
)  # fmt: skip
