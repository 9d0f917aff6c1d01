"""The rows of a certificate: which results count, what is printed, and whether it complies. Pure."""

from dataclasses import dataclass, replace
from fractions import Fraction

from gateway.contract.lims.names import name_key
from gateway.contract.lims.numbers import nearest
from gateway.lab.certificates.gaps import Gap, gap
from gateway.lab.certificates.reported_values import ReportedValue, mean_of, reported_value
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.in_force import differ, in_unit
from gateway.lab.release.basis import InForce, drawn_ns
from gateway.lab.release.lot_knowledge import Relation, ResultOnRecord
from gateway.lab.specifications import judge
from gateway.lab.units import is_missing
from gateway.line.certificates import Compared, Reported, RequiredTest, Requirement
from gateway.records.certificates import CertificateRow, CertifiedResult, Compliance
from gateway.records.laboratory import LabResult, Recommendation, ResultStatus, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text, unit_in_text

_FINAL = {
    ResultStatus.VALIDATED: frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED}),
    ResultStatus.APPROVED: frozenset({ResultStatus.APPROVED}),
}
_OF_JUDGEMENT = {
    Recommendation.RELEASE: Compliance.COMPLIES,
    Recommendation.HOLD: Compliance.FAILS,
}
_WORST_FIRST = (Compliance.FAILS, Compliance.UNDECIDED, Compliance.COMPLIES)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRow:
    """A row with its gaps."""

    row: CertificateRow
    gaps: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    """The limits of a row, in the unit that is printed, and whose they are."""

    specification: Specification | None
    stated_by: str | None
    gap: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """A result that counts, as it is printed, and how it stands to the limits."""

    record: ResultOnRecord
    reported: ReportedValue | None
    compliance: Compliance


def certificate_row(
    test: RequiredTest, requirement: Requirement, records: tuple[ResultOnRecord, ...], in_force: InForce, at_ns: int
) -> JudgedRow:
    """Return the row of a test.

    Args:
        test: what the customer wants to read.
        requirement: the requirement that it is of.
        records: all versions of all results of the lot.
        in_force: the plant's specifications.
        at_ns: the instant whose specification counts where no sample has been drawn.
    """
    counting = _counting(test, records)
    at = max((drawn_ns(record) for record in counting), default=at_ns)
    limits = _limits(test, requirement, in_force, at)
    unit = test.unit if limits.specification is None else limits.specification.unit or test.unit
    printed = replace(test, unit=unit)
    values = [_value(record, printed, limits.specification) for record in counting]
    row = _row(printed, limits, values)
    return JudgedRow(row=row, gaps=_gaps(printed, requirement, limits, values, row))


def _counting(test: RequiredTest, records: tuple[ResultOnRecord, ...]) -> tuple[ResultOnRecord, ...]:
    """Return the current versions of the lot's results of a test, without those that the laboratory has withdrawn."""
    analyte = name_key(test.analyte)
    counting = (
        record
        for record in records
        if record.current
        and record.relation is not Relation.POSSIBLE
        and record.result.status not in WITHDRAWN
        and name_key(record.result.analyte) == analyte
    )
    return tuple(sorted(counting, key=lambda record: (drawn_ns(record), record.result.result_id)))


