"""What drafts, signatures and questions of certificates stand on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.lab.certificates.draft import CertifiedLot
from gateway.lab.disposition import LotState
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.records.certificates import CertificateOnRecord
from gateway.records.laboratory import Disposition
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class LotCertificates:
    """A lot with its certificates. ``lot``: None where nothing is known of it; ``on_record``: the oldest version first.

    ``waits``: whether it is about to be judged again. ``disposition``: the last that was published.
    ``specifications``: of the lot's product. ``parts``: by their names, the parts of it that are certified by
    themselves; ``part``: which one it is.
    """

    lot: CertifiedLot | None
    on_record: tuple[CertificateOnRecord, ...]
    waits: bool
    specifications: SpecificationsOnRecord
    disposition: Disposition | None
    state: LotState
    scope: Scope
    part: LotDivided | None
    parts: Mapping[str, "LotCertificates"]

    def of(self, part_name: str) -> "LotCertificates | None":
        """Return what is known of a part, or without a name of the lot; None where there is no such part."""
        return self.parts.get(part_name) if part_name else self

    @property
    def own(self) -> tuple[CertificateOnRecord, ...]:
        """Return the certificates that are of the lot, or of the part, and not of another part."""
        name = "" if self.part is None else self.part.name
        return tuple(item for item in self.on_record if item.drafted.content.part_name == name)


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
