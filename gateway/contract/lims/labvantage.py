"""LabVantage-like: a sample with its data items, one result each. Pure.

Fields as such systems name them in their data items; sites differ, and where they do, a mapping by paths says it. What
was entered and what is displayed must say the same, but that the display may be rounded: a limit stays a limit.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.json_documents import as_text, echo, fields_text
from gateway.contract.lims.canonical import Agreed, Canonical, Document, not_read
from gateway.contract.lims.names import folded, spoken
from gateway.contract.lims.result_fields import blank
from gateway.contract.lims.statuses import WITHDRAWN, status_of
from gateway.contract.lims.written_values import WrittenValue, says_the_same, written_value
from gateway.contract.refusals import Refusal, RefusalText, refusal, refusal_text
from gateway.records.verdicts import Reason

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
LOT_NAMES = frozenset(folded(name) for name in _OF_SAMPLE["material_lot_id"])
SAMPLE_NAMES = frozenset(folded(name) for name in _OF_SAMPLE["sample_id"])
_OF_ITEM: Mapping[str, tuple[str, ...]] = {
    "test_id": ("paramid",),
    "analysed_at": ("enteredon", "modifieddt"),
    "analyst": ("enteredby",),
    "instrument_id": ("instrumentid",),
    "method_id": ("paramlistid",),
    "qualifier": ("enteredoperator", "displayoperator", "operator"),
}
_VALUES = ("displayvalue", "enteredtext", "transformvalue", "displayunits", "enteredunits")
_STATES = ("s_datasetstatus", "datasetstatus", "status")
_SAMPLE_STATES = ("samplestatus", "s_samplestatus", "status")
_METHOD = ("paramlistid", "paramlistversionid", "variantid", "paramtype")  # the same parameter by two methods is two
_READ_OF_SAMPLE = frozenset({name for names in _OF_SAMPLE.values() for name in names} | {"dataitems", *_SAMPLE_STATES})
_READ_OF_ITEM = frozenset(
    {name for names in _OF_ITEM.values() for name in names}
    | {*_VALUES, *_STATES, *_METHOD, "releasedflag", "dataset", "replicateid"}
)
_YES = frozenset({"y", "yes", "true", "1"})
_HALF = 0.5 * (1 + 1e-9)  # of the last decimal, and what binary fractions lose
_POWER = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_DATASETS = 1000  # replicates of one data set, at most
_MOST_REPLICATES = 2**31 - 2
_LONGEST_WHOLE = 9


def split(document: Document) -> Sequence[Document]:
    """Return the sample with one data item each."""
    items = document.get("dataitems")
    if not isinstance(items, list) or not items:
        return (document,)
    return [{**document, "dataitems": [item]} for item in items]


def canonical(document: Document, agreed: Agreed) -> Canonical:
    """Return the canonical message of a sample with one data item."""
    items = document.get("dataitems")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], Mapping) else document
    message = {
        field: value
        for names, source in ((_OF_SAMPLE, document), (_OF_ITEM, item))
        for field, spellings in names.items()
        if (value := _first(source, spellings)) is not None
    }
    lots = [document[name] for name in _OF_SAMPLE["material_lot_id"] if not blank(document.get(name))]
    if len(lots) > 1:
        message["material_lot_id"] = lots
    value, unit, reasons = _value(item, agreed)
    message |= {name: read for name, read in (("value", value), ("unit", unit)) if read is not None}
    message["replicate"] = _replicate(item)
    states = {name: item[name] for name in _STATES if not blank(item.get(name))}
    if len({status_of(state) or echo(state) for state in states.values()}) > 1:
        text = refusal_text(RefusalText.CONTRADICTS, fields=fields_text(states.items()))
        reasons = (*reasons, refusal(Refusal.CONTRADICTS, text, field="status"))
    status = _status(document, item)
    if status is not None:
        message["status"] = status
    of_item = _READ_OF_ITEM if item is not document else _READ_OF_ITEM | _READ_OF_SAMPLE
    levels = [not_read(item, names=of_item, ours=(), ignore=agreed.ignore)]
    if item is not document:
        levels.append(not_read(document, names=_READ_OF_SAMPLE, ours=(), ignore=agreed.ignore))
    return Canonical(
        document=message,
        reasons=(*reasons, *(reason for near, _unused in levels for reason in near)),
        unused=tuple(name for _near, unused in levels for name in unused),
    )


def _first(document: Document, names: Sequence[str]) -> Any:
    return next((document[name] for name in names if not blank(document.get(name))), None)


def _status(document: Document, item: Document) -> Any:
    """Return the word for the data item's state, or None where it has none.

    A released item is released unless its state says that it was withdrawn, or says something that is not known; one of
    a withdrawn sample was withdrawn.
    """
    sample_state = _first(document, _SAMPLE_STATES) if item is not document else None
    if status_of(sample_state) in WITHDRAWN:
        return "rejected"
    state = _first(item, _STATES)
    released = spoken(str(as_text(item.get("releasedflag", "")))) in _YES
    if released and (state is None or status_of(state) not in {*WITHDRAWN, None}):
        return "released"
    return state


def _value(item: Document, agreed: Agreed) -> tuple[Any, Any, tuple[Reason, ...]]:
    """Return (value, the unit that it is in, what contradicts it): as displayed, else as entered."""
    displayed, entered = _first(item, ("displayvalue",)), _first(item, ("enteredtext", "transformvalue"))
    units = {name: _first(item, (name,)) for name in ("displayunits", "enteredunits")}
    if displayed is None:
        both = units["displayunits"] and units["enteredunits"]
        unit = units["enteredunits"] if both else units["enteredunits"] or units["displayunits"]
        return entered, unit, _transformed_otherwise(item, agreed)
    unit = units["displayunits"] or (units["enteredunits"] if entered is None else None)
    if entered is None:
        return displayed, unit, ()
    same_unit = None in units.values() or spoken(str(units["displayunits"])) == spoken(str(units["enteredunits"]))
    shown, typed = _written(displayed, units["displayunits"], agreed), _written(entered, units["enteredunits"], agreed)
    if shown is None:
        return displayed, unit, ()  # the reader of results says why
    if typed is None or not _agree(shown, typed, displayed, entered, same_unit=same_unit):
        text = refusal_text(RefusalText.ENTERED_AND_DISPLAYED, entered=echo(entered), displayed=echo(displayed))
        return displayed, unit, (refusal(Refusal.CONTRADICTS, text, field="value"),)
    if typed.qualifier and not shown.qualifier:
        return f"{typed.qualifier}{echo(displayed)}", unit, ()
    return displayed, unit, ()


def _transformed_otherwise(item: Document, agreed: Agreed) -> tuple[Reason, ...]:
    """Return the contradiction between the entered and the transformed value, if no value is displayed."""
    entered, transformed = _first(item, ("enteredtext",)), _first(item, ("transformvalue",))
    typed, made = (None if text is None else _written(text, None, agreed) for text in (entered, transformed))
    if (
        entered is None
        or transformed is None
        or (typed is not None and made is not None and says_the_same(typed, made))
    ):
        return ()
    text = refusal_text(RefusalText.ENTERED_AND_BECAME, entered=echo(entered), transformed=echo(transformed))
    return (refusal(Refusal.CONTRADICTS, text, field="value"),)


def _agree(shown: WrittenValue, typed: WrittenValue, displayed: Any, entered: Any, *, same_unit: bool) -> bool:
    """Return whether the displayed value is the entered one, rounded at most."""
    if shown.words or typed.words:
        return spoken(str(displayed)) == spoken(str(entered))
    if shown.qualifier and shown.qualifier != typed.qualifier:
        return False
    if not same_unit or shown.number is None or typed.number is None:
        return True
    return abs(shown.number - typed.number) <= _HALF * 10.0 ** -_decimals(str(displayed))


def _decimals(text: str) -> int:
    """Return how many decimals a number is displayed with; a small power of ten has as many as it needs."""
    mantissa, _e, power = text.lower().replace(",", ".").partition("e")
    before, point, after = mantissa.rpartition(".")
    exponent = int(power) if _POWER.fullmatch(power) else 0
    return (len(after) if point and before else 0) - exponent


def _written(value: Any, unit: Any, agreed: Agreed) -> WrittenValue | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return WrittenValue(number=float(value))
    if not isinstance(value, str):
        return None
    return written_value(value, decimal_comma=agreed.decimal_comma, unit=unit if isinstance(unit, str) else None)


def _replicate(item: Document) -> Any:
    """Return which determination it is: by another method, or a data set taken again, is another one, no version."""
    dataset, replicate = (_whole(item.get(name, 1)) for name in ("dataset", "replicateid"))
    if not isinstance(dataset, int):
        return dataset
    if not isinstance(replicate, int):
        return replicate
    method = [str(item[name]) for name in _METHOD if item.get(name) is not None]
    if method or not 0 < replicate < _DATASETS:
        own = identity_of("labvantage", *method, dataset, replicate)
        return 1 + int(own.replace("-", ""), 16) % _MOST_REPLICATES
    return (dataset - 1) * _DATASETS + replicate


def _whole(value: Any) -> Any:
    """Return a whole number that is written as a text; anything else as it is: the reader of results says why."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST_WHOLE:
        return int(value)
    return value
