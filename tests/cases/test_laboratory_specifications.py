"""Results against specifications: words, censored values, decimal limits, missing units; what check says of them."""

import json
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.lims.numbers import distinct_text, number_text
from gateway.contract.lims.qualitative import folded, is_number
from gateway.contract.payloads.parts import MeasuredPart, SpecificationPart
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.specifications import stated_specification
from gateway.decisions.model_feedback import _is_in
from gateway.lab.disposition import judge_result
from gateway.lab.in_force import differ, in_unit, strictest
from gateway.lab.phrases import limits_text
from gateway.lab.specifications import action_limits, judge
from gateway.records.laboratory import Bands, ResultStatus, Specification
from gateway.store.codec import decode, encode
from tests.fixtures.building import NOW_NS, PH, VISCOSITY, result
from tests.fixtures.store_bench import Bench

SALMONELLA = Specification(
    analyte="salmonella",
    lower=None,
    upper=None,
    accepts=("absent", "not detected", "nicht nachgewiesen"),
    rejects=("detected", "present"),
)
COUNT = Specification(analyte="count", lower=0.0, upper=100.0, unit="CFU/g", accepts=("absent",), rejects=("positive",))


def words(text, **changes):
    given = {"value": None, "value_text": text, "unit": None, "flags": ("TEXT_VALUE",), "test_id": "Salmonella"}
    return result(**{**given, **changes})


def censored(text, **changes):
    qualifier = text.rstrip("0123456789.-")
    limit = float(text.removeprefix(qualifier))
    return result(
        **{"value": None, "qualifier": qualifier, "censored_at": limit, "value_text": text, "unit": None, **changes}
    )


def asked(found, specification):
    recommendation, reason = judge(found, specification)
    return recommendation.value, reason.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("absent", ("release", "TEXT_ACCEPTED")),
        ("  ABSENT ", ("release", "TEXT_ACCEPTED")),
        ("Not\u00a0 Detected", ("release", "TEXT_ACCEPTED")),
        ("nicht nachgewiesen", ("release", "TEXT_ACCEPTED")),
        ("not-detected", ("release", "TEXT_ACCEPTED")),
        ("Detected", ("hold", "OUT_OF_SPECIFICATION")),
        ("Det\u200bected", ("hold", "OUT_OF_SPECIFICATION")),
        ("-detected", ("review", "TEXT_UNKNOWN")),
        ("PRESENT", ("hold", "OUT_OF_SPECIFICATION")),
        ("fail", ("hold", "OUT_OF_SPECIFICATION")),
        ("nicht  bestanden", ("hold", "OUT_OF_SPECIFICATION")),
        ("Detected in 25 g", ("hold", "OUT_OF_SPECIFICATION")),
        ("PRESENT/25g", ("hold", "OUT_OF_SPECIFICATION")),
        ("absent in 1 g", ("review", "TEXT_UNKNOWN")),
        ("pass", ("review", "TEXT_UNKNOWN")),
        ("TNTC", ("review", "TEXT_UNKNOWN")),
        ("not absent", ("review", "TEXT_UNKNOWN")),
        ("", ("review", "TEXT_UNKNOWN")),
    ],
)
def test_laboratory_01_words_are_judged_by_the_specifications_lists_as_a_whole(text, expected):
    assert asked(words(text), SALMONELLA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("absent in 25 g", "release"),
        ("Absent/25g", "release"),
        ("nicht nachgewiesen in 25 g", "release"),
        ("absent in 1 g", "review"),
        ("absent in 250 g", "review"),
        ("absent in 25 mL", "review"),
        ("not absent in 25 g", "review"),
        ("detected in 1 g", "hold"),
    ],
)
def test_laboratory_01_the_amount_of_the_sample_may_stand_behind_where_it_is_the_specifications(text, expected):
    assert judge(words(text), replace(SALMONELLA, unit="CFU/25 g"))[0].value == expected


def test_laboratory_01_the_review_of_an_unknown_text_names_it_and_the_lists():
    _, reason = judge(words("suspect"), SALMONELLA)
    assert reason.text == (
        'Salmonella "suspect" is in no list of the specification '
        "(accepts: absent, not detected, nicht nachgewiesen; rejects: detected, present)."
    )


def test_laboratory_01_long_lists_and_texts_make_no_long_sentence():
    long = replace(SALMONELLA, accepts=tuple(f"text number {at}" + "x" * 100 for at in range(90)))
    _, reason = judge(words("y" * 256), long)
    assert len(reason.text) < 500
    assert "and 86 more" in reason.text
    assert len(limits_text(long)) < 300


