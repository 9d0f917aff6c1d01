"""``control/{analyte}``: what a result of a control material says of the laboratory's measurement."""

from gateway.contract.payloads.parts import Payload, ReasonPart


class ControlPayload(Payload):
    """One control: how far it lies from its mean, which of Westgard's rules it breaks, and which lots hang on it."""

    sample_id: str
    test_id: str
    analyte: str
    control_id: str
    instrument_id: str | None
    run_id: str | None
    value: float | None
    unit: str | None
    mean: float
    standard_deviation: float
    control_unit: str | None
    deviations: float
    rejected: bool
    reasons: list[ReasonPart]
    lots_measured_since_last_good: list[str] | None
