"""Which version of a certificate an act is about, how people name it, and why an act on it is refused. Pure."""

from typing import Any

from gateway.contract.certificates import number_of
from gateway.facts.certificates import CertificateActFacts
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.records.certificate_acts import ReissueCertificate, SignCertificate, WithdrawCertificate
from gateway.records.certificates import CertificateOnRecord, CertificateState

OfOne = SignCertificate | WithdrawCertificate | ReissueCertificate


def version_of_act(act: OfOne, facts: CertificateActFacts) -> CertificateOnRecord | None:
    """Return the version that an act is about, None where it is not on record."""
    meant = (act.certificate_id, act.version)
    versions = (item for item in facts.known.on_record
                if (item.drafted.certificate_id, item.drafted.version) == meant)  # fmt: skip
    return next(versions, None)


def number_of_act(act: OfOne) -> str:
    """Return how people name the version that an act is about."""
    return number_of(act.certificate_id, act.version)


def named(version: CertificateOnRecord) -> dict[str, Any]:
    """Return what an answer says of a version."""
    drafted = version.drafted
    return {"certificate_id": drafted.certificate_id, "version": drafted.version, "draft": drafted.draft,
            "number": number_of(drafted.certificate_id, drafted.version), "state": version.state.value}  # fmt: skip


def no_such_certificate(act: OfOne) -> Answer:
    """Return the answer about a version that is not on record."""
    return refused(ActRefusal.NO_SUCH_CERTIFICATE, certificate=act.certificate_id, version=act.version)


def no_draft(version: CertificateOnRecord) -> Answer:
    """Return the answer about a version that is no draft any more; of a signed one, by whom."""
    drafted, changed = version.drafted, version.changed
    number = number_of(drafted.certificate_id, drafted.version)
    if version.state is CertificateState.SIGNED and changed is not None and changed.signature is not None:
        person = changed.signature.printed_name
        return refused(ActRefusal.CERTIFICATE_SIGNED_ALREADY, certificate=number, person=person)
    return refused(ActRefusal.CERTIFICATE_NO_DRAFT, certificate=number, certificate_state=version.state.value)


def not_in_force(version: CertificateOnRecord) -> Answer:
    """Return the answer about a version that is not issued."""
    number = number_of(version.drafted.certificate_id, version.drafted.version)
    return refused(ActRefusal.CERTIFICATE_NOT_ISSUED, certificate=number, certificate_state=version.state.value)
