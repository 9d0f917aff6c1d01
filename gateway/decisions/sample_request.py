"""A lot has ended: which tests are requested of the laboratory, how urgently, and why. Pure."""

import math
from statistics import NormalDist, fmean, stdev

from gateway.advice.publication import sample_request_message
from gateway.contract.identity import identity_of
from gateway.decision import Decision, RequestedTest, SampleRequested
from gateway.events import FollowUpDue
from gateway.facts.sample_request import SampleRequestFacts
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.sampling import LotSigns, Priority, TestRisk, Waiting, due_ns, in_order, risk_of, together
from gateway.lab.specifications import action_limits, has_limits
from gateway.records.laboratory import Specification
from gateway.records.outgoing import AuditEntry
from gateway.records.prediction import Prediction
from gateway.time_units import SECOND_NS

_FEWEST_LOTS = 5  # in control, to say what is usual


def on_sample_request(event: FollowUpDue, facts: SampleRequestFacts) -> Decision:
    """Return the request for a lot's samples; nothing where no test of its product is known, or all are measured."""
    known, line, lot = facts.sampling, facts.line, event.follow_up.subject
    product = facts.context.material_definition_id
    risks = [risk_of(_signs(analyte, event, facts)) for analyte in known.analytes if analyte not in known.measured]
    if not risks:
        return Decision()
    risks.sort(key=lambda risk: (-risk.probability, risk.analyte))
    own = Waiting(
        subject=lot,
        probability=together(risk.probability for risk in risks),
        since_ns=event.at_ns,
        tests={risk.analyte: risk.probability for risk in risks},
    )
    queue = in_order([*known.queue, own], at_ns=event.at_ns)
    position = 1 + next(at for at, waiting in enumerate(queue) if waiting.subject == lot)
    tests = tuple(_requested_test(risk, facts) for risk in risks)
    requested = SampleRequested(
        request_id=identity_of("sample-request", event.event_id),
        material_lot_id=lot,
        job_order_id=facts.context.job_order_id,
        product=product,
        equipment_id=facts.context.equipment_id,
        tests=tests,
        waiting=own,
        position=position,
        due_ns=due_ns(position, Priority(tests[0].priority), at_ns=event.at_ns, tests_per_hour=line.tests_per_hour),
    )
    audit = AuditEntry(
        kind="sample_requested",
        subject=lot,
        scope=facts.context.scope,
        body={"request": requested.request_id, "probability": own.probability, "position": position,
              "tests": [test.analyte for test in tests]},
    )  # fmt: skip
    message = sample_request_message(requested, line=line, cause=event.event_id, at_ns=event.at_ns)
    return Decision(records=(requested,), audit=(audit,), messages=(message,))


def _requested_test(risk: TestRisk, facts: SampleRequestFacts) -> RequestedTest:
    named = facts.line.lab_tests.get(risk.analyte, (risk.analyte, risk.analyte))
    return RequestedTest(
        analyte=risk.analyte,
        test_id=named[0],
        test_name=named[1],
        priority=risk.priority.value,
        reason=" ".join(risk.reasons[:3]),
        probability=risk.probability,
    )


def _signs(analyte: str, event: FollowUpDue, facts: SampleRequestFacts) -> LotSigns:
    known, context = facts.sampling, facts.context
    held = facts.specifications.in_force(
        analyte, event.at_ns, product=context.material_definition_id, client_id=context.client_id
    )
    prediction = next((prediction for prediction in known.predictions if prediction.analyte == analyte), None)
    novelty, tag = _novelty(known.fingerprint, known.references)
    tested = known.tested.get(analyte, (0, 0, None))
    hours = None if tested[2] is None else (event.at_ns - tested[2]) / (3600 * SECOND_NS)
    return LotSigns(
        analyte=analyte,
        failed=min(tested[0], tested[1]),
        tested=tested[1],
        predicted=None if prediction is None or not held else _failing(prediction, held[0]),
        novelty=novelty,
        novel_tag=tag,
        new_suppliers=known.new_suppliers,
        materials=tuple(material for material in known.materials if material.tested),
        hours_since_sample=hours,
        out_of_trend=analyte in known.out_of_trend,
    )


def _failing(prediction: Prediction, specification: Specification) -> float | None:
    """Return the probability of failure of a prediction: as predicted, else from its interval, for a normal error."""
    if prediction.probability is not None:
        return prediction.probability
    if prediction.value is None or prediction.low is None or prediction.high is None or not has_limits(specification):
        return None
    width = (prediction.high - prediction.low) / 2
    sigma = width / NormalDist().inv_cdf((1 + prediction.coverage) / 2)
    if not sigma > 0 or not math.isfinite(sigma):
        return None
    error, limits = NormalDist(prediction.value, sigma), action_limits(specification)
    below = 0.0 if limits.lower is None else error.cdf(limits.lower)
    above = 0.0 if limits.upper is None else 1.0 - error.cdf(limits.upper)
    return min(below + above, 1.0)


def _novelty(own: Fingerprint | None, references: tuple[Fingerprint, ...]) -> tuple[float | None, str | None]:
    """Return by how many sigmas the most unusual tag lies from the product's lots in control, and which it is."""
    if own is None:
        return None, None
    distances = []
    for tag, value in own.values.items():
        others = [lot.values[tag] for lot in references if tag in lot.values]
        if len(others) >= _FEWEST_LOTS and stdev(others) > 0:
            distances.append((abs(value - fmean(others)) / stdev(others), tag))
    return max(distances, default=(None, None))