@pytest.mark.parametrize(
    ("text", "specification", "expected"),
    [
        ("TNTC", COUNT, ("hold", "OUT_OF_SPECIFICATION")),
        ("too numerous to count", COUNT, ("hold", "OUT_OF_SPECIFICATION")),
        ("TNTC", replace(COUNT, upper=None), ("review", "TEXT_UNKNOWN")),
        ("TNTC", replace(COUNT, accepts=("TNTC",)), ("release", "TEXT_ACCEPTED")),
        ("absent", COUNT, ("release", "TEXT_ACCEPTED")),
        ("positive", COUNT, ("hold", "OUT_OF_SPECIFICATION")),
        ("many", COUNT, ("review", "TEXT_UNKNOWN")),
        ("pass", PH, ("review", "VALUE_UNKNOWN")),
        ("pass", replace(PH, accepts=("Pass", "OK")), ("release", "TEXT_ACCEPTED")),
        ("fail", PH, ("hold", "OUT_OF_SPECIFICATION")),
        ("failed", VISCOSITY, ("hold", "OUT_OF_SPECIFICATION")),
        ("ok", PH, ("review", "VALUE_UNKNOWN")),
        ("fail", None, ("review", "NO_SPECIFICATION")),
    ],
)
def test_laboratory_01_counts_and_limits_with_words(text, specification, expected):
    assert asked(words(text), specification) == expected


def test_laboratory_01_sentences_of_words_say_why():
    assert judge(words("TNTC"), COUNT)[1].text == (
        'Salmonella "TNTC" is more than can be counted, above the upper limit of 100 CFU/g.'
    )
    assert judge(words("Fail"), PH)[1].text == 'Salmonella "Fail" says that the test failed.'
    assert judge(words("Detected"), SALMONELLA)[1].text == 'Salmonella "Detected" is what the specification rejects.'


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (result(value=5.0, unit=None), ("review", "NUMBER_UNEXPECTED")),
        (censored("<10"), ("review", "NUMBER_UNEXPECTED")),
        (result(value=None, value_text="n.d.", qualifier="<"), ("review", "TEXT_UNKNOWN")),
        (words("absent", status=ResultStatus.ENTERED), ("review", "NOT_YET_VALIDATED")),
        (words("detected", status=ResultStatus.ENTERED), ("hold", "OUT_OF_SPECIFICATION")),
    ],
)
def test_laboratory_01_a_number_or_an_unfinished_result_does_not_pass_for_an_accepted_word(found, expected):
    assert asked(found, SALMONELLA) == expected


def test_laboratory_01_not_detected_with_a_limit_of_detection_is_a_word_where_it_is_listed_else_a_limit():
    below = result(
        value=None, value_text="not detected", qualifier="<", censored_at=0.2, unit=None, flags=("NOT_DETECTED",)
    )
    assert asked(below, SALMONELLA) == ("release", "TEXT_ACCEPTED")
    assert asked(below, Specification(analyte="x", lower=None, upper=0.1)) == ("review", "CENSORED_UNDECIDED")
    assert asked(below, Specification(analyte="x", lower=None, upper=0.3)) == ("release", "IN_SPECIFICATION")


def test_laboratory_01_an_accepted_word_of_another_unit_is_for_review():
    absent = replace(SALMONELLA, unit="CFU/25 g")
    assert asked(words("absent", unit="CFU/25g"), absent) == ("release", "TEXT_ACCEPTED")
    assert asked(words("absent", unit="CFU/g"), absent) == ("review", "UNIT_MISMATCH")
    assert asked(words("present", unit="CFU/g"), absent) == ("hold", "OUT_OF_SPECIFICATION")


@given(st.text(max_size=30))
def test_laboratory_01_no_unlisted_text_is_ever_released(text):
    if folded(text) not in {folded(each) for each in SALMONELLA.accepts}:
        assert judge(words(text), SALMONELLA)[0].value in {"review", "hold"}
        assert judge(words(text), VISCOSITY)[0].value in {"review", "hold"}


@pytest.mark.parametrize("text", ["10", "<10", "≤ 5", "1 000", "1,5", "-3", "1e5", "3 x 10^4", "> 300", ">=2", "~5"])
def test_laboratory_01_a_number_is_no_text_of_a_list(text):
    assert is_number(text)


