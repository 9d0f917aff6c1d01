"""A plan of the laboratory as a document, and its SHA-256, by which a person says which plan was shown. Pure."""

from dataclasses import asdict
from typing import Any

from gateway.contract.identity import sha256_hex
from gateway.contract.signed_records import canonical
from gateway.records.workload import LaboratoryPlan


def plan_document(plan: LaboratoryPlan) -> dict[str, Any]:
    """Return all that a plan says."""
    return asdict(plan)


def plan_sha256(plan: LaboratoryPlan) -> str:
    """Return the SHA-256 of a plan."""
    return sha256_hex(canonical(plan_document(plan)).encode())
