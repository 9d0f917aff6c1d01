"""The data of a certificate as a document, and its SHA-256, over which it is signed.

Messages, documents and signatures all have this one: what is printed is what was signed. Times are RFC 3339 in UTC.
"""

from typing import Any

from gateway.contract.identity import identity_of, sha256_hex
from gateway.contract.signed_records import canonical
from gateway.contract.times import rfc3339
from gateway.records.certificates import CertificateContent, CertificateDrafted, CertificateRow, CertifiedResult

SCHEMA = "labline.certificate-data/1"
_SHORT = 8  # characters of an id in a certificate's number


def certificate_id(material_lot_id: str, customer: str, part: str = "") -> str:
    """Return the id of the certificate of a lot, or of a part of it, for a customer: all its versions have it."""
    return identity_of("certificate", material_lot_id, customer, part)


def number_of(certificate_id: str, version: int) -> str:
    """Return the number by which people name a version of a certificate."""
    return f"{certificate_id[:_SHORT].upper()}-{version}"


def version_id(certificate_id: str, version: int) -> str:
    """Return the key of a version of a certificate."""
    return f"{certificate_id}/{version}"


def words_of(drafted: CertificateDrafted) -> str:
    """Return by what a search finds a certificate: lot, order, equipment, components, suppliers, customer, product."""
    content = drafted.content
    words = (
        drafted.certificate_id, number_of(drafted.certificate_id, drafted.version), content.material_lot_id,
        content.product, content.product_name, content.client_id, content.job_order_id, content.equipment_id,
        content.customer, content.customer_name, content.specification,
        content.part.name if content.part else None,
        *(word for item in content.components for word in (item.material_lot_id, item.product, item.supplier)),
        *(result.sample_id for row in content.rows for result in row.results),
    )  # fmt: skip
    return "\n".join(dict.fromkeys(str(word).lower() for word in words if word))


def certificate_data(content: CertificateContent, *, of: str, version: int, reason: str) -> dict[str, Any]:
    """Return all that a version says; ``of``: the certificate's id, ``reason``: why it was issued again."""
    return {
        "schema": SCHEMA,
        "certificate_id": of,
        "version": version,
        "reason": reason,
        "material_lot_id": content.material_lot_id,
        "part": None if content.part is None else {"name": content.part.name, "quantity": content.part.quantity},
        "material_definition_id": content.product,
        "product_name": content.product_name,
        "client_id": content.client_id,
        "job_order_id": content.job_order_id,
        "equipment_id": content.equipment_id,
        "started_at": _at(content.started_ns),
        "ended_at": _at(content.ended_ns),
        "components": [
            {"material_lot_id": item.material_lot_id, "material_definition_id": item.product, "supplier": item.supplier}
            for item in content.components
        ],
        "customer": {
            "id": content.customer,
            "name": content.customer_name,
            "address": list(content.address),
            "email": list(content.email),
        },
        "requirement": {
            "file": content.requirement,
            "sha256": content.requirement_sha256,
            "specification": content.specification,
            "version": content.specification_version,
        },
        "language": content.language,
        "template": content.template,
        "plant": {"name": content.plant_name, "address": list(content.plant_address)},
        "time_zone": content.time_zone,
        "rows": [_row(row) for row in content.rows],
        "decision": _decision(content),
        "gaps": [{"code": item.code, "parameters": dict(item.parameters), "text": item.text} for item in content.gaps],
    }


def data_sha256(data: dict[str, Any]) -> str:
    """Return the SHA-256 of a certificate's data."""
    return sha256_hex(canonical(data).encode())


def _row(row: CertificateRow) -> dict[str, Any]:
    return {
        "analyte": row.analyte,
        "name": row.name,
        "method": row.method,
        "unit": row.unit,
        "reported": row.reported,
        "detected": row.detected,
        "compliance": row.compliance.value,
        "required": row.required,
        "lower": row.lower,
        "upper": row.upper,
        "inclusive": row.inclusive,
        "accepts": list(row.accepts),
        "limits_from": row.limits_from,
        "results": [_result(item) for item in row.results],
    }


def _result(result: CertifiedResult) -> dict[str, Any]:
    return {
        "result_id": result.result_id,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "result_version": result.result_version,
        "replicate": result.replicate,
        "status": result.status,
        "value_text": result.value_text,
        "unit": result.unit,
        "sampled_at": _at(result.sampled_ns),
        "analysed_at": _at(result.analysed_ns),
    }


def _decision(content: CertificateContent) -> dict[str, Any] | None:
    decision = content.decision
    if decision is None:
        return None
    return {
        "decision": decision.verdict,
        "by": decision.by,
        "role": decision.role,
        "at": rfc3339(decision.at_ns),
        "record_id": decision.record_id,
        "stands": decision.stands,
        "over_open_points": content.released_over,
    }


def _at(instant_ns: int | None) -> str | None:
    return None if instant_ns is None else rfc3339(instant_ns)