@pytest.mark.parametrize("text", ["absent", "+", "-", "grade 2", "e", "x", "no growth"])
def test_laboratory_01_words_are_no_numbers(text):
    assert not is_number(text)


# --- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lower", "upper", "expected"),
    [
        (">=7.5", 6.5, 7.5, "review"),
        (">=7.5", None, 7.5, "review"),
        (">7.5", None, 7.5, "hold"),
        (">=7.6", None, 7.5, "hold"),
        (">=7.5", 7.5, None, "release"),
        ("<=6.5", 6.5, None, "review"),
        ("<6.5", 6.5, None, "hold"),
        ("<=6.5", None, 6.5, "release"),
        ("<=6.6", None, 6.5, "review"),
        (">=7.5", 6.5, None, "release"),
    ],
)
def test_laboratory_05_at_least_and_at_most_are_closed_intervals(text, lower, upper, expected):
    assert judge(censored(text), Specification(analyte="x", lower=lower, upper=upper))[0].value == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("<=7.5", "review"), ("<7.5", "release"), (">=7.5", "hold"), (">7.5", "hold")]
)
def test_laboratory_05_at_a_limit_that_is_outside(text, expected):
    assert (
        judge(censored(text), Specification(analyte="x", lower=None, upper=7.5, inclusive=False))[0].value == expected
    )


def test_laboratory_05_an_unknown_comparator_decides_nothing():
    odd = result(value=None, qualifier="~", censored_at=7.0, value_text="~7", unit=None)
    assert judge(odd, PH)[0].value == "review"


@pytest.mark.parametrize(
    ("changes", "text", "expected"),
    [
        ({}, "<0.05", "release"),
        ({}, "<=0.1", "release"),
        ({}, "<0.2", "review"),
        ({"unit": "mg/kg"}, "<0.05", "release"),
        ({"unit": "degC"}, "<0.05", "review"),
        ({"unit": "mV"}, "<0.05", "review"),
        ({"unit": "degC", "non_negative": True}, "<0.05", "release"),
        ({"non_negative": False}, "<0.05", "review"),
        ({"lower": -1.0}, "<0.05", "review"),
        ({"lower": -1.0, "non_negative": True}, "<0.05", "release"),
        ({"lower": 0.02}, "<0.05", "review"),
        ({"lower": 0.02}, "<0.02", "hold"),
        ({"inclusive": False}, "<0.05", "review"),
        ({}, "<-0.05", "hold"),
        ({}, "<=0", "release"),
        ({}, "<0", "hold"),
    ],
)
def test_laboratory_24_what_cannot_be_negative_is_inside_from_zero(changes, text, expected):
    specification = replace(Specification(analyte="x", lower=0.0, upper=0.1), **changes)
    assert judge(censored(text, unit=specification.unit), specification)[0].value == expected


_GRID = st.integers(-4, 8).map(lambda each: each / 2)


@given(
    st.sampled_from(["", "<", "<=", ">", ">="]), _GRID, st.none() | _GRID, st.none() | _GRID,
    st.booleans(), st.booleans(), st.sampled_from([None, True, False]),
)  # fmt: skip
def test_laboratory_05_24_what_is_released_is_inside_whatever_it_is_and_what_is_held_is_outside(
    qualifier, number, lower, upper, with_lower, with_upper, non_negative
):
    """Held against every value on a fine grid that the result may stand for."""
    specification = Specification(
        analyte="x", lower=lower, upper=upper, lower_inclusive=with_lower, upper_inclusive=with_upper,
        non_negative=non_negative,
    )  # fmt: skip
    if lower is None and upper is None:
        return
    found = result(value=number, unit=None) if not qualifier else censored(f"{qualifier}{number}")
    stands_for = {
        "": lambda value: value == number, "<": lambda value: value < number, "<=": lambda value: value <= number,
        ">": lambda value: value > number, ">=": lambda value: value >= number,
    }[qualifier]  # fmt: skip
    never_negative = non_negative or (non_negative is None and lower == 0)
    possible = [value for each in range(-80, 120) if stands_for(value := each / 8)]
    if never_negative and qualifier in {"<", "<="}:
        possible = [value for value in possible if value >= 0] or possible
    inside = [
        (lower is None or value > lower or (with_lower and value == lower))
        and (upper is None or value < upper or (with_upper and value == upper))
        for value in possible
    ]
    expected = "release" if all(inside) else "review" if any(inside) else "hold"
    if lower is not None and upper is not None and lower > upper - 0.25:
        assert judge(found, specification)[0].value in {expected, "review", "hold"}  # nothing may be inside at all
    else:
        assert judge(found, specification)[0].value == expected


