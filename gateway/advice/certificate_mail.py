"""The mail with a certificate, in the customer's language. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gateway.contract.certificates import number_of
from gateway.contract.times import rfc3339
from gateway.records.certificates import CertificateOnRecord
from gateway.texts.catalogue import catalogue

_KEPT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


class MailText(StrEnum):
    """The codes of the group ``certificate_mail``."""

    SUBJECT = "SUBJECT"
    GREETING = "GREETING"
    REPLACES = "REPLACES"
    SIGNED = "SIGNED"


def mail_of(version: CertificateOnRecord, *, sha256: str) -> tuple[str, tuple[str, ...]]:
    """Return (subject, lines) of the mail with a certificate that is signed."""
    drafted, content = version.drafted, version.drafted.content
    texts = catalogue(content.language)
    number = number_of(drafted.certificate_id, drafted.version)
    about = {"number": number, "lot": content.material_lot_id, "product": content.product_name}
    signature = None if version.changed is None else version.changed.signature
    lines = [_text(texts, MailText.GREETING, **about)]
    if drafted.version > 1:
        lines.append(_text(texts, MailText.REPLACES, version=drafted.version - 1, reason=drafted.reason))
    if signature is not None:
        at = rfc3339(signature.signed_ns)
        person = ", ".join(signature.signed_by)
        lines.append(_text(texts, MailText.SIGNED, person=person, at=at, sha256=sha256))
    lines += ["", content.plant_name, *content.plant_address]
    return _text(texts, MailText.SUBJECT, **about), tuple(lines)


def file_name(version: CertificateOnRecord, ending: str) -> str:
    """Return the name of a certificate's file, of letters that every system takes."""
    drafted = version.drafted
    lot = "".join(letter if letter in _KEPT else "_" for letter in drafted.content.material_lot_id)[:60]
    return f"certificate_{lot}_{number_of(drafted.certificate_id, drafted.version)}.{ending}"


def _text(texts: Mapping[tuple[str, str], Any], code: MailText, **parameters: object) -> str:
    return str(texts["certificate_mail", code.value]).format_map(parameters)
