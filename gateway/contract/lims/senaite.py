"""SENAITE: an analysis as its JSON API gives it, in full form or as a search finds it, alone, listed or in its sample.

A result is a string; a detection limit has its operand in a field of its own, and beyond the detection limits there is
no number. A correction retracts the analysis, and a new one, with a uid of its own, names it as what it is a retest of.
The uid is part of a result's identity here: it makes the ``replicate``, so that an analysis and its retest are two
results and not two versions of one. Where a sample was withdrawn, each of its analyses was.

An analysis of a reference sample (a control or a blank on a worksheet) stands under that sample; those of one reference
sample on one worksheet share the id of a group: the run. A duplicate of an analysis is the laboratory's own control.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.json_documents import echo, fields_text
from gateway.contract.lims.canonical import Agreed, Canonical, Document, not_read
from gateway.contract.lims.comparators import comparator
from gateway.contract.lims.names import folded, normalised
from gateway.contract.lims.result_fields import blank, unmapped
from gateway.contract.lims.statuses import WITHDRAWN, status_of
from gateway.contract.lims.written_numbers import written_number
from gateway.contract.lims.written_values import BEYOND_DETECTION_LIMIT, written_value
from gateway.contract.refusals import Refusal, RefusalText, refusal, refusal_text
from gateway.records.verdicts import Reason

# our field: groups of names in the full form and in the catalogue; those of one group must agree, the first group
# that is present counts
_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "sample_id": (("getRequestID", "RequestID"), ("parent_id",)),
    "test_id": (("Keyword", "getKeyword"),),
    "value": (("Result", "getResult"),),
    "unit": (("Unit", "getUnit"),),
    "qualifier": (("DetectionLimitOperand", "getDetectionLimitOperand"),),
    "sampled_at": (("DateSampled", "getDateSampled"),),
    "received_at": (("DateReceived", "getDateReceived"),),
    "analysed_at": (("ResultCaptureDate", "getResultCaptureDate"),),
    "analyst": (("SubmittedBy", "getSubmittedBy"),),
    "method_id": (("MethodTitle", "getMethodTitle"),),
    "lod": (("LowerDetectionLimit", "getLowerDetectionLimit"),),
    "material_lot_id": (("BatchID", "getBatchID"), ("ClientReference", "getClientReference")),
    "material_definition_id": (("SampleTypeTitle", "getSampleTypeTitle"),),
    "client_id": (("ClientID", "getClientID"),),
}
_UPPER_LIMIT = ("UpperDetectionLimit", "getUpperDetectionLimit")
_OPTIONS = ("ResultOptions", "getResultOptions")
_RANGE = ("ResultsRange", "getResultsRange")
_RETEST = ("RetestOf", "getRetestOfUID")
_CONTROL_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "sample_id": (("parent_id",),),
    "control_id": (("parent_id",),),
    "run_id": (("ReferenceAnalysesGroupID", "getReferenceAnalysesGroupID"),),
    "material_lot_id": (),
}
_DUPLICATED = ("AnalysisUID", "getAnalysisUID", "Analysis", "getAnalysis")
_SAMPLE, _REFERENCE, _DUPLICATE = "analysisrequest", "referenceanalysis", "duplicateanalysis"
_ENVELOPE = frozenset(
    {"uid", "id", "title", "portal_type", "url", "path", "api_url", "parent_id", "review_state",
     "partial_listing", "sample_state", *_RANGE, *_UPPER_LIMIT, *_OPTIONS, *_RETEST, *_DUPLICATED,
     "ReferenceAnalysesGroupID", "getReferenceAnalysesGroupID", "ReferenceType", "getReferenceType"}
)  # fmt: skip
_READ = _ENVELOPE | {name for groups in _NAMES.values() for names in groups for name in names}
_OURS = frozenset({"specification"})  # the name of a sample's specification; the limits are in the results' range
LOT_NAMES = frozenset(folded(name) for names in _NAMES["material_lot_id"] for name in names)
SAMPLE_NAMES = frozenset(folded(name) for name in _NAMES["sample_id"][0])
_OPEN_ENDS = {"gt": False, "lt": False, "geq": True, "leq": True}
_MOST_REPLICATES = 2**31 - 2
SAMPLED_DATE_ONLY = "SAMPLED_DATE_ONLY"
DATE_ONLY = "DATE_ONLY"
PARTIAL_LISTING = "PARTIAL_LISTING"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00([.,]0+)?)?\s*([Zz]|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def split(document: Document) -> Sequence[Document]:
    """Return the analyses of a list reply, of a sample, or the one analysis itself."""
    items = document.get("items")
    if not isinstance(items, list):
        return list(_analyses(document)) or (document,)
    partial = {"partial_listing": True} if _is_partial(document, len(items)) else {}
    results = list[Document]()
    for item in items:
        if not isinstance(item, Mapping):
            results.append({"item": item, **partial})
            continue
        results += [{**analysis, **partial} for analysis in _analyses(item) or (item,)]
    return results


def canonical(document: Document, agreed: Agreed) -> Canonical:
    """Return the canonical message of one analysis, with its uid as the laboratory's own id of it."""
    reasons, flags = list[Reason](), list[str]()
    kind = folded(str(document.get("portal_type", "")))
    message = _fields(document, kind, reasons)
    uid = document.get("uid") if isinstance(document.get("uid"), str) else None
    if uid is not None:
        message["replicate"] = replicate_of(uid)
    if kind == _DUPLICATE:
        message["control_id"] = _duplicate(document)
        message.pop("material_lot_id", None)
    message["status"] = _status(document)
    retest_of = _uid(_first(document, _RETEST))
    if retest_of is not None:
        message["retest_of"] = retest_of
    limits = _limits(_first(document, _RANGE), reasons)
    if limits:
        message["specification"] = limits
    _choose_option(document, message, reasons)
    _hold_to_detection_limits(document, message, agreed, reasons, flags)
    if _is_date_only(message.get("sampled_at")):
        del message["sampled_at"]
        flags += [SAMPLED_DATE_ONLY, DATE_ONLY]
    if document.get("partial_listing") is True:
        flags.append(PARTIAL_LISTING)
    near, unused = not_read(document, names=_READ, ours=_OURS, ignore=agreed.ignore)
    return Canonical(
        document={name: value for name, value in message.items() if value is not None},
        flags=tuple(flags),
        foreign_id=uid,
        reasons=(*reasons, *near),
        unused=unused,
    )


