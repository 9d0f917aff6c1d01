"""The facts that a decision on a lot rests on, as a document and its SHA-256, by which a person says what was shown."""

from typing import Any

from gateway.contract.identity import sha256_hex
from gateway.contract.signed_records import canonical
from gateway.records.lot_decisions import LotBasis


def basis_document(basis: LotBasis) -> dict[str, Any]:
    """Return what a decision rests on."""
    return {
        "recommendation": basis.recommendation.value,
        "latched": basis.latched,
        "provisional": basis.provisional,
        "missing_tests": list(basis.missing_tests),
        "assessments": basis.assessments,
        "assessments_sha256": basis.assessments_sha256,
        "decided": basis.decided,
        **({"parts": list(basis.parts)} if basis.parts else {}),
    }


def basis_sha256(basis: LotBasis) -> str:
    """Return the SHA-256 of what a decision rests on."""
    return sha256_hex(canonical(basis_document(basis)).encode())