TIGHT = Specification(
    analyte="x", lower=None, upper=5.5, target=4.6, bands=Bands(release=(98.0, 102.0), review=(95.0, 105.0))
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(4.83, "review"), (4.37, "review"), (4.692, "release"), (4.508, "release"), (4.8301, "hold"), (4.6921, "review")],
)
def test_laboratory_23_the_exact_limit_of_a_band_belongs_to_it(value, expected):
    assert judge(result(value=value, unit=None), TIGHT)[0].value == expected


_TARGETS = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 999_999), st.integers(0, 6))


@given(_TARGETS, st.tuples(*[st.integers(1, 2000)] * 2).map(sorted), st.sampled_from([0, 1]))
def test_laboratory_23_every_exact_band_limit_is_inside(target, percents, side):
    low, high = (Decimal(each) / 10 for each in percents)
    band = (float(low), float(high))
    limit = target * (low, high)[side] / 100
    banded = Specification(
        analyte="x", lower=None, upper=None, target=float(target), bands=Bands(release=band, review=band)
    )
    acting = action_limits(banded)
    assert (acting.lower, acting.upper)[side] == float(limit)
    judged = judge(result(value=float(limit), unit=None), replace(banded, upper=1e9))
    assert judged[0].value == "release"


@given(_TARGETS, st.decimals(min_value=1, max_value=999, places=3))
def test_laboratory_23_the_sentence_never_puts_a_value_on_the_wrong_side(target, value):
    specification = replace(TIGHT, target=float(target), upper=None, lower=-1e9)
    recommendation, reason = judge(result(value=float(value), unit=None), specification)
    percent = 100 * Fraction(value) / Fraction(target)
    band = (95, 105) if recommendation.value == "hold" else (98, 102)
    if recommendation.value != "release":
        told = Fraction(reason.text.split(" is ")[1].split(" %")[0])
        assert (told < band[0], told > band[1]) == (percent < band[0], percent > band[1])


def test_laboratory_23_the_sentence_has_as_many_digits_as_it_needs():
    text = judge(result(value=4.83001, unit=None, test_id="pH"), TIGHT)[1].text
    assert text == "pH 4.83001 is 105.0002 % of target, outside the review band 95 to 105 %."
    text = judge(result(value=105.0000001), VISCOSITY)[1].text
    assert text == "Viscosity 105.0000001 mPa·s is above the upper limit of 105 mPa·s."


def test_bands_do_not_move_with_the_zero_of_a_scale():
    warm = Specification(
        analyte="t", lower=0.0, upper=100.0, target=50.0, unit="degC", bands=Bands(release=(98, 102), review=(90, 110))
    )
    there = in_unit(warm, "degF")
    assert there is not None
    assert (there.lower, there.upper, there.bands) == (113.0, 131.0, None)


@given(*[st.floats(allow_nan=False, allow_infinity=False)] * 3)
def test_attacks_02_no_finite_numbers_are_too_large_to_be_judged(value, target, percent):
    bands = Bands(release=(0.0, 1.0), review=(-1.0, percent))
    specification = Specification(analyte="x", lower=None, upper=1e308, target=target, unit="kg", bands=bands)
    for unit in ("kg", "mg", None):
        judge(result(value=value, unit=unit), specification)
    assert decode(Specification, encode(action_limits(specification))) == action_limits(specification)


def test_no_limit_is_lost_where_it_cannot_be_converted():
    huge = Specification(analyte="x", lower=None, upper=1e308, unit="kg")
    assert in_unit(huge, "mg") is None
    assert strictest((huge,), "mg") is None


# --- units that are missing ------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["%", "% w/w", "ppm", "mg/kg", "vol%", "mmol/mol", "g/100 g"])
@pytest.mark.parametrize("sent", [None, "-", " "])
def test_laboratory_30_a_number_without_a_unit_is_not_released_by_limits_of_a_fraction(unit, sent):
    impurity = Specification(analyte="impurity", lower=None, upper=0.5, unit=unit)
    judged = judge_result(result(value=0.012, unit=sent), (impurity,))
    assert judged.recommendation.value == "review"
    assert [reason.code for reason in judged.reasons] == ["UNIT_MISSING"]
    assert "UNIT_MISSING" in judged.flags
    assert judge_result(result(value=0.6, unit=sent), (impurity,)).recommendation.value == "hold"
    assert judge_result(result(value=0.012, unit=unit), (impurity,)).recommendation.value == "release"


