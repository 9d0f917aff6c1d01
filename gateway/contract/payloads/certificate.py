"""``certificate/{lot}``: a certificate of analysis, from its draft to its withdrawal."""

from typing import Any, Literal

from pydantic import Field

from gateway.contract.payloads.parts import Part, PayloadWithTexts, ReasonPart, Written

State = Literal["draft", "signed", "questioned", "replaced", "withdrawn"]


class CertificatePartPart(Part):
    """A part of a lot that is certified by itself."""

    name: str
    quantity: str


class CertificateComponentPart(Part):
    """A lot that went into the lot."""

    material_lot_id: str
    material_definition_id: str | None
    supplier: str | None


class CertificateResultPart(Part):
    """A version of a result that a row rests on."""

    result_id: str
    sample_id: str
    test_id: str
    result_version: int | None
    replicate: int
    status: str
    value_text: str
    unit: str | None
    sampled_at: str | None
    analysed_at: str | None


class CertificateRowPart(Part):
    """A test, with the limits that it was judged by."""

    analyte: str
    name: str
    method: str | None
    unit: str | None
    reported: str | None = Field(description="as it is printed, with a decimal point; null: there is no result")
    detected: bool = Field(description="false: printed as not detected")
    compliance: Literal["complies", "fails", "undecided", "information", "missing"]
    required: bool
    lower: Written | None
    upper: Written | None
    inclusive: bool
    accepts: list[str]
    limits_from: str | None = Field(description="whose limits: the customer's specification, or the plant's")
    results: list[CertificateResultPart]


class CertificateCustomerPart(Part):
    """Whom the certificate is for."""

    id: str
    name: str
    address: list[str]
    email: list[str] = Field(description="who gets it by mail once it is signed")


class CertificateRequirementPart(Part):
    """What the customer requires: the file, and what it was judged against."""

    file: str
    sha256: str
    specification: str | None
    version: str | None


class CertificatePlantPart(Part):
    """The plant, as it is printed."""

    name: str
    address: list[str]


class CertificateDecisionPart(Part):
    """The decision of a person on the lot that it rests on."""

    decision: str
    by: str
    role: str
    at: str
    record_id: str
    stands: bool
    over_open_points: int


class CertificateDataPart(Part):
    """What is printed and signed; the SHA-256 of its canonical JSON is ``sha256`` beside it."""

    schema_: str = Field(alias="schema", serialization_alias="schema")
    certificate_id: str
    version: int
    reason: str = Field(description="why it was issued again")
    material_lot_id: str
    part: CertificatePartPart | None
    material_definition_id: str | None
    product_name: str
    client_id: str | None
    job_order_id: str | None
    equipment_id: str | None
    started_at: str | None
    ended_at: str | None
    components: list[CertificateComponentPart]
    customer: CertificateCustomerPart
    requirement: CertificateRequirementPart
    language: str
    template: str
    plant: CertificatePlantPart
    time_zone: str
    rows: list[CertificateRowPart]
    decision: CertificateDecisionPart | None
    gaps: list[ReasonPart]


class CertificateSignaturePart(Part):
    """Who has signed it, in print."""

    printed_name: str
    role: str
    meaning: str
    signed_at: str
    signature_id: str
    record_id: str = Field(description="what was signed: labline signature export exports it")
    signed_by: list[str]


class CertificateDocumentPart(Part):
    """Where the document is: below the console's address, for whoever is signed in there."""

    path: str
    media_type: str
    sha256: str
    size: int


class CertificatePayload(PayloadWithTexts):
    """``certificate/{lot}``: only one whose ``state`` is signed is valid."""

    certificate_id: str
    number: str = Field(description="by which people name this version")
    version: int
    draft: int = Field(description="which draft of the version it is")
    state: State
    material_lot_id: str = Field(
        description="the lot; of a part the name by which messages call it, so that nothing names the lot"
    )
    customer: str
    complete: bool = Field(description="whether it has no gaps, so that it may be signed")
    why: str = Field(description="of a withdrawn one, the reason")
    questions: list[ReasonPart] = Field(description="of one in question: what has changed since it was signed")
    sha256: str
    data: CertificateDataPart
    signature: CertificateSignaturePart | None
    document: CertificateDocumentPart | None = Field(description="null: there is none, or none yet")
    problem: str = Field(description="why there is no document")


def data_part(data: dict[str, Any]) -> CertificateDataPart:
    """Return a certificate's data as a part of the payload."""
    return CertificateDataPart.model_validate(data)
