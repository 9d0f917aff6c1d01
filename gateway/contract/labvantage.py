"""LabVantage-like: a sample with its data items, one result each. Pure.

Fields as such systems name them in their data items; sites differ, and where they do, a mapping by paths says it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract.identity import identity_of

Document = Mapping[str, Any]

_OF_SAMPLE: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("sampleid", "s_sampleid", "keyid1"),
    "material_lot_id": ("batchid", "lotid"),
    "material_definition_id": ("productid",),
    "sampled_at": ("collectiondt", "sampledt"),
    "received_at": ("receiveddt",),
    "job_order_id": ("workorderid",),
    "client_id": ("clientid",),
    "study_id": ("studyid",),
}
LOT_NAMES = frozenset(_OF_SAMPLE["material_lot_id"])
SAMPLE_NAMES = frozenset(_OF_SAMPLE["sample_id"])
_OF_ITEM: Mapping[str, tuple[str, ...]] = {
    "test_id": ("paramid",),
    "analysed_at": ("enteredon", "modifieddt"),
    "analyst": ("enteredby",),
    "instrument_id": ("instrumentid",),
    "method_id": ("paramlistid",),
}
_STATES = {"initial": "entered", "dataentered": "entered", "completed": "validated", "released": "approved",
           "cancelled": "rejected", "rejected": "rejected", "superseded": "superseded"}  # fmt: skip
_WITHDRAWN = ("rejected", "superseded")
_METHOD = ("paramlistid", "paramlistversionid", "variantid", "paramtype")  # the same parameter by two methods is two
_DATASETS = 1000  # replicates of one data set, at most
_MOST_REPLICATES = 2**31 - 2


def split(document: Document) -> Sequence[Document]:
    """Return the sample with one data item each."""
    items = document.get("dataitems")
    if not isinstance(items, list) or not items:
        return (document,)
    return [{**document, "dataitems": [item]} for item in items]


def canonical(document: Document) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return (the canonical message of a sample with one data item, flags)."""
    items = document.get("dataitems")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], Mapping) else document
    found = {
        field: value
        for names, source in ((_OF_SAMPLE, document), (_OF_ITEM, item))
        for field, each in names.items()
        if (value := _first(source, each)) is not None
    }
    value, unit = _value(item)
    found |= {name: each for name, each in (("value", value), ("unit", unit)) if each is not None}
    found["replicate"] = _replicate(item)
    state = str(item.get("s_datasetstatus", item.get("status", ""))).replace(" ", "").lower()
    if item.get("releasedflag") == "Y" and _STATES.get(state) not in _WITHDRAWN:
        state = "released"
    if state:
        found["status"] = _STATES.get(state, state)
    return found, ()


def _first(document: Document, names: Sequence[str]) -> Any:
    return next((document[name] for name in names if document.get(name) is not None and document[name] != ""), None)


def _value(item: Document) -> tuple[Any, Any]:
    """Return a value with the unit that it is in: as displayed, else as entered."""
    displayed, entered = _first(item, ("displayvalue",)), _first(item, ("enteredtext", "transformvalue"))
    units = {name: _first(item, (name,)) for name in ("displayunits", "enteredunits")}
    if displayed is not None:
        return displayed, units["displayunits"] or (units["enteredunits"] if entered is None else None)
    if units["displayunits"] and units["enteredunits"]:
        return entered, units["enteredunits"]
    return entered, units["enteredunits"] or units["displayunits"]


def _replicate(item: Document) -> Any:
    """Return which determination it is: by another method, or a data set taken again, is another one, no version."""
    dataset, replicate = (_whole(item.get(name, 1)) for name in ("dataset", "replicateid"))
    if not isinstance(dataset, int) or not isinstance(replicate, int):
        return replicate
    method = [str(item[name]) for name in _METHOD if item.get(name) is not None]
    if method or not 0 < replicate < _DATASETS:
        own = identity_of("labvantage", *method, dataset, replicate)
        return 1 + int(own.replace("-", ""), 16) % _MOST_REPLICATES
    return (dataset - 1) * _DATASETS + replicate


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value
