"""What drafts, signatures and questions of certificates stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.lab.certificates.draft import CertifiedLot
from gateway.lab.disposition import LotState
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.records.certificates import CertificateOnRecord
from gateway.records.laboratory import Disposition
from gateway.records.scope import OF_THE_PLANT, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class LotCertificates:
    """A lot with its certificates. ``lot``: None where nothing is known of it; ``on_record``: the oldest version first.

    ``waits``: whether it is about to be judged again. ``disposition``: the last that was published.
    ``specifications``: of the lot's product.
    """

    lot: CertifiedLot | None
    on_record: tuple[CertificateOnRecord, ...]
    waits: bool
    specifications: SpecificationsOnRecord
    disposition: Disposition | None
    state: LotState
    scope: Scope = OF_THE_PLANT


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateDueFacts(Facts):
    """What the drafts of a lot's certificates stand on."""

    known: LotCertificates


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateActFacts(ActFacts):
    """What people's acts on certificates stand on."""

    known: LotCertificates


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateIssuedFacts(Facts):
    """What has become of a version that was signed; None where it is not on record."""

    issued: CertificateOnRecord | None
