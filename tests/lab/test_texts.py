"""Each sentence of the laboratory with the parameters that the code gives it, where no other test comes past it."""

import pytest

from gateway.lab.capability import Withheld
from gateway.lab.cause_sentences import AffectedLots, presence_sentence, sigmas_text, tag_sentence
from gateway.lab.charts import Cusum, Ewma
from gateway.lab.control_state import SeriesState, standing
from gateway.lab.disposition import LotState, on_damaged_records
from gateway.lab.lot_reasons import LotReason
from gateway.lab.phase_one import ChartLimits
from gateway.lab.phrases import limits_text, listed
from gateway.lab.release.assessment import Tally
from gateway.lab.release.lot_knowledge import LotContext, LotKnowledge, RefusedResult
from gateway.lab.release.open_points import WITH_OWN_WAY, OpenPoint, Point, WithoutOwnWay
from gateway.lab.release.production import by_context, by_unjudged_results
from gateway.lab.release.recommendation import EarlierHold, recommend, with_history
from gateway.lab.release.refused import by_refused_messages
from gateway.lab.samples import Point as Sample
from gateway.lab.series import Constant, Series
from gateway.lab.trend_reasons import DEPARTED, SIGNALS, departed_reason, rule_name, trend_reason
from gateway.lab.usual import Usual
from gateway.line.spc_rules import RunRule, TrendRules
from gateway.records.laboratory import Recommendation, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

NOW_NS = 1_700_000_000 * 10**9
LIMITS = ChartLimits(center=100.0, sigma=1.0, count=10, mean_moving_range=1.128, overall_sigma=1.0)
USUAL = Usual(center=5.0, sigma=0.5, low=5.0, high=5.0, lots=12)
LOT = LotContext(material_lot_id="L")


def texts_of(assessments):
    return [point.reason.text for assessment in assessments for point in assessment.points]


def no_specification(_analyte, _at_ns, _product, _client_id):
    return ()


def test_limits_and_lists_that_say_nothing_are_said_so():
    assert limits_text(Specification(analyte="A", lower=None, upper=None)) == "no limits"
    assert listed(()) == "none"
    assert listed(("a", "b", "c", "d", "e", "f")) == "a, b, c, d and 2 more"


@pytest.mark.parametrize(
    ("names", "about"),
    [
        ({"test_id": "KF", "sample_id": "S-1"}, "KF of S-1"),
        ({"test_id": "KF"}, "KF"),
        ({"sample_id": "S-1"}, "S-1"),
        ({}, "A message about this lot"),
    ],
)
@pytest.mark.parametrize("code", ["MISSING", "RESULT_VERSION_CONFLICT"])
def test_a_refused_message_is_named_by_what_it_names(names, about, code):
    message = RefusedResult(dead_letter_id="D", at_ns=NOW_NS, reasons=(Reason(code=code, text="It is odd."),), **names)
    lot = LotKnowledge(context=LOT, refused=(message,))
    assert texts_of(by_refused_messages(lot, no_specification)) == [f"{about} could not be understood: It is odd."]


def test_a_refused_message_without_a_reason_names_the_dead_letter():
    lot = LotKnowledge(context=LOT, refused=(RefusedResult(dead_letter_id="D", at_ns=NOW_NS, reasons=()),))
    (sentence,) = texts_of(by_refused_messages(lot, no_specification))
    assert sentence == "A message about this lot could not be understood: see the dead letter"


def test_a_lot_names_the_fields_of_which_production_has_several_values():
    context = LotContext(material_lot_id="L", contradictions=("product", "client", "equipment"))
    (sentence,) = texts_of(by_context(LotKnowledge(context=context)))
    assert sentence == "Production has told several values of this lot's product, client, equipment."


def test_a_lot_says_how_many_results_were_not_judged_again():
    (sentence,) = texts_of(by_unjudged_results(LotKnowledge(context=LOT, left_out=7)))
    assert sentence == "The lot has so many results that 7 of them were not judged again."


@pytest.mark.parametrize("code", sorted({*WITH_OWN_WAY, "OUT_OF_TREND"}))
@pytest.mark.parametrize("asks", [Recommendation.REVIEW, Recommendation.HOLD])
def test_every_point_says_how_it_is_settled(code, asks):
    reason = Reason(code=code, parameters={"recommendation": "review"}, text=".")
    point = Point(point_id="P", code=code, asks=asks, reason=reason)
    way = WithoutOwnWay.ANY_OTHER_POINT.value if code == "OUT_OF_TREND" else code
    if code == OpenPoint.PARENT_IN_QUESTION:
        way = WithoutOwnWay.PARENT_FOR_REVIEW.value
    if asks is Recommendation.HOLD:
        way = WithoutOwnWay.HOLD.value
    assert point.how == text("how_to_settle", way)


