"""What can speak against a result: one function for each finding. Pure."""

from gateway.lab.disposition import FOR_A_PERSON, WITHDRAWN, Judged
from gateway.lab.release.basis import Basis
from gateway.lab.release.lot_knowledge import LotContext, result_key
from gateway.lab.release.open_points import Finding, OpenPoint, for_review
from gateway.records.laboratory import LabResult, Recommendation

# such a version may have been a failure: its correction alone settles nothing (21 CFR 211.192)
_UNREADABLE = frozenset({"VALUE_UNKNOWN", "TEXT_UNKNOWN", "UNIT_MISMATCH"})


def judged_findings(judged: Judged, result: LabResult, *, only_hold: bool = False) -> tuple[Finding, ...]:
    """Return what a result asks for by its value; ``only_hold``: only where that is a hold."""
    if judged.recommendation not in FOR_A_PERSON:
        return ()
    if only_hold and (judged.recommendation is not Recommendation.HOLD or result.status in WITHDRAWN):
        return ()
    return tuple(Finding(reason.code, judged.recommendation, reason) for reason in judged.reasons)


def names_in(result: LabResult) -> dict[str, object]:
    """Return what a person calls a result in a sentence: its test and its sample."""
    return {"test": result.test_id, "sample": result.sample_id}


def _why(result: LabResult, judged: Judged) -> str:
    return result.unread[0].text if result.unread else judged.reasons[0].text


def earlier_version(result: LabResult, judged: Judged, stands: LabResult | None) -> tuple[Finding, ...]:
    """Return what an earlier version asks for; ``stands``: what has taken its place, None where that left the lot."""
    names = names_in(result)
    if stands is None:
        finding = for_review(OpenPoint.RESULT_LEFT_LOT, names, analyte=result.analyte, sample_id=result.sample_id)
        return (finding,)
    if result.control_id is not None:
        return ()
    sentence = {**names, "version": result.result_version, "reason": _why(result, judged)}
    if result.unread or not _UNREADABLE.isdisjoint(reason.code for reason in judged.reasons):
        return (
            for_review(
                OpenPoint.EARLIER_VERSION_UNREAD, sentence, analyte=result.analyte, sample_id=result.sample_id,
                corrected_to=stands.value_text, corrected_in_version=stands.result_version,
            ),
        )  # fmt: skip
    if judged.recommendation is not Recommendation.HOLD:
        return ()
    return (
        for_review(
            OpenPoint.EARLIER_VERSION_FAILED, sentence, analyte=result.analyte, sample_id=result.sample_id,
            result_version=result.result_version, value=result.value_text, corrected_to=stands.value_text,
            corrected_in_version=stands.result_version,
        ),
    )  # fmt: skip


def unread(result: LabResult) -> Finding:
    """Return that a result could not be read."""
    more = len(result.unread) - 1
    variant = "several_fields" if more else "one_field"
    return for_review(
        OpenPoint.RESULT_UNREAD,
        {**names_in(result), "variant": variant, "first": result.unread[0].text, "more": more},
        analyte=result.analyte,
        sample_id=result.sample_id,
        codes=[reason.code for reason in result.unread],
        unread=[dict(reason.parameters) for reason in result.unread],
    )


def withdrawn(result: LabResult) -> Finding:
    """Return that the laboratory took a result back."""
    status = result.status.value
    sentence = {**names_in(result), "variant": status}
    return for_review(OpenPoint.RESULT_WITHDRAWN, sentence, analyte=result.analyte, status=status)


def control_with_lot(result: LabResult) -> Finding:
    """Return that the result of a control names a lot."""
    names = names_in(result)
    return for_review(OpenPoint.CONTROL_WITH_LOT, names, analyte=result.analyte, control_id=result.control_id)


def without_lot(result: LabResult, judged: Judged) -> Finding:
    """Return that a result names no lot and may be of this one."""
    sentence = {**names_in(result), "reason": _why(result, judged)}
    codes = [reason.code for reason in (result.unread or judged.reasons)]
    return for_review(
        OpenPoint.RESULT_WITHOUT_LOT, sentence, analyte=result.analyte, sample_id=result.sample_id, codes=codes
    )


def tested_again(result: LabResult, judged: Judged) -> Finding:
    """Return that a result that was out has been tested again."""
    sentence = {"reason": judged.reasons[0].text}
    return for_review(OpenPoint.RETESTED, sentence, analyte=result.analyte, sample_id=result.sample_id)


def repeats_another(result: LabResult, standing: tuple[LabResult, ...]) -> Finding:
    """Return that a result is a retest: of a result of this lot, or of one that is not on record."""
    known = any(
        result.retest_of in {other.sample_id, other.foreign_id} and other.analyte == result.analyte
        for other in standing
        if result_key(other) != result_key(result)
    )
    code = OpenPoint.RETEST if known else OpenPoint.RETEST_WITHOUT_ORIGINAL
    return for_review(code, names_in(result), analyte=result.analyte, retest_of=result.retest_of)


def scope_contradicted(result: LabResult, context: LotContext, basis: Basis) -> tuple[Finding, ...]:
    """Return that a result and its lot name different products or clients; those of the lot alone are another point."""
    named = {"product": basis.products, "client": basis.clients}
    besides = {
        "product": set(basis.products) - set(context.products),
        "client": set(basis.clients) - {context.client_id},
    }
    return tuple(
        for_review(
            OpenPoint.CONTEXT_CONTRADICTED,
            {**names_in(result), "variant": f"of_{field}", "values": ", ".join(named[field])},
            field=field,
            names=list(named[field]),
        )
        for field, others in besides.items()
        if others and len(named[field]) > 1
    )