@pytest.mark.parametrize("unit", ["%", "% w/w", "ppm", "vol%", "mmol/mol"])
@pytest.mark.parametrize("value", [0.0, 0.004, 0.012, 0.4, 0.6])
def test_laboratory_30_a_number_in_the_unit_one_is_not_released_by_limits_of_a_fraction(unit, value):
    impurity = Specification(analyte="impurity", lower=None, upper=0.5, unit=unit)
    assert judge(result(value=value, unit="1"), impurity)[0].value in {"review", "hold"}


def test_laboratory_30_where_it_is_agreed_that_units_are_left_out_nothing_is_missing():
    impurity = Specification(analyte="impurity", lower=None, upper=0.5, unit="%", assume_unit=True)
    judged = judge_result(result(value=0.012, unit=None), (impurity,))
    assert (judged.recommendation.value, judged.flags) == ("release", ())


def test_laboratory_30_other_missing_units_are_flagged():
    judged = judge_result(result(value=100.0, unit=None), (VISCOSITY,))
    assert (judged.recommendation.value, judged.flags) == ("release", ("UNIT_MISSING",))


def test_laboratory_30_limits_without_a_unit_are_flagged_where_the_result_has_one():
    bare = Specification(analyte="x", lower=None, upper=0.5)
    assert judge_result(result(value=0.3, unit="mg/L"), (bare,)).flags == ("LIMITS_WITHOUT_UNIT",)
    assert judge_result(result(value=0.3, unit="pH"), (bare,)).flags == ()
    assert judge_result(words("absent", unit="CFU/g"), (SALMONELLA,)).flags == ("TEXT_VALUE",)


@pytest.mark.parametrize("unit", ["pH", "1", "-", "", None])
def test_laboratory_30_a_ph_has_no_unit_to_miss(unit):
    judged = judge_result(result(value=7.0, unit=None), (replace(PH, unit=unit),))
    assert (judged.recommendation.value, judged.flags) == ("release", ())


# --- what prints and keeps limits ------------------------------------------------------------------


def test_first_plant_09_whole_numbers_are_written_as_such():
    specification = replace(COUNT, target=0.5)
    part, measured = SpecificationPart.of(specification), MeasuredPart.of(result(value=0.0, value_text="0"))
    assert part is not None
    assert measured is not None
    assert '"lower":0,"upper":100,"target":0.5,' in part.model_dump_json()
    assert '"value":0,' in measured.model_dump_json()
    assert limits_text(COUNT) == "0 to 100 CFU/g, or absent"
    _, reason = judge(result(value=1_500_000.0, unit="CFU/g", test_id="Count"), COUNT)
    assert reason.text == "Count 1500000 CFU/g is above the upper limit of 100 CFU/g."
    assert json.dumps(reason.parameters["value"]) == "1500000"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (105.0, "105"),
        (4.83, "4.83"),
        (1e15, "1e+15"),
        (-0.5, "-0.5"),
        (1 / 3, "0.3333333333"),
        (2e6, "2000000"),
    ],
)
def test_numbers_in_sentences(number, text):
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_shortened_number_stays_on_its_side(number, mark):
    told = Fraction(distinct_text(Fraction(repr(number)), mark, digits=4))
    assert (told > Fraction(repr(mark)), told < Fraction(repr(mark))) == (number > mark, number < mark)


def test_specifications_of_words_are_kept_and_compared():
    assert decode(Specification, encode(SALMONELLA)) == SALMONELLA
    assert not differ(SALMONELLA, replace(SALMONELLA, accepts=("ABSENT", "Not detected", "nicht nachgewiesen")))
    assert differ(SALMONELLA, replace(SALMONELLA, accepts=("absent",)))
    assert strictest((SALMONELLA,), "mPa.s") is None
    assert strictest((SALMONELLA, VISCOSITY), "mPa.s") == VISCOSITY
    assert limits_text(SALMONELLA) == "absent or not detected or nicht nachgewiesen"


# --- master data -----------------------------------------------------------------------------------

STATED = {"product": "FG-100", "analyte": "viscosity", "version": "4", "lower": 95.0, "upper": 105.0, "target": 100.0}


