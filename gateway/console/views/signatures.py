"""Signatures: which acts wait for another person's signature, and which were signed."""

from pydantic import Field

from gateway.console.views.parts import SignaturePart, View


class PendingActView(View):
    """An act that waits until enough people have signed it."""

    pending_id: str
    act: str
    title: str
    parameters: dict[str, str]
    reason: str
    asked_by: str
    asked_at: str
    expires_at: str
    roles: list[str] = Field(description="of these the next person must have one")
    count: int = Field(description="how many signatures it needs")
    signed: list[SignaturePart]


class SignedRecordView(View):
    """A signature that was given, with what it is of."""

    signature: SignaturePart
    record_kind: str
    record_id: str


class SignaturesView(View):
    """GET /api/signatures."""

    waiting: list[PendingActView]
    given: list[SignedRecordView] = Field(description="the newest first")