def replicate_of(uid: str) -> int:
    """Return the number that distinguishes an analysis from others of the same test of the same sample."""
    return 1 + int(identity_of("senaite", uid).replace("-", ""), 16) % _MOST_REPLICATES


def _is_partial(document: Document, count: int) -> bool:
    """Return whether a list reply is followed by others: what it does not show is not known."""
    page, pages, total = (document.get(name) for name in ("page", "pages", "count"))
    if not blank(document.get("next")):
        return True
    if isinstance(page, int) and isinstance(pages, int):
        return page < pages
    return isinstance(total, int) and total > count


def _analyses(document: Document) -> list[Document]:
    """Return the analyses of a sample, each with what the sample says; none where it only names them, or is none."""
    analyses = document.get("Analyses")
    if folded(str(document.get("portal_type", ""))) != _SAMPLE or not isinstance(analyses, list):
        return []
    if not all(
        isinstance(analysis, Mapping) and _first(analysis, _NAMES["test_id"][0]) is not None for analysis in analyses
    ):
        return []
    shared = {name: document[name] for ours in ("sampled_at", "received_at", "material_lot_id",
                                                "material_definition_id", "client_id")
              for names in _NAMES[ours] for name in names if not blank(document.get(name))}  # fmt: skip
    own = {"getRequestID": _sample_id(document), "sample_state": document.get("review_state")}
    return [{**shared, **analysis, **own} for analysis in analyses]


def _sample_id(document: Document) -> Any:
    return _first(document, ("id", "getId", "title"))


def _fields(document: Document, kind: str, reasons: list[Reason]) -> dict[str, Any]:
    """Return our fields; of names that contradict each other the first counts, and the reason is noted."""
    names = {**_NAMES, **(_CONTROL_NAMES if kind == _REFERENCE else {})}
    message = dict[str, Any]()
    for ours, groups in names.items():
        for group in groups:
            present = [name for name in group if not blank(document.get(name))]
            if not present:
                continue
            message[ours] = document[present[0]]
            if len({normalised(str(document[name])) for name in present}) > 1:
                text = refusal_text(
                    RefusalText.CONTRADICTS, fields=fields_text((name, document[name]) for name in present)
                )
                reasons.append(refusal(Refusal.CONTRADICTS, text, field=ours, names=present))
            break
    if kind == _SAMPLE:
        message["sample_id"] = _sample_id(document)
    return message


