"""What a person asks of the gateway about certificates."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.records.act_kinds import ActKind


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftCertificate:
    """Have a certificate of a lot drafted for a customer; ``part`` and ``quantity``: of a part of the lot alone."""

    kind: ClassVar[ActKind] = ActKind.DRAFT_CERTIFICATE
    material_lot_id: str
    customer: str
    part: str = ""
    quantity: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignCertificate:
    """Sign a version of a certificate; ``sha256``: of the data that was shown to the person who signs."""

    kind: ClassVar[ActKind] = ActKind.SIGN_CERTIFICATE
    certificate_id: str
    version: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawCertificate:
    """Withdraw a version that was issued: nobody may rely on it any more."""

    kind: ClassVar[ActKind] = ActKind.WITHDRAW_CERTIFICATE
    certificate_id: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReissueCertificate:
    """Have the next version of a certificate drafted, which names the reason."""

    kind: ClassVar[ActKind] = ActKind.REISSUE_CERTIFICATE
    certificate_id: str
    version: int


CertificateAct = DraftCertificate | SignCertificate | WithdrawCertificate | ReissueCertificate