def stated(**changes):
    return stated_specification(json.dumps({**STATED, **changes}).encode(), now_ns=NOW_NS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"bands":{"release":[98,102],"review":[95,1e999]}', "NOT_A_NUMBER"),
        ('"bands":{"release":[98,102],"review":[-Infinity,105]}', "NOT_A_NUMBER"),
        ('"bands":{"release":[98,NaN],"review":[95,105]}', "NOT_A_NUMBER"),
        ('"bands":{"release":[98,102],"review":[95,1' + "0" * 400 + "]}", "NOT_A_NUMBER"),
        ('"bands":{"release":[98,102],"review":[95,1e308]},"target":1e300', "OUT_OF_RANGE"),
        ('"bands":{"release":[true,102],"review":[95,105]}', "WRONG_TYPE"),
        ('"bands":{"release":[98,"102"],"review":[95,105]}', "WRONG_TYPE"),
        ('"upper":1e999', "NOT_A_NUMBER"),
        ('"target":-1e999', "NOT_A_NUMBER"),
        ('"accepts":"absent"', "WRONG_TYPE"),
        ('"accepts":[1]', "WRONG_TYPE"),
        ('"accepts":{"en":"absent"}', "WRONG_TYPE"),
        ('"accepts":["\\ud800"]', "NOT_TEXT"),
        ('"accepts":["absent"],"rejects":["ABSENT"]', "OUT_OF_RANGE"),
        ('"accepts":["<10"]', "OUT_OF_RANGE"),
        ('"accepts":["failed"]', "OUT_OF_RANGE"),
        ('"accepts":[""]', "OUT_OF_RANGE"),
    ],
)
def test_attacks_02_master_data_keeps_only_what_comes_back_as_it_is(text, code):
    document = {name: value for name, value in STATED.items() if f'"{name}"' not in text}
    payload = json.dumps({**document, "target": 100.0} if '"target"' not in text else document)[:-1] + f",{text}}}"
    with pytest.raises(MessageRefusedError) as refused:
        stated_specification(payload.encode(), now_ns=NOW_NS)
    assert {reason.code for reason in refused.value.reasons} == {code}


_NUMBERS = st.one_of(st.floats(), st.integers(-(10**400), 10**400), st.none(), st.booleans(), st.just("98"))


@given(st.lists(_NUMBERS, max_size=3), st.lists(_NUMBERS, max_size=3), _NUMBERS, _NUMBERS)
def test_attacks_02_whatever_is_stated_is_refused_or_kept_whole(release, review, target, upper):
    changes = {"bands": {"release": release, "review": review}, "target": target, "upper": upper}
    try:
        specification, _ = stated(**changes)
    except MessageRefusedError:
        return
    assert decode(Specification, encode(specification)) == specification
    acting = action_limits(specification)
    assert decode(Specification, encode(acting)) == acting
    judge(result(value=1.0, unit=None), specification)


def test_laboratory_01_master_data_states_texts_by_language():
    by_language = {"en": ["absent", "Not detected"], "de": ["nicht nachgewiesen", "absent"]}
    specification, _ = stated(lower=None, upper=None, target=None, accepts=by_language, rejects=["detected"])
    assert specification.accepts == ("absent", "Not detected", "nicht nachgewiesen")
    assert specification.rejects == ("detected",)
    with pytest.raises(MessageRefusedError, match="neither lower nor upper"):
        stated(lower=None, upper=None, rejects=["detected"])


@pytest.fixture
def bench(tmp_path):
    built = Bench(tmp_path)
    with closing(built.connection):
        built.order()
        yield built


def test_laboratory_30_the_missing_unit_is_on_the_disposition(bench):
    bench.result(
        {"sample_id": "S-1", "test_name": "Viscosity", "result": 100.0, "material_lot": "LOT/1", "product": "FG-100"}
    )
    sent = bench.sent("disposition")[-1]
    assert (sent["recommendation"], "UNIT_MISSING" in sent["flags"]) == ("release", True)


@pytest.mark.parametrize(
    ("unit", "sent", "teaches"),
    [("mPa.s", "mPa.s", True), ("mPa.s", None, True), ("%", "%", True), ("%", None, False), ("mg/kg", None, False)],
)
def test_laboratory_30_a_bare_number_teaches_no_model_of_a_fraction(unit, sent, teaches):
    assert _is_in(unit, result(unit=sent)) is teaches