def _status(document: Document) -> Any:
    """Return the laboratory's word for the analysis' state; where its sample was withdrawn, it was, too."""
    if status_of(document.get("sample_state")) in WITHDRAWN:
        return "rejected"
    return document.get("review_state")


def _duplicate(document: Document) -> str:
    original = _uid(_first(document, _DUPLICATED)) or _first(document, _NAMES["sample_id"][0]) or "an analysis"
    return f"duplicate of {echo(original)}"


def _choose_option(document: Document, message: dict[str, Any], reasons: list[Reason]) -> None:
    """Put the text of an option in the place of its code: the code is no number."""
    options = _first(document, _OPTIONS)
    if blank(options) or options == [] or "value" not in message:
        return
    texts = {
        normalised(str(option.get("ResultValue"))): option.get("ResultText")
        for option in (options if isinstance(options, list) else ())
        if isinstance(option, Mapping)
    }
    chosen = texts.get(normalised(str(message["value"])))
    if isinstance(chosen, str) and not blank(chosen):
        message["value"] = chosen
    elif normalised(str(message["value"])) not in {normalised(str(text)) for text in texts.values()}:
        reasons.append(unmapped("ResultOptions", options))


def _hold_to_detection_limits(
    document: Document, message: dict[str, Any], agreed: Agreed, reasons: list[Reason], flags: list[str]
) -> None:
    """Make a limit of a result beyond the analysis' detection limits; one that contradicts its operand is not read."""
    written = _written(message.get("value"), agreed)
    if written is None or written.number is None:
        return
    for limit, operand in ((message.get("lod"), "<"), (_first(document, _UPPER_LIMIT), ">")):
        at = _number(limit, agreed)
        if at is None and not blank(limit):
            text = refusal_text(RefusalText.NO_DETECTION_LIMIT, value=echo(limit))
            reasons.append(refusal(Refusal.NOT_A_NUMBER, text, field="value"))
        beyond = at is not None and (written.number < at if operand == "<" else written.number > at)
        if not beyond:
            continue
        stated = written.qualifier or comparator(str(message.get("qualifier", "")))
        if stated and stated != operand:
            shown = f"{stated}{echo(message['value'])}"
            text = refusal_text(RefusalText.BEYOND_DETECTION_LIMIT, result=shown, limit=at)
            reasons.append(refusal(Refusal.CONTRADICTS, text, field="value"))
            continue
        message["value"], message["qualifier"] = limit, operand
        flags.append(BEYOND_DETECTION_LIMIT)


def _written(value: Any, agreed: Agreed) -> Any:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return written_value(text, decimal_comma=agreed.decimal_comma) if isinstance(text, str) else None


def _number(value: Any, agreed: Agreed) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    written = written_number(value, decimal_comma=agreed.decimal_comma) if isinstance(value, str) else None
    return None if written is None else written.value


def _first(document: Document, names: Sequence[str]) -> Any:
    return next((document[name] for name in names if not blank(document.get(name))), None)


def _uid(value: Any) -> Any:
    return value.get("uid") if isinstance(value, Mapping) else value


def _limits(limits_sent: Any, reasons: list[Reason]) -> dict[str, Any]:
    """Return the limits in a range of results; note a value that is no range, or an unknown operator."""
    if not isinstance(limits_sent, Mapping):
        if not blank(limits_sent) and limits_sent != []:
            reasons.append(unmapped("ResultsRange", limits_sent))
        return {}
    limits: dict[str, Any] = {}
    for ours, theirs in (("lower", "min"), ("upper", "max")):
        operator = limits_sent.get(f"{theirs}_operator")
        if blank(limits_sent.get(theirs)):
            continue
        limits[ours] = limits_sent[theirs]
        limits[f"{ours}_inclusive"] = _OPEN_ENDS.get(str(operator), True)
        if not blank(operator) and str(operator) not in _OPEN_ENDS:
            reasons.append(unmapped(f"ResultsRange.{theirs}_operator", operator))
    return limits


def _is_date_only(value: Any) -> bool:
    """Return whether a time has only the resolution of a day: it says nothing of when the sample was drawn."""
    return isinstance(value, str) and _DAY.fullmatch(value.strip()) is not None
