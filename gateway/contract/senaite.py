"""SENAITE: an analysis as its JSON API gives it, in full form or as a search finds it, alone or as a list. Pure.

A result is a string; a detection limit stands beside it as an operand. A correction retracts the analysis, and a new
one, with a uid of its own, names it as what it is a retest of. The uid is part of a result's identity here: it makes
the ``replicate``, so that an analysis and its retest are two results and not two versions of one.

An analysis of a reference sample (a control or a blank on a worksheet) stands under that sample; those of one reference
sample on one worksheet share the id of a group: the run.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.names import folded

Document = Mapping[str, Any]

# our field: its names in the full form and in the catalogue, the first present counts
_NAMES: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("getRequestID", "RequestID", "parent_id"),
    "test_id": ("Keyword", "getKeyword"),
    "value": ("Result", "getResult"),
    "unit": ("Unit", "getUnit"),
    "sampled_at": ("DateSampled", "getDateSampled"),
    "received_at": ("DateReceived", "getDateReceived"),
    "analysed_at": ("ResultCaptureDate", "getResultCaptureDate"),
    "analyst": ("SubmittedBy", "getSubmittedBy"),
    "method_id": ("MethodTitle", "getMethodTitle"),
    "lod": ("LowerDetectionLimit",),
    "material_lot_id": ("BatchID", "getBatchID", "ClientReference", "getClientReference"),
    "material_definition_id": ("SampleTypeTitle", "getSampleTypeTitle"),
    "client_id": ("ClientID", "getClientID"),
}
LOT_NAMES = frozenset(folded(name) for name in _NAMES["material_lot_id"])
SAMPLE_NAMES = frozenset(folded(name) for name in _NAMES["sample_id"])
_CONTROL_TYPE = "ReferenceAnalysis"
_CONTROL_NAMES: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("parent_id",),
    "control_id": ("parent_id",),
    "run_id": ("ReferenceAnalysesGroupID", "getReferenceAnalysesGroupID"),
}
_NUMBERS = frozenset({"lod"})
_STATES = {
    "to_be_verified": "entered",
    "verified": "validated",
    "published": "approved",
    "retracted": "superseded",
    "rejected": "rejected",
    "cancelled": "rejected",
    "invalid": "rejected",
}
_OPEN_ENDS = {"gt": False, "lt": False, "geq": True, "leq": True}
_MOST_REPLICATES = 2**31 - 2
DATE_ONLY = "SAMPLED_DATE_ONLY"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00([.,]0+)?)?\s*([Zz]|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def split(document: Document) -> Sequence[Document]:
    """Return the analyses of a list reply, or the one analysis itself."""
    items = document.get("items")
    if not isinstance(items, list):
        return (document,)
    return [each if isinstance(each, Mapping) else {"item": each} for each in items]


def canonical(document: Document) -> tuple[dict[str, Any], tuple[str, ...], str | None]:
    """Return (the canonical message, flags, the analysis' uid)."""
    of_control = _CONTROL_NAMES if document.get("portal_type") == _CONTROL_TYPE else {}
    found = {
        field: value
        for field, names in {**_NAMES, **of_control}.items()
        if (value := _first(document, names)) is not None
    }
    found |= {name: _number(found[name]) for name in _NUMBERS & found.keys()}
    uid = document.get("uid") if isinstance(document.get("uid"), str) else None
    if uid is not None:
        found["replicate"] = replicate_of(uid)
    operand = document.get("DetectionLimitOperand")
    if operand in ("<", ">") and not str(found.get("value", "")).startswith(operand):
        found["qualifier"] = operand
    found["status"] = _STATES.get(str(document.get("review_state")), document.get("review_state"))
    retest_of = _uid(_first(document, ("RetestOf", "getRetestOfUID")))
    if retest_of is not None:
        found["retest_of"] = retest_of
    limits = _limits(document.get("ResultsRange"))
    if limits:
        found["specification"] = limits
    flags: tuple[str, ...] = ()
    if _is_date_only(found.get("sampled_at")):
        del found["sampled_at"]
        flags = (DATE_ONLY,)
    return {name: value for name, value in found.items() if value is not None}, flags, uid


def replicate_of(uid: str) -> int:
    """Return the number by which an analysis is told from others of the same test of the same sample."""
    return 1 + int(identity_of("senaite", uid).replace("-", ""), 16) % _MOST_REPLICATES


def _first(document: Document, names: Sequence[str]) -> Any:
    return next((document[name] for name in names if document.get(name) is not None and document[name] != ""), None)


def _number(value: Any) -> Any:
    """Return a number that is written as a text; anything else as it is: the reader of messages says what it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _uid(value: Any) -> Any:
    return value.get("uid") if isinstance(value, Mapping) else value


def _limits(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {}
    found: dict[str, Any] = {}
    for ours, theirs in (("lower", "min"), ("upper", "max")):
        limit = _number(given.get(theirs))
        if limit is not None and limit != "":
            found[ours] = limit
            found[f"{ours}_inclusive"] = _OPEN_ENDS.get(str(given.get(f"{theirs}_operator")), True)
    return found


def _is_date_only(value: Any) -> bool:
    """Return whether a time has only the resolution of a day: it says nothing of when the sample was drawn."""
    return isinstance(value, str) and _DAY.fullmatch(value.strip()) is not None