def _limits(test: RequiredTest, requirement: Requirement, in_force: InForce, at_ns: int) -> _Limits:
    """Return the customer's limits, else those of the plant's specification in force."""
    if test.has_limits:
        own = Specification(
            analyte=test.analyte, lower=test.lower, upper=test.upper, unit=test.unit, inclusive=test.inclusive,
            accepts=test.accepts, assume_unit=test.assume_unit, version=requirement.version,
        )  # fmt: skip
        named = " ".join(part for part in (requirement.specification, requirement.version) if part)
        return _Limits(specification=own, stated_by=named or requirement.customer_name)
    if not test.required:
        return _Limits(specification=None, stated_by=None)
    holding = in_force(test.analyte, at_ns, requirement.product, requirement.customer)
    if not holding:
        return _Limits(specification=None, stated_by=None, gap=gap(Gap.NO_LIMITS, test=test.name))
    if any(differ(holding[0], item) for item in holding[1:]):
        return _Limits(specification=None, stated_by=None, gap=gap(Gap.SPECIFICATIONS_DIFFER, test=test.name))
    frozen = in_unit(holding[0], test.unit)
    if frozen is None:
        return _Limits(specification=None, stated_by=None, gap=gap(Gap.UNIT_UNKNOWN, test=test.name,
                       unit=test.unit or "", other=holding[0].unit or ""))  # fmt: skip
    version = f"{requirement.product} {frozen.version}" if frozen.version else requirement.product
    # rounding is the certificate's own, bands are the plant's
    return _Limits(specification=replace(frozen, decimals=None, bands=None), stated_by=version)


def _value(record: ResultOnRecord, test: RequiredTest, specification: Specification | None) -> _Value:
    reported = reported_value(record.result, test)
    if reported is None:
        return _Value(record=record, reported=None, compliance=Compliance.UNDECIDED)
    compliance = _compliance(record.result, reported, test, specification)
    return _Value(record=record, reported=reported, compliance=compliance)


def _compliance(
    result: LabResult, reported: ReportedValue, test: RequiredTest, specification: Specification | None
) -> Compliance:
    """Return how a result complies: as it was measured, and as it is printed."""
    if specification is None:
        return Compliance.INFORMATION if not test.required else Compliance.UNDECIDED
    if reported.measured is None or reported.value is None:
        return _by(replace(result, status=ResultStatus.APPROVED), specification)
    judged = [_by(_stated(result, reported, reported.value), specification)]
    if test.compared is Compared.BOTH:
        judged.append(_by(_stated(result, reported, reported.measured), specification))
    return next(item for item in _WORST_FIRST if item in judged)


def _stated(result: LabResult, reported: ReportedValue, number: Fraction) -> LabResult:
    """Return a result with a number in the printed unit; one without a unit stays without one."""
    value = nearest(number)
    unit = reported.unit if result.unit else result.unit
    plain = reported.qualifier is None
    return replace(result, value=value if plain else None, censored_at=None if plain else value, unit=unit,
                   status=ResultStatus.APPROVED)  # fmt: skip


def _by(result: LabResult, specification: Specification) -> Compliance:
    return _OF_JUDGEMENT.get(judge(result, specification)[0], Compliance.UNDECIDED)


def _row(test: RequiredTest, limits: _Limits, values: list[_Value]) -> CertificateRow:
    chosen, compliance = _chosen(test, limits.specification, values)
    specification = limits.specification
    methods = dict.fromkeys(value.record.result.method_id for value in values if value.record.result.method_id)
    return CertificateRow(
        analyte=test.analyte,
        name=test.name,
        method=test.method or ", ".join(methods) or None,
        unit=test.unit if chosen is None else chosen.unit,
        reported=None if chosen is None else chosen.text,
        compliance=compliance,
        required=test.required,
        lower=None if specification is None else specification.lower,
        upper=None if specification is None else specification.upper,
        inclusive=specification is None or specification.inclusive,
        accepts=() if specification is None else specification.accepts,
        limits_from=limits.stated_by,
        detected=chosen is None or chosen.detected,
        results=tuple(_certified(value.record.result) for value in values),
    )


def _chosen(
    test: RequiredTest, specification: Specification | None, values: list[_Value]
) -> tuple[ReportedValue | None, Compliance]:
    """Return what is printed of a test, and how it complies: every result must, whichever is printed."""
    if not values:
        return None, Compliance.MISSING
    printable = [value.reported for value in values if value.reported is not None]
    if len(printable) < len(values):
        return None, Compliance.UNDECIDED
    compliance = next((item for item in _WORST_FIRST if any(value.compliance is item for value in values)),
                      Compliance.INFORMATION)  # fmt: skip
    if len(values) == 1 or test.reported is Reported.NEWEST:
        return printable[-1], compliance
    if test.reported is Reported.MEAN:
        return mean_of(printable, test), compliance
    if test.reported is Reported.WORST:
        return _worst(values, specification), compliance
    return None, compliance


