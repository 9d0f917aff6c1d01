"""Certificates of analysis: what one says, each version of it, and what has become of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.records.record import Record
from gateway.records.verdicts import Reason


class Compliance(StrEnum):
    """How a row stands to the customer's limits."""

    COMPLIES = "complies"
    FAILS = "fails"
    UNDECIDED = "undecided"  # nobody can say: "<5" against at most 3, a unit that does not convert
    INFORMATION = "information"  # there are no limits, and none are asked for
    MISSING = "missing"


class CertificateState(StrEnum):
    """What has become of a version."""

    DRAFT = "draft"
    SIGNED = "signed"
    QUESTIONED = "questioned"  # something that it rests on has changed since: it must not be relied on
    REPLACED = "replaced"  # a later version is signed
    WITHDRAWN = "withdrawn"


ISSUED = frozenset({CertificateState.SIGNED, CertificateState.QUESTIONED})


@dataclass(frozen=True, kw_only=True, slots=True)
class CertifiedResult:
    """A version of a result that a row rests on."""

    result_id: str
    sample_id: str
    test_id: str
    result_version: int | None
    replicate: int
    status: str
    value_text: str
    unit: str | None
    sampled_ns: int | None = None
    analysed_ns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateRow:
    """A test on a certificate, with the limits that it was judged by, which never change any more.

    ``reported``: as it is printed, with a decimal point; None where there is no result. ``limits_from``: the customer's
    specification, or the plant's with its version.
    """

    analyte: str
    name: str
    method: str | None
    unit: str | None
    reported: str | None
    compliance: Compliance
    required: bool
    lower: float | None = None
    upper: float | None = None
    inclusive: bool = True
    accepts: tuple[str, ...] = ()
    limits_from: str | None = None
    detected: bool = True  # False: it is reported in words that nothing was detected
    results: tuple[CertifiedResult, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A lot that went into the lot."""

    material_lot_id: str
    product: str | None
    supplier: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertifiedDecision:
    """The decision of a person that a certificate rests on."""

    verdict: str
    by: str
    role: str
    at_ns: int
    record_id: str
    stands: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a lot that is certified by itself: its name on the line, such as drums 1-10, and how much it is."""

    name: str
    quantity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateContent:
    """All that a certificate says and rests on. What it was judged by is frozen here."""

    material_lot_id: str
    product: str | None
    product_name: str
    client_id: str | None
    job_order_id: str | None
    equipment_id: str | None
    started_ns: int | None
    ended_ns: int | None
    components: tuple[Component, ...]
    customer: str
    customer_name: str
    address: tuple[str, ...]
    requirement: str
    requirement_sha256: str
    specification: str | None
    specification_version: str | None
    language: str
    template: str
    plant_name: str
    plant_address: tuple[str, ...]
    rows: tuple[CertificateRow, ...]
    decision: CertifiedDecision | None
    gaps: tuple[Reason, ...]
    part: Part | None = None
    released_over: int = 0  # how many open points the release of the lot was signed over
    email: tuple[str, ...] = ()  # who gets it once it is signed
    gates_release: bool = False  # whether other systems learn of a release only once it is signed
    time_zone: str = "UTC"

    @property
    def part_name(self) -> str:
        """Return which part of the lot it is of; empty: of the lot."""
        return "" if self.part is None else self.part.name

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing and nothing speaks against it, so that a person may sign it."""
        return not self.gaps


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateDrafted(Record):
    """A draft of a version of a certificate; ``sha256``: of its data, over which it is signed.

    ``version`` counts what is issued, ``draft`` the drafts of a version. ``reason``: why it is issued again.
    """

    certificate_id: str
    version: int
    draft: int
    content: CertificateContent
    sha256: str
    drafted_ns: int
    reason: str = ""
    person: str = ""  # who asked for it; empty: the gateway, as the lot was completed or something changed


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateSignature:
    """Who has signed a certificate, in print; ``signed_by``: all who have."""

    printed_name: str
    role: str
    meaning: str
    signed_ns: int
    signature_id: str
    record_id: str
    signed_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateChanged(Record):
    """The state of a version from now on, by whom and why.

    ``sha256``: of the data. ``signature``: kept in each later state, too.
    """

    certificate_id: str
    version: int
    draft: int
    material_lot_id: str
    state: CertificateState
    sha256: str
    at_ns: int
    person: str
    why: str = ""
    questions: tuple[Reason, ...] = ()
    signature: CertificateSignature | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateOnRecord:
    """A version as it stands. ``holds``: its rows, and the signature of an issued one, are as they were written."""

    drafted: CertificateDrafted
    state: CertificateState
    holds: bool
    changed: CertificateChanged | None = None

    @property
    def issued(self) -> bool:
        """Return whether it was signed and nobody has withdrawn or replaced it."""
        return self.state in ISSUED


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateMade(Record):
    """The document of a signed version, as it was issued; ``problem``: why there is none, or none as PDF."""

    certificate_id: str
    version: int
    material_lot_id: str
    media_type: str
    sha256: str
    size: int
    content: bytes = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateSent(Record):
    """A version was mailed to its customer; ``problem``: why it never will be."""

    certificate_id: str
    version: int
    to: tuple[str, ...]
    at_ns: int
    problem: str = ""
