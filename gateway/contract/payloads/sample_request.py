"""``sample-request/{id}``: which tests the laboratory is asked for, in the shape that a LIMS expects under ``body``."""

from pydantic import BaseModel

from gateway.contract.payloads.parts import PayloadWithTexts


class RecommendedTest(BaseModel):
    """One test: how urgent it is, and why."""

    test_id: str
    test_name: str
    priority: str
    reason: str


class RequestBody(BaseModel):
    """The request itself; ``metadata`` says which probability of failure and place in the queue it has."""

    trigger_event: str
    production_order: str | None
    material_lot: str
    product_code: str | None
    recommended_tests: list[RecommendedTest]
    requested_due_date: str
    metadata: dict[str, str | float | int | None]


class SampleRequestPayload(PayloadWithTexts):
    """The request with what every payload carries around it."""

    shape: str
    body: RequestBody
