"""The content of a certificate: what is printed, what complies, and that nothing incomplete looks complete."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.lab.certificates.draft import CertifiedLot, certificate_content
from gateway.lab.certificates.gaps import Gap
from gateway.lab.certificates.reported_values import reported_value, written
from gateway.lab.fingerprints import MaterialUse
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.release.lot_knowledge import LotContext, LotKnowledge, Relation, ResultOnRecord
from gateway.line.certificates import (
    BelowLimit,
    CertificateRules,
    Compared,
    Reported,
    RequiredTest,
    Requirement,
    Rounding,
)
from gateway.records.certificates import Compliance
from gateway.records.laboratory import Recommendation, ResultStatus, Specification
from gateway.records.lot_decisions import DecisionState, LotBasis, LotDecided, Verdict
from gateway.records.users import Role
from tests.fixtures.building import NOW_NS, result

LOT, PRODUCT, CUSTOMER = "LOT-1", "FG-100", "ACME"
TEST = RequiredTest(analyte="viscosity", name="Viscosity", lower=95.0, upper=105.0, unit="mPa.s", decimals=1)


def requirement(*tests, **changes):
    return Requirement(**{
        "key": "acme", "sha256": "0" * 64, "customer": CUSTOMER, "customer_name": "Acme Ltd", "product": PRODUCT,
        "product_name": "Resin", "tests": tests or (TEST,), "specification": "AP-77", "version": "3", **changes,
    })  # fmt: skip


def of_lot(value="101.26", number=101.26, **changes):
    """A result of the lot, as it is on record."""
    record = {name: changes.pop(name) for name in ("current", "relation") if name in changes}
    own = {
        "analyte": "viscosity", "value_text": value, "value": number, "unit": "mPa.s", "material_lot_id": LOT,
        "status": ResultStatus.APPROVED, "material_definition_id": PRODUCT, **changes,
    }  # fmt: skip
    return ResultOnRecord(
        **{"result": result(**own), "arrived_ns": NOW_NS, "current": True, "relation": Relation.STATED, **record}
    )


def released(verdict=Verdict.RELEASE, state=DecisionState.STANDS):
    basis = LotBasis(recommendation=Recommendation.RELEASE, latched=False, provisional=False, missing_tests=(),
                     assessments=1, assessments_sha256="0" * 64)  # fmt: skip
    return LotDecided(
        record_id="rec-1", material_lot_id=LOT, verdict=verdict, basis=basis, printed_name="Q. Person",
        role=Role.QUALITY, meaning="Released", signature_id="sig-1", signed_by=("Q. Person",), reason="fine",
        at_ns=NOW_NS, state=state,
    )  # fmt: skip


def lot(*records, products=(PRODUCT,), client_id=None, **changes):
    knowledge = LotKnowledge(
        context=LotContext(material_lot_id=LOT, products=products, client_id=client_id, job_order_id="WO-1",
                           equipment_id="R1"),
        results=records,
    )  # fmt: skip
    return CertifiedLot(**{
        "knowledge": knowledge, "started_ns": NOW_NS - 10**12, "ended_ns": NOW_NS, "closed": False, "uses": (),
        "decision": released(), "open_points": (), "damaged": (), "time_zone": "UTC",
        "unreleased_parts": (), "open_deviations": 0, **changes,
    })  # fmt: skip


def content(known, required=None, specifications=()):
    in_force = SpecificationsOnRecord(configured=tuple(specifications), stated=())
    return certificate_content(
        known, required or requirement(), CertificateRules(plant_name="Plant"), in_force.in_force
    )


def gaps(*arguments, **options):
    return [item.code for item in content(*arguments, **options).gaps]


def row(record, test=TEST):
    return content(lot(record), requirement(test)).rows[0]


def test_a_lot_that_meets_its_requirement_has_a_certificate_without_gaps():
    uses = (MaterialUse(material_lot_id=LOT, consumed_lot_id="M-1", consumed_definition_id="RM-1", supplier="Supply"),)
    made = content(lot(of_lot(), uses=uses))
    assert made.complete
    assert [(item.name, item.reported, item.unit, item.compliance) for item in made.rows] == [
        ("Viscosity", "101.3", "mPa.s", Compliance.COMPLIES)
    ]
    assert (made.components[0].material_lot_id, made.components[0].supplier) == ("M-1", "Supply")
    assert made.rows[0].limits_from == "AP-77 3"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (of_lot(status=ResultStatus.ENTERED), Gap.NOT_FINAL),
        (of_lot("110", 110.0), Gap.OUT_OF_LIMITS),
        (of_lot("<110", None, qualifier="<", censored_at=110.0), Gap.UNDECIDED),
        (of_lot(unit="g"), Gap.UNIT_UNKNOWN),
        (of_lot(unit=None), Gap.UNIT_NOT_STATED),
        (of_lot("turbid", None), Gap.UNDECIDED),
        (of_lot(status=ResultStatus.REJECTED), Gap.TEST_MISSING),
        (of_lot(current=False), Gap.TEST_MISSING),
        (of_lot(relation=Relation.POSSIBLE), Gap.TEST_MISSING),
        (of_lot(analyte="ph"), Gap.TEST_MISSING),
        (of_lot(material_definition_id="FG-200"), Gap.OTHER_PRODUCT),
        (of_lot(client_id="OTHER"), Gap.OTHER_CLIENT),
    ],
)
def test_what_speaks_against_a_result_is_a_gap(record, code):
    assert code in gaps(lot(record))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"decision": None}, Gap.NOT_RELEASED),
        ({"decision": released(Verdict.HOLD)}, Gap.DECIDED_OTHERWISE),
        ({"decision": released(Verdict.REJECT)}, Gap.DECIDED_OTHERWISE),
        ({"decision": released(state=DecisionState.LAPSED)}, Gap.DECISION_LAPSED),
        ({"decision": released(state=DecisionState.MADE)}, Gap.DECISION_LAPSED),
        ({"open_points": ("A retest has no original.",)}, Gap.OPEN_POINTS),
        ({"damaged": ("lab_result r1",)}, Gap.RECORD_DAMAGED),
        ({"ended_ns": None}, Gap.NOT_COMPLETE),
        ({"products": ()}, None),  # its result names the product
        ({"products": ("FG-200",)}, Gap.OTHER_PRODUCT),
        ({"products": (PRODUCT, "FG-200")}, Gap.OTHER_PRODUCT),
        ({"client_id": "OTHER"}, Gap.OTHER_CLIENT),
        ({"client_id": CUSTOMER}, None),
    ],
)
def test_what_speaks_against_a_lot_is_a_gap(changes, code):
    assert gaps(lot(of_lot(), **changes)) == ([] if code is None else [code])


def test_a_release_over_open_points_is_certified_only_where_the_requirement_says_so():
    known = lot(of_lot(), open_points=("A point.",))
    assert gaps(known) == [Gap.OPEN_POINTS]
    assert content(known, requirement(over_open_points=True)).complete


def test_every_result_of_a_test_must_comply_whichever_is_printed():
    good, bad = of_lot(), of_lot("120", 120.0, result_id="r2", replicate=2)
    for reported in Reported:
        made = content(lot(good, bad), requirement(replace(TEST, reported=reported)))
        assert Gap.OUT_OF_LIMITS in [item.code for item in made.gaps]
        assert made.rows[0].compliance is Compliance.FAILS


@pytest.mark.parametrize(
    ("reported", "printed"),
    [(Reported.SINGLE, None), (Reported.MEAN, "98.1"), (Reported.WORST, "96.2"), (Reported.NEWEST, "99.9")],
)
def test_of_several_results_the_one_is_printed_that_the_requirement_names(reported, printed):
    first = of_lot("96.2", 96.2, sampled_ns=NOW_NS)
    second = of_lot("99.9", 99.9, result_id="r2", sample_id="S-2", sampled_ns=NOW_NS + 1)
    made = content(lot(second, first), requirement(replace(TEST, reported=reported)))
    assert made.rows[0].reported == printed
    assert [item.code for item in made.gaps] == ([Gap.SEVERAL_RESULTS] if printed is None else [])


def test_a_value_is_converted_without_rounding_and_rounded_once():
    percent = RequiredTest(analyte="viscosity", name="Water", upper=500.0, unit="mg/kg", decimals=0)
    assert row(of_lot("0.04995", 0.04995, unit="g/100g"), percent).reported == "500"  # 499.5 exactly, half up
    half_even = replace(percent, rounding=Rounding.HALF_EVEN)
    assert row(of_lot("0.04985", 0.04985, unit="g/100g"), half_even).reported == "498"


def test_a_measured_value_outside_fails_even_where_it_is_rounded_inside():
    outside = of_lot("105.04", 105.04)
    assert row(outside).compliance is Compliance.FAILS
    assert row(outside).reported == "105.0"
    assert row(outside, replace(TEST, compared=Compared.ROUNDED)).compliance is Compliance.COMPLIES


def test_a_printed_value_outside_fails_even_where_it_was_measured_inside():
    narrow = replace(TEST, upper=105.04)
    assert row(of_lot("105.04", 105.04), replace(narrow, decimals=0)).compliance is Compliance.COMPLIES
    assert row(of_lot("105.5", 105.5), replace(TEST, upper=105.6, decimals=0)).compliance is Compliance.FAILS


@pytest.mark.parametrize(
    ("below", "printed", "detected"),
    [
        (BelowLimit.AS_WRITTEN, "< 0.05", True),
        (BelowLimit.NOT_DETECTED, "< 0.05", False),
        (BelowLimit.BELOW_LOQ, "< LOQ (0.10)", True),
    ],
)
def test_a_value_below_a_limit_is_printed_as_the_customer_wants_it(below, printed, detected):
    test = RequiredTest(analyte="viscosity", name="Lead", upper=0.5, unit="mg/kg", decimals=2, below=below)
    made = row(of_lot("<0.05", None, qualifier="<", censored_at=0.05, loq=0.1, unit="mg/kg"), test)
    assert (made.reported, made.detected, made.compliance) == (printed, detected, Compliance.COMPLIES)


def test_what_lies_below_or_above_a_number_is_never_rounded_to_say_more_than_was_measured():
    below = RequiredTest(analyte="viscosity", name="Lead", upper=1.0, unit="mg/kg", decimals=1)
    assert row(of_lot("<0.04", None, qualifier="<", censored_at=0.04, unit="mg/kg"), below).reported == "< 0.1"
    above = RequiredTest(analyte="viscosity", name="Purity", lower=99.0, unit="%", decimals=1)
    assert row(of_lot(">99.99", None, qualifier=">", censored_at=99.99, unit="%"), above).reported == "> 99.9"


def test_without_limits_of_the_customer_the_specification_in_force_counts_and_is_frozen():
    test = RequiredTest(analyte="viscosity", name="Viscosity", unit="Pa.s", decimals=4)
    stated = Specification(analyte="viscosity", product=PRODUCT, lower=95.0, upper=105.0, unit="mPa.s", version="7")
    made = content(lot(of_lot()), requirement(test), [stated])
    assert (made.rows[0].lower, made.rows[0].upper, made.rows[0].reported) == (0.095, 0.105, "0.1013")
    assert made.rows[0].limits_from == "FG-100 7"
    assert made.complete
    assert gaps(lot(of_lot()), requirement(test)) == [Gap.NO_LIMITS]


def test_what_is_for_information_may_be_missing_and_needs_no_limits():
    test = RequiredTest(analyte="colour", name="Colour", required=False)
    assert content(lot(of_lot()), requirement(TEST, test)).complete
    shown = content(lot(of_lot(), of_lot("pale", None, analyte="colour", unit=None)), requirement(TEST, test))
    assert (shown.complete, shown.rows[1].reported) == (True, "pale")


def test_a_text_complies_where_the_customer_accepts_it():
    test = RequiredTest(analyte="viscosity", name="Appearance", accepts=("clear",))
    assert row(of_lot("Clear", None, unit=None), test).compliance is Compliance.COMPLIES
    assert row(of_lot("turbid", None, unit=None), test).compliance is Compliance.UNDECIDED


# --- properties --------------------------------------------------------------------------------------------------

numbers = st.decimals(min_value=-(10**6), max_value=10**6, places=5, allow_nan=False)


@settings(deadline=None)
@given(number=numbers, decimals=st.integers(0, 6), rounding=st.sampled_from(Rounding))
@example(number=Decimal("-0.00005"), decimals=4, rounding=Rounding.HALF_UP)
def test_a_rounded_number_is_the_nearest_one_with_so_many_decimals(number, decimals, rounding):
    printed = written(Fraction(number), decimals, rounding)
    assert abs(Fraction(printed) - Fraction(number)) <= Fraction(1, 2) / 10**decimals
    assert len(printed.partition(".")[2]) == decimals


@settings(deadline=None)
@given(number=st.floats(90, 110), decimals=st.integers(0, 3), qualifier=st.sampled_from([None, "<", "<=", ">", ">="]))
def test_whatever_complies_lies_inside_as_it_was_measured_and_as_it_is_printed(number, decimals, qualifier):
    test = replace(TEST, decimals=decimals)
    record = of_lot(str(number), None if qualifier else number, qualifier=qualifier,
                    censored_at=number if qualifier else None)  # fmt: skip
    if row(record, test).compliance is not Compliance.COMPLIES:
        return
    printed = reported_value(record.result, test)
    assert qualifier is None  # with a limit on either side no < or > is inside for certain
    assert 95 <= number <= 105
    assert 95 <= Fraction(printed.text) <= 105


_FLAWS = {
    "status": {"status": ResultStatus.ENTERED},
    "outside": {"number": 200.0, "value": "200"},
    "unit": {"unit": "kg"},
    "no unit": {"unit": None},
    "old version": {"current": False},
    "another lot's": {"relation": Relation.POSSIBLE},
    "product": {"material_definition_id": "FG-200"},
    "client": {"client_id": "OTHER"},
}
_FLAWS_OF_LOT = {
    "no decision": {"decision": None},
    "hold": {"decision": released(Verdict.HOLD)},
    "lapsed": {"decision": released(state=DecisionState.LAPSED)},
    "points": {"open_points": ("x",)},
    "damaged": {"damaged": ("x",)},
    "not ended": {"ended_ns": None},
    "other product": {"products": ("FG-200",)},
}


@settings(deadline=None)
@given(
    flaws=st.sets(st.sampled_from(sorted(_FLAWS)), max_size=3),
    of_the_lot=st.sets(st.sampled_from(sorted(_FLAWS_OF_LOT)), max_size=3),
    extra=st.booleans(),
)
def test_no_flaw_however_combined_leaves_a_certificate_that_could_be_signed(flaws, of_the_lot, extra):
    changes = {key: value for flaw in sorted(flaws) for key, value in _FLAWS[flaw].items()}
    facts = {key: value for flaw in sorted(of_the_lot) for key, value in _FLAWS_OF_LOT[flaw].items()}
    records = (of_lot(**changes), *((of_lot("100", 100.0, result_id="r2"),) if extra else ()))
    counts = not {"old version", "another lot's"} & flaws
    made = content(lot(*records, **facts))
    assert made.complete == (
        not of_the_lot and not (flaws if counts or not extra else set()) and not (extra and counts)
    )