def test_what_is_said_of_a_lot():
    state = LotState(recommendation=Recommendation.RELEASE)
    _state, (damaged,) = on_damaged_records(state, (), ("a", "b"))
    assert damaged.text == (
        "2 record(s) behind this lot do not match their hash and were left out; a person must look."
    )
    assert damaged.parameters == {"records": ["a", "b"]}
    _state, (provisional,) = recommend((), Tally(), provisional=("assay", "pH"))
    assert (provisional.code, provisional.parameters) == (LotReason.PROVISIONAL_HOLD, {"analytes": ["assay", "pH"]})
    assert provisional.text == (
        "A model says that assay, pH is out of limits, and the laboratory's result is not there yet."
    )
    (before,) = with_history(state, (), EarlierHold(at_ns=NOW_NS, reasons=()))
    assert before.text == "The lot was recommended for hold before, last at 2023-11-14T22:13:20.000Z."
    why = (Reason(code="C", text="It was out."),)
    (before,) = with_history(state, (), EarlierHold(at_ns=NOW_NS, reasons=why))
    assert before.text == "The lot was recommended for hold before, last at 2023-11-14T22:13:20.000Z: It was out."


@pytest.mark.parametrize("signal", [signal for signal in SIGNALS if signal != DEPARTED])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_every_signal_has_a_sentence_for_both_sides(signal, side):
    recent = (0.5 * side, 2.5 * side)
    cusum = Cusum(high=9.0 * (side > 0), low=9.0 * (side < 0), high_count=4, low_count=4)
    reason = trend_reason(
        signal, name="KF", value="102.5", limits=LIMITS, recent=recent, ewma=Ewma(value=side), cusum=cusum
    )
    assert reason.text.startswith("KF ")
    assert f" ({rule_name(signal)}): " in reason.text
    assert reason.text.endswith("usually 97 to 103.")
    assert reason.text.count("102.5") == 1
    assert reason.parameters["side"] == ("above" if side > 0 else "below")


def test_a_value_that_departs_from_a_constant_has_a_sentence_and_a_name():
    reason = departed_reason(name="KF", value="0.2", constant="<0.1", count=9)
    assert reason.text == "KF 0.2 differs from <0.1, which it always was: 9 samples did not vary."
    assert rule_name(DEPARTED) == "a value that differs"


def test_causes_say_how_far_from_usual_a_tag_was_and_what_was_there():
    far = AffectedLots(own=50.0, mean=40.0, lots=2)
    assert tag_sentence("T1", "degC", USUAL, far) == (
        "T1 was 50 °C, more than 10 sigma higher than the usual 5 °C (all 12 lots in control had that). "
        "Over the 2 lots that failed alike it was 40 °C."
    )
    spread = Usual(center=5.0, sigma=0.5, low=4.0, high=6.0, lots=12)
    assert tag_sentence("T1", "", spread, AffectedLots(own=3.0, mean=3.0, lots=1)) == (
        "T1 was 3, 4.0 sigma lower than the usual 5 (12 lots in control: 4 to 6)."
    )
    shift = Usual(center=0.25, sigma=0.5, low=0.0, high=1.0, lots=12)
    assert presence_sentence("night shift", shift, AffectedLots(own=0.0, mean=0.0, lots=1)) == (
        "night shift was not there; it is in 25% of 12 lots in control."
    )
    assert presence_sentence("night shift", shift, AffectedLots(own=1.0, mean=0.5, lots=4)) == (
        "night shift was there in 50% of 4 lots that failed alike, usually in 25%."
    )
    assert (sigmas_text(12.0), sigmas_text(-12.0), sigmas_text(3.14)) == ("over +10", "over -10", "+3.1")


def samples(*values):
    return [
        Sample(sample_id=f"S-{at}", at_ns=NOW_NS + at * 10**9, value=abs(value), qualifier="<" if value < 0 else None)
        for at, value in enumerate(values)
    ]


RULES = TrendRules(baseline=10, rules=frozenset({RunRule.NELSON_1}))
CONSTANT = Constant(value=1.0, qualifier=None, count=10)


@pytest.mark.parametrize(
    ("series", "values", "state", "sentence"),
    [
        (Series(limits=LIMITS), (100.0,), SeriesState.IN_CONTROL, "97 to 103"),
        (Series(limits=LIMITS), (110.0,), SeriesState.NOT_IN_CONTROL,
         "Nelson 1 by 110 in S-0 at 2023-11-14T22:13:20Z, the newest"),
        (Series(limits=LIMITS), (110.0, 100.0), SeriesState.NOT_IN_CONTROL,
         "Nelson 1 by 110 in S-0 at 2023-11-14T22:13:20Z, 1 sample ago"),
        (Series(limits=LIMITS), (110.0, 100.0, 100.1), SeriesState.NOT_IN_CONTROL,
         "Nelson 1 by 110 in S-0 at 2023-11-14T22:13:20Z, 2 samples ago"),
        (Series(constant=CONSTANT), (1.0,), SeriesState.DOES_NOT_VARY, "1 in 10 samples"),
        (Series(constant=CONSTANT), (1.0, 2.0), SeriesState.DOES_NOT_VARY,
         "1 in 10 samples; 2 in S-1 at 2023-11-14T22:13:21Z"),
        (Series(), (1.0, 2.0, 1.5), SeriesState.TOO_FEW, "3 of 10"),
        (Series(), (1.0, 2.0, -0.5), SeriesState.TOO_FEW, "2 of 10; 1 more beyond what can be measured"),
    ],
)  # fmt: skip
def test_a_series_says_how_it_stands_and_why(series, values, state, sentence):
    stands = standing(series, samples(*values), RULES)
    assert (stands.state, stands.reason) == (state, sentence)


def test_every_reason_to_withhold_a_capability_is_named_as_its_state():
    assert {state.name for state in SeriesState} - {"IN_CONTROL"} <= set(Withheld)
