"""A result in words against a specification's lists: accepted, rejected, or for a person. Pure.

Only whole texts count (``contract.lims.qualitative.folded``); the amount of the sample may stand behind them, where
a text is rejected anyway, or where it is the amount that the specification's unit counts by. Two kinds of words need no
list: that a test failed is out of any specification, and more colonies than can be counted are above any upper limit.
"""

from gateway.contract.lims.numbers import number_text
from gateway.contract.lims.qualitative import FAILED, UNCOUNTABLE, folded, sample_of, without_sample
from gateway.lab.conformity_reasons import ConformityReason, OutOfSpecification, reason_of
from gateway.lab.phrases import listed
from gateway.lab.units import converted, is_absent
from gateway.records.laboratory import LabResult, Recommendation, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text

Judged = tuple[Recommendation, Reason]


def judged_by_text(result: LabResult, specification: Specification) -> Judged | None:
    """Return what a result recommends by its words, or None where no list and no known word speaks of them."""
    text = folded(result.value_text)
    finding, sample = without_sample(text)
    rejects, accepts = _folded(specification.rejects), _folded(specification.accepts)
    if text in rejects:
        return Recommendation.HOLD, _out_of_specification(result, specification, OutOfSpecification.TEXT_REJECTED)
    if text in accepts or (finding in accepts and sample is not None and sample == sample_of(specification.unit)):
        return _accepted(result, specification)
    if finding in rejects:  # in whatever amount
        return Recommendation.HOLD, _out_of_specification(result, specification, OutOfSpecification.TEXT_REJECTED)
    if text in FAILED:
        return Recommendation.HOLD, _out_of_specification(result, specification, OutOfSpecification.TEXT_FAILED)
    if text in UNCOUNTABLE and specification.upper is not None:
        return Recommendation.HOLD, _out_of_specification(result, specification, OutOfSpecification.TEXT_UNCOUNTABLE)
    return None


def not_understood(result: LabResult, specification: Specification) -> Judged:
    """Return the review of a result that says neither a number nor a known word."""
    if not specification.accepts and not specification.rejects:
        return Recommendation.REVIEW, reason_of(ConformityReason.VALUE_UNKNOWN, result)
    return Recommendation.REVIEW, _of_lists(ConformityReason.TEXT_UNKNOWN, result, specification)


def without_limits(result: LabResult, specification: Specification) -> Judged:
    """Return the review of a number where the specification only accepts texts."""
    return Recommendation.REVIEW, _of_lists(ConformityReason.NUMBER_UNEXPECTED, result, specification)


def texts_differ(first: Specification, second: Specification) -> bool:
    """Return whether two specifications state lists of texts that are not the same."""
    stated = [(_folded(specification.accepts), _folded(specification.rejects)) for specification in (first, second)]
    return all(any(lists) for lists in stated) and stated[0] != stated[1]


def _folded(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(folded(text) for text in texts)


def _accepted(result: LabResult, specification: Specification) -> Judged:
    """Return the release of an accepted text, unless it was measured in another unit: absent in 1 g, not in 25 g."""
    unit, target_unit = result.unit, specification.unit
    if not is_absent(unit) and not is_absent(target_unit) and converted(1.0, unit, target_unit) != 1.0:
        mismatch = reason_of(ConformityReason.UNIT_MISMATCH, result, unit_found=unit, unit_wanted=target_unit)
        return Recommendation.REVIEW, mismatch
    return Recommendation.RELEASE, reason_of(ConformityReason.TEXT_ACCEPTED, result)


def _out_of_specification(result: LabResult, specification: Specification, variant: OutOfSpecification) -> Reason:
    upper = specification.upper
    return reason_of(
        ConformityReason.OUT_OF_SPECIFICATION,
        result,
        variant=variant,
        value_text=result.value_text,
        accepts=list(specification.accepts),
        limit_text="" if upper is None else number_in_text(number_text(upper)),
        unit=f" {specification.unit}" if specification.unit else "",
    )


def _of_lists(judgement: ConformityReason, result: LabResult, specification: Specification) -> Reason:
    return reason_of(
        judgement,
        result,
        accepts=listed(specification.accepts),
        rejects=listed(specification.rejects),
    )