def _worst(values: list[_Value], specification: Specification | None) -> ReportedValue | None:
    """Return the value that is nearest to a limit, or farthest beyond it; without limits the largest."""

    def room(value: _Value) -> tuple[int, Fraction]:
        """Return how far inside the limits a value lies, what fails first."""
        order = _WORST_FIRST.index(value.compliance) if value.compliance in _WORST_FIRST else len(_WORST_FIRST)
        number = None if value.reported is None else value.reported.measured
        if number is None:
            return order, Fraction(0)
        limits = [] if specification is None else [
            *([number - Fraction(repr(specification.lower))] if specification.lower is not None else []),
            *([Fraction(repr(specification.upper)) - number] if specification.upper is not None else []),
        ]  # fmt: skip
        return order, min(limits, default=-number)

    return min(values, key=room).reported


def _certified(result: LabResult) -> CertifiedResult:
    return CertifiedResult(
        result_id=result.result_id,
        sample_id=result.sample_id,
        test_id=result.test_id,
        result_version=result.result_version,
        replicate=result.replicate,
        status=result.status.value,
        value_text=result.value_text,
        unit=result.unit,
        sampled_ns=result.sampled_ns,
        analysed_ns=result.analysed_ns,
    )


def _gaps(
    test: RequiredTest, requirement: Requirement, limits: _Limits, values: list[_Value], row: CertificateRow
) -> tuple[Reason, ...]:
    """Return what is missing of a row, or speaks against it. What is there for information may be missing."""
    if not values:
        return (gap(Gap.TEST_MISSING, test=test.name),) if test.required else ()
    named = [*([limits.gap] if limits.gap is not None else [])]
    for value in values:
        named += _gaps_of(value, test, requirement, limits.specification)
    if row.reported is None and all(value.reported is not None for value in values):
        code = Gap.NO_MEAN if test.reported is Reported.MEAN else Gap.SEVERAL_RESULTS
        named.append(gap(code, test=test.name, count=len(values)))
    return tuple({(item.code, item.text): item for item in named}.values())


def _gaps_of(
    value: _Value, test: RequiredTest, requirement: Requirement, specification: Specification | None
) -> list[Reason]:
    result = value.record.result
    about = {"test": test.name, "sample": result.sample_id}
    named = []
    if result.status not in _FINAL[requirement.status]:
        named.append(gap(Gap.NOT_FINAL, **about, status=result.status.value))
    if result.unread:
        named.append(gap(Gap.UNREAD, **about))
    if value.reported is None:
        named.append(gap(Gap.UNIT_UNKNOWN, test=test.name, unit=test.unit or "", other=result.unit or ""))
    elif value.compliance is Compliance.FAILS:
        named.append(gap(Gap.OUT_OF_LIMITS, **about, value=_with_unit(value.reported, test)))
    elif value.compliance is Compliance.UNDECIDED and specification is not None:
        code = Gap.UNIT_NOT_STATED if _lacks_unit(result, test, specification) else Gap.UNDECIDED
        named.append(gap(code, **about, value=_with_unit(value.reported, test)))
    elif _lacks_unit(result, test, specification):
        named.append(gap(Gap.UNIT_NOT_STATED, **about, value=_with_unit(value.reported, test)))
    return named


def _lacks_unit(result: LabResult, test: RequiredTest, specification: Specification | None) -> bool:
    """Return whether a number came without a unit and is to be printed with one that nobody has stated."""
    is_number = result.value is not None or result.censored_at is not None
    assumed = test.assume_unit or (specification is not None and specification.assume_unit)
    return is_number and not assumed and is_missing(result.unit, test.unit)


def _with_unit(value: ReportedValue, test: RequiredTest) -> str:
    unit = unit_in_text(value.unit, test.analyte, test.name)
    written = number_in_text(value.text)
    return f"{written} {unit}" if unit else written
