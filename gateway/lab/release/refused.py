"""What refused messages ask for: those about a lot's results, and those about its product's specification. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.lab.phrases import LabPhrase, lab_phrase
from gateway.lab.refused_specifications import RefusedOfProduct, is_in_question
from gateway.lab.release.assessment import FAILURES, Assessment, Subject, points_of
from gateway.lab.release.basis import InForce, drawn_ns, named_of, scoped_judgement
from gateway.lab.release.lot_knowledge import LotKnowledge, RefusedResult, Relation, ResultOnRecord, result_key
from gateway.lab.release.open_points import Finding, OpenPoint, for_review, open_and_settled
from gateway.lab.release.result_findings import earlier_version, judged_findings, names_in
from gateway.lab.release.results import awaited_order
from gateway.records.laboratory import LabResult, Recommendation
from gateway.records.verdicts import Reason


def by_refused_messages(lot: LotKnowledge, in_force: InForce) -> Iterator[Assessment]:
    """Return what the refused messages ask for that name a lot, its samples, its order or its equipment."""
    return (_message(lot, message, in_force) for message in lot.refused)


def _message(lot: LotKnowledge, message: RefusedResult, in_force: InForce) -> Assessment:
    findings = _findings(lot, message, in_force)
    subject = f"{Subject.REFUSED} {message.dead_letter_id}"
    refused = Assessment(
        material_lot_id=lot.lot,
        subject=subject,
        kind=Subject.REFUSED,
        **points_of(lot, subject, findings),
        failed=any(finding.asks is Recommendation.HOLD or finding.code in FAILURES for finding in findings),
        sample_id=message.sample_id,
        test_id=message.test_id,
        at_ns=message.at_ns,
    )
    if message.result is None:
        return refused
    result, record = message.result, _as_record(message, message.result)
    return replace(
        refused,
        source=result.source,
        result_version=result.result_version,
        analyte=result.analyte,
        products=named_of(lot.context, record)[0],
        own_product=result.material_definition_id,
        own_client=result.client_id,
        awaited_order_id=awaited_order(lot, result),
        at_ns=drawn_ns(record),
    )


def _findings(lot: LotKnowledge, message: RefusedResult, in_force: InForce) -> tuple[Finding, ...]:
    """Return what a refused message asks for; two messages that contradict each other weigh more than an unread one."""
    if message.result is not None:
        return _contradiction(lot, message, message.result, in_force)
    sentence = {
        "variant": ABOUT[bool(message.test_id), bool(message.sample_id)],
        "test": message.test_id,
        "sample": message.sample_id,
        "reason": _why(message.reasons),
    }
    codes = [reason.code for reason in message.reasons]
    if "RESULT_VERSION_CONFLICT" in codes:
        return (for_review(OpenPoint.RESULT_CONTRADICTED, sentence, dead_letter_id=message.dead_letter_id),)
    return (for_review(OpenPoint.MESSAGE_REFUSED, sentence, dead_letter_id=message.dead_letter_id, codes=codes),)


ABOUT = {  # whether a message names a test, and a sample
    (True, True): "of_test_and_sample",
    (True, False): "of_test",
    (False, True): "of_sample",
    (False, False): "of_lot",
}


def _why(reasons: tuple[Reason, ...]) -> str:
    return reasons[0].text if reasons else lab_phrase(LabPhrase.SEE_DEAD_LETTER)


def _contradiction(
    lot: LotKnowledge, message: RefusedResult, result: LabResult, in_force: InForce
) -> tuple[Finding, ...]:
    """Return that two messages of a version contradict each other; a hold, where the refused one would be a hold."""
    judged = scoped_judgement(lot.context, _as_record(message, result), in_force)
    finding = for_review(
        OpenPoint.RESULT_CONTRADICTED,
        {**names_in(result), "variant": "came_twice", "value": result.value_text},
        analyte=result.analyte,
        sample_id=result.sample_id,
        dead_letter_id=message.dead_letter_id,
    )
    if not message.superseded:
        return (finding, *judged_findings(judged, result, only_hold=True))
    current = (record.result for record in lot.results if record.current)
    stands = next((other for other in current if result_key(other) == result_key(result)), None)
    return (finding, *(() if stands is None else earlier_version(result, judged, stands)))


def _as_record(message: RefusedResult, result: LabResult) -> ResultOnRecord:
    return ResultOnRecord(
        result=result,
        arrived_ns=message.at_ns,
        current=True,
        relation=Relation.STATED,
        order_products=message.order_products,
    )


def by_refused_specifications(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return what refused messages about its product ask for a lot; a person settles each once, for all of its lots."""
    if not lot.of_product:
        return
    speaking = [record for record in lot.results if record.current and record.relation is not Relation.POSSIBLE]
    named = [named_of(lot.context, record) for record in speaking]
    products = {*lot.context.products, *(product for products, _clients in named for product in products)}
    clients = {client for _products, clients in named for client in clients}
    measured = [(record.result.analyte, drawn_ns(record)) for record in speaking]
    for message in lot.of_product:
        if is_in_question(message, products=products, clients=clients, measured=measured):
            yield _specification(lot, message)


def _specification(lot: LotKnowledge, message: RefusedOfProduct) -> Assessment:
    about = message.about
    code, variant = OpenPoint.MESSAGE_REFUSED, "of_product"
    if about.states_limits:
        code = OpenPoint.SPECIFICATION_REFUSED
        variant = "without_version" if about.version is None else "of_version"
    finding = for_review(
        code,
        {
            "variant": variant,
            "test": about.analyte or lab_phrase(LabPhrase.A_TEST),
            "product_named": about.product or lab_phrase(LabPhrase.A_PRODUCT),
            "reason": _why(message.reasons),
        },
        dead_letter_id=message.dead_letter_id,
        codes=[reason.code for reason in message.reasons],
        product=about.product,
        analyte=about.analyte,
        version=about.version,
    )
    subject = f"{Subject.SPECIFICATION} {message.dead_letter_id}"
    points = open_and_settled((finding,), lot.settled, lot="", subject=subject, evidence={})
    return Assessment(material_lot_id=lot.lot, subject=subject, kind=Subject.SPECIFICATION, **points)
