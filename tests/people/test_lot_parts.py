"""A part of a lot has a disposition and decisions of its own; all that speaks against its lot speaks against it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.advice.provisional import IN_A_ROW
from gateway.cli.lot_decision import decision_document, show_decision
from gateway.console.views.lot import lot_view
from gateway.console.views.lots import lots_view
from gateway.contract.quantities import stated_quantity, unclear_quantity
from gateway.contract.sinks.rule import messages_of
from gateway.contract.times import rfc3339
from gateway.decisions import lot_division
from gateway.interfaces import state_reading
from gateway.line.sinks import SinkMessage
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, SettlePoint
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.store.deliveries import why_not_released
from gateway.store.queries import reviews
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import lot_on_record
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from tests.fixtures.deciding import DRUMS, LOT, REST, Deciding, by
from tests.fixtures.seeing import SEES_ALL
from tests.fixtures.store_bench import viscosity

PART = f"{LOT}/{DRUMS}"
RELEASE, HOLD, REJECT = Verdict.RELEASE, Verdict.HOLD, Verdict.REJECT
WHOLLY_OUT = 75.0  # degC: a viscosity of 112


@pytest.fixture
def bench(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        yield bench


def of_part(value, **changes):
    return viscosity(value, **{"sample_id": "S-P", "material_lot_id": PART, **changes})


def released(bench):
    """Have the part of a good lot released."""
    bench.result(viscosity(100.0))
    bench.divide()
    assert bench.decide_part(RELEASE).outcome is ActOutcome.DONE
    assert bench.newest_part()["part_decision"]["stands"] is True


# --- dividing --------------------------------------------------------------------------------------------


def test_a_part_is_a_record_with_a_line_in_the_trail_and_says_nothing_of_its_lot(bench):
    bench.result(viscosity(100.0))
    before = bench.sent("disposition")
    answer = bench.divide()
    assert (answer.outcome, answer.details["part_id"], answer.details["quantity"]) == (ActOutcome.DONE, PART, "2000 kg")
    assert bench.sent("disposition") == before
    told = bench.newest_part()
    assert (told["part"], told["part_of_lot"], told["quantity"], told["unit"]) == (DRUMS, LOT, "2000", "kg")
    assert (told["part_recommendation"], told["part_decision"]) == ("release", None)
    assert not {"material_lot_id", "job_order_id", "recommendation", "decision"} & told.keys()
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'lot_divided'")
    assert '"part":"drums 1-10"' in body
    assert '"reason":"for Acme"' in body


def test_a_part_of_a_lot_that_nothing_is_measured_of_is_pending_and_can_be_held(bench):
    bench.divide()
    assert bench.newest_part()["part_recommendation"] == "pending"
    assert bench.decide_part(RELEASE).code is ActRefusal.NOTHING_FOR_RELEASE
    assert bench.decide_part(HOLD).outcome is ActOutcome.DONE
    assert bench.newest_part()["part_decision"]["decision"] == "hold"


UNCLEAR = ("", " drums", "drums 1|2", "drums/1", "drums 1 & 2", "drums 1, 2", "1 + 2", "d\u0000", "a\u200bb", "x" * 61)


def test_a_name_that_is_not_plainly_one_is_refused(bench):
    for name in UNCLEAR:
        assert bench.divide(name).code is ActRefusal.PART_NAME_UNCLEAR, name


def test_names_that_only_look_alike_are_refused(bench):
    bench.divide()
    for name in ("Drums 1-10", "drums 1 - 10", "drums  1-10", "drums 01-10", "drums 1\u201310"):
        assert bench.divide(name, "1 kg").code in {ActRefusal.PART_NAMED_ALIKE, ActRefusal.PART_NAME_UNCLEAR}, name
    assert bench.divide("drums 11-0", "1 kg").outcome is ActOutcome.DONE


def test_what_production_calls_a_lot_is_no_part(bench):
    bench.context("lot_started", material_lot_id=PART, equipment_id="R2", material_definition_id="FG-100")
    assert bench.divide().code is ActRefusal.PART_IS_A_LOT


def test_a_quantity_that_is_not_certain_is_refused(bench):
    for quantity in ("", "kg", "2000", "-5 kg", "0 kg", "2,000 kg", "2.000 kg", "1e3 kg", "NaN kg"):
        assert bench.divide(quantity=quantity).code is ActRefusal.PART_QUANTITY_UNCLEAR, quantity


def test_parts_are_never_more_than_production_says_the_lot_is_whatever_their_units(bench):
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity=3000, unit="kg")
    assert bench.divide(quantity="2.5 t").outcome is ActOutcome.DONE
    refused = bench.divide(REST, "500.0000001 kg")
    assert (refused.code, refused.parameters["rest"]) == (ActRefusal.PART_TOO_MUCH, "500 kg")
    assert bench.divide(REST, "500 L").code is ActRefusal.PART_UNIT_DIFFERS
    assert bench.divide(REST, "500000 g").outcome is ActOutcome.DONE
    assert bench.divide("drum 21", "1 mg").code is ActRefusal.PART_TOO_MUCH


def test_a_quantity_that_production_does_not_say_is_unknown_and_a_unit_must_fit_the_other_parts(bench):
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="about 3 tons", unit="")
    assert bench.divide(quantity="10 drums").outcome is ActOutcome.DONE
    assert bench.divide(REST, "2000 kg").code is ActRefusal.PART_UNIT_DIFFERS
    assert bench.divide(REST, "10 drums").outcome is ActOutcome.DONE
    bench.result(viscosity(100.0))
    assert (bench.recommended(), bench.newest_part()["part_recommendation"]) == ("review", "review")
    assert bench.decide_part(RELEASE, over=1).code is ActRefusal.LOT_POINTS_FIRST


def test_who_corrects_the_quantity_of_a_released_part_decides_on_it_again(bench):
    released(bench)
    assert bench.divide().code is ActRefusal.PART_DECLARED_ALREADY
    assert bench.divide(quantity="2100 kg").outcome is ActOutcome.DONE
    told = bench.newest_part()
    assert (told["quantity"], told["part_decision"]["stands"]) == ("2100", False)


def test_parts_that_are_more_than_production_says_later_are_not_released_and_what_was_lapses(bench):
    released(bench)
    assert bench.decide(RELEASE).outcome is ActOutcome.DONE
    assert bench.newest()["decision"]["stands"] is True
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="1.5 t")
    assert (bench.newest()["recommendation"], bench.newest()["decision"]["stands"]) == ("review", False)
    told = bench.newest_part()
    assert (told["part_recommendation"], told["part_decision"]["stands"]) == ("review", False)
    assert told["part_reasons"][0]["text"] == (
        "The parts of the lot are 2 t together, more than the 1.5 t that production states.")  # fmt: skip
    assert bench.decide_part(RELEASE, over=1).code is ActRefusal.LOT_POINTS_FIRST
    assert bench.decide(RELEASE, over=1).code is ActRefusal.LOT_POINTS_FIRST
    assert bench.divide(quantity="1600 kg").code is ActRefusal.PART_TOO_MUCH
    assert bench.divide(quantity="1400 kg").outcome is ActOutcome.DONE
    assert (bench.recommended(), bench.newest_part()["part_recommendation"]) == ("release", "release")
    assert bench.decide_part(RELEASE).outcome is ActOutcome.DONE


UNCLEAR_QUANTITIES = (
    ("1e3", "kg"), (-5, "kg"), (0, "kg"), ("1,500", "kg"), ([1500], "kg"), (True, "kg"), ("1500", 7), (1500, None),
    ("about half", None), ("5-6 kg", None), ({"value": None, "unit": "kg"}, None), ({}, None),
)  # fmt: skip


def test_a_quantity_that_production_states_unclearly_is_kept_as_it_is_written():
    for value, unit in UNCLEAR_QUANTITIES:
        assert stated_quantity(value, unit) is None, value
        assert unclear_quantity(value, unit), value
    assert unclear_quantity("1e3", "kg") == "1e3 kg"
    for nothing in (None, "", "  "):
        assert unclear_quantity(nothing, "kg") is None
    assert unclear_quantity("3 t", None) is unclear_quantity(3, "t") is None


@pytest.mark.parametrize("said", [{"quantity": 20, "unit": "drums"}, {"quantity": "1e3", "unit": "kg"}])
def test_what_production_says_of_a_quantity_that_cannot_be_compared_takes_every_release_back(bench, said):
    bench.context("lot_started", material_lot_id=LOT, equipment_id="R1", quantity="3 t")
    released(bench)
    bench.decide(RELEASE)
    assert bench.newest()["decision"]["stands"] is True
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", **said)
    newest, part = bench.newest(), bench.newest_part()
    assert (newest["recommendation"], newest["decision"]["stands"]) == ("review", False)
    assert (part["part_recommendation"], part["part_decision"]["stands"]) == ("review", False)
    assert newest["reasons"][0]["code"] == part["part_reasons"][0]["code"] == "PARTS_NOT_COMPARABLE"
    assert newest["reasons"][0]["text"].startswith(
        "Whether the parts of the lot (2000 kg) are within it cannot be told"
    )
    for refused in (bench.decide_part(RELEASE, over=1), bench.decide(RELEASE, over=1)):
        assert refused.code is ActRefusal.LOT_POINTS_FIRST
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="2500 kg")
    assert (bench.newest()["recommendation"], bench.newest()["decision"]["stands"]) == ("release", False)
    assert bench.decide_part(RELEASE).outcome is bench.decide(RELEASE).outcome is ActOutcome.DONE


def test_two_quantities_at_once_that_do_not_compare_take_releases_back_and_an_older_word_does_not(bench):
    released(bench)
    at = rfc3339(bench.now_ns + 5 * SECOND_NS)
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", at=at, quantity="3 t")
    bench.decide_part(RELEASE)
    earlier = rfc3339(bench.now_ns - 60 * SECOND_NS)
    bench.context("lot_started", material_lot_id=LOT, equipment_id="R1", at=earlier, quantity="some")
    assert bench.newest_part()["part_decision"]["stands"] is True
    bench.context("lot_closed", material_lot_id=LOT, equipment_id="R1", at=at, quantity="20 drums")
    assert bench.newest_part()["part_decision"]["stands"] is False


def test_a_part_is_corrected_to_the_unit_of_production_though_another_differs_still(bench):
    bench.divide()
    bench.divide(REST, "1000 kg")
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="20 drums")
    bench.result(viscosity(100.0))
    assert bench.divide("drum 21", "1 drums").code is ActRefusal.PART_UNIT_DIFFERS
    for part in (DRUMS, REST):
        assert bench.newest_part(part)["part_recommendation"] == "review"
        assert bench.divide(part, "10 drums").outcome is ActOutcome.DONE
    assert bench.newest_part()["part_recommendation"] == bench.newest_part(REST)["part_recommendation"] == "release"


def test_quality_settles_for_the_lot_that_its_parts_cannot_be_compared_and_another_word_asks_again(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="20 drums")
    (item,) = lot_on_record(bench.connection, LOT).open_points
    settle = SettlePoint(material_lot_id=LOT, point_id=item.point.point_id)
    assert bench.act(settle, credential=by("anna"), reason="weighed").outcome is ActOutcome.DONE
    assert (bench.recommended(), bench.newest_part()["part_recommendation"]) == ("release", "release")
    bench.context("lot_closed", material_lot_id=LOT, equipment_id="R1", quantity="19 drums")
    assert bench.recommended() == "review"


def test_what_a_lot_without_parts_is_said_to_be_speaks_against_nothing(bench):
    bench.result(viscosity(100.0))
    bench.decide(RELEASE)
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="some")
    assert bench.recommended() == "release"
    assert bench.decision().state is DecisionState.STANDS


def test_a_lot_has_so_many_parts_and_no_more(bench, monkeypatch):
    monkeypatch.setattr(lot_division, "MOST_PARTS", 1)
    bench.divide()
    assert bench.divide(REST).code is ActRefusal.PARTS_TOO_MANY
    assert bench.divide(quantity="1 t").outcome is ActOutcome.DONE


def test_a_part_is_not_divided_and_an_unknown_lot_has_no_parts(bench):
    bench.divide()
    assert bench.divide("drum 1", "1 kg", lot=PART).code is ActRefusal.PART_OF_A_PART
    assert bench.divide(lot="LOT/9").code is ActRefusal.PART_OF_UNKNOWN_LOT


def test_only_quality_and_supervisors_divide_and_with_a_reason(bench):
    assert bench.divide(user_id="olga").code is ActRefusal.ROLE_NOT_ENTITLED
    assert bench.divide(reason=" ").outcome is ActOutcome.REFUSED
    assert bench.rows("SELECT count(*) FROM lot_part") == [(0,)]


def test_a_quantity_may_be_one_value_with_its_unit_and_none_is_smaller_than_can_be_weighed():
    stated = {"value": 1200, "unit": "kg"}
    assert str(stated_quantity(stated, None)) == str(stated_quantity(stated, "kg")) == "1200 kg"
    assert str(stated_quantity({"value": "2.5", "unit": "t"}, None)) == "2.5 t"
    for unclear in ({}, {"value": 1200}, {"value": stated, "unit": "kg"}, {"value": 1200, "unit": ["kg"]}):
        assert stated_quantity(unclear, None) is None, unclear
    assert stated_quantity(stated, "t") is stated_quantity(stated, ["kg"]) is stated_quantity(1e-20, "kg") is None
    assert str(stated_quantity(0.1 + 0.2, "t")) == "0.30000000000000004 t"


def test_a_quantity_of_a_lot_that_was_edited_limits_nothing_so_nothing_is_divided_or_released_by_it(bench):
    bench.result(viscosity(100.0))
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity=3000, unit="kg")
    bench.divide()
    bench.connection.execute(
        "UPDATE context_change SET body = json_remove(body, '$.quantity') WHERE kind = 'lot_ended'"
    )
    assert bench.divide(REST, "2000 kg").code is ActRefusal.LOT_RECORDS_IN_DOUBT
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_RECORDS_IN_DOUBT


# --- deciding on a part ----------------------------------------------------------------------------------


def test_a_release_of_a_part_releases_neither_its_lot_nor_another_part(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.divide(REST)
    before = bench.sent("disposition")
    bench.decide_part(RELEASE)
    assert bench.sent("disposition") == before
    assert bench.decision() is None
    assert bench.newest_part(REST)["part_decision"] is None
    decision = bench.newest_part()["part_decision"]
    assert (decision["stands"], decision["meaning"]) == (True, f"decision: release of part {PART}")


def test_who_does_not_name_the_part_decides_on_none(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    assert bench.decide_part(RELEASE, named="").code is ActRefusal.PART_NOT_NAMED
    assert bench.decide_part(RELEASE, named=REST).code is ActRefusal.PART_NOT_NAMED


def test_results_of_the_parts_own_samples_count_for_the_part_and_for_nothing_else(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.divide(REST)
    bench.result(of_part(120.0))
    assert bench.newest_part()["part_recommendation"] == "hold"
    assert (bench.recommended(), bench.newest_part(REST)["part_recommendation"]) == ("release", "release")
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_HELD
    assert [item["material_lot_id"] for item in bench.sent("guidance")] == [PART]


def test_a_result_of_the_part_judged_by_the_product_of_its_lot(bench):
    bench.divide()
    bench.result(of_part(100.0))
    told = bench.newest_part()
    assert (told["part_recommendation"], told["rests_on_results"][0]["sample_id"]) == ("release", "S-P")
    assert bench.recommended() == "pending"


def predicted_out(bench):
    for _ in range(IN_A_ROW):
        bench.now_ns += SECOND_NS
        bench.model_due(WHOLLY_OUT)


WHAT_ENDS_A_RELEASE = {
    "a result that fails": lambda bench: bench.result(viscosity(120.0, sample_id="S-2")),
    "a result that is good": lambda bench: bench.result(viscosity(100.5, sample_id="S-2")),
    "a correction": lambda bench: bench.result(viscosity(100.2, result_version=2)),
    "a result that is withdrawn": lambda bench: bench.result(viscosity(100.0, result_version=2, status="rejected")),
    "a result of the part": lambda bench: bench.result(of_part(100.0)),
    "a material in question": lambda bench: bench.context(
        "material_consumed", material_lot_id=LOT, consumed_lot_id="BAD"
    ),
    "a rejection of the lot": lambda bench: bench.decide(REJECT),
    "a hold of the lot": lambda bench: bench.decide(HOLD),
    "damage to a result of the lot": lambda bench: (
        bench.connection.execute("UPDATE lab_result SET body = replace(body, '100', '101')"),
        bench.result(viscosity(100.5, sample_id="S-2")),
    ),
    "damage to what is assessed of the lot": lambda bench: (
        bench.connection.execute(
            "UPDATE assessment SET asks = 'release', body = '{}' WHERE material_lot_id = ?", (LOT,)
        ),
        bench.result(of_part(100.0)),
    ),
    "a prediction that holds the lot": predicted_out,
    "another quantity": lambda bench: bench.divide(quantity="2100 kg"),
}


@pytest.mark.parametrize("what", WHAT_ENDS_A_RELEASE)
def test_whatever_ends_a_release_of_the_lot_ends_that_of_its_part(bench, what):
    bench.result(viscosity(120.0, sample_id="S-B", material_lot_id="BAD", material_definition_id="FG-100"))
    released(bench)
    WHAT_ENDS_A_RELEASE[what](bench)
    assert bench.newest_part()["part_decision"]["stands"] is False
    assert decision_of_lot(bench.connection, PART).decision.state is DecisionState.LAPSED
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'lot_decision_lapsed' AND subject = ?", PART) == [(1,)]


def test_what_a_model_holds_of_the_lot_no_result_of_a_part_lets_out(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    predicted_out(bench)
    assert bench.newest_part()["part_recommendation"] == "hold"
    drawn = rfc3339(bench.now_ns)
    bench.now_ns += 10 * SECOND_NS
    bench.result(of_part(100.0, sampled_at=drawn))
    assert (bench.newest_part()["part_recommendation"], bench.recommended()) == ("hold", "hold")
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_HELD
    bench.decide_part(HOLD)
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_HELD
    bench.result(viscosity(100.0, sample_id="S-3", sampled_at=drawn))
    assert bench.decide_part(RELEASE).outcome is ActOutcome.DONE


def test_what_was_reported_for_the_part_before_it_was_set_apart_counts_for_it(bench):
    bench.result(of_part(100.0))
    bench.divide()
    assert bench.newest_part()["part_recommendation"] == "release"
    bench.result(of_part(120.0, result_version=2))
    assert bench.newest_part()["part_recommendation"] == "hold"


def test_what_production_says_otherwise_of_the_part_is_a_point_against_it(bench):
    released(bench)
    at_part = {"material_lot_id": PART, "equipment_id": "R2"}
    bench.context("lot_started", **at_part, material_definition_id="FG-200")
    told = bench.newest_part()
    assert (told["part_recommendation"], told["part_decision"]["stands"]) == ("review", False)
    assert told["part_reasons"][0]["code"] == "CONTEXT_CONTRADICTED"
    bench.result(
        viscosity(120.0, sample_id="S-9", material_lot_id=None, equipment_id="R2", sampled_at=rfc3339(bench.now_ns))
    )
    held = bench.newest_part()["rests_on_results"]
    assert bench.newest_part()["part_recommendation"] == "hold"
    bench.result(viscosity(100.0, sample_id="S-2"))
    assert bench.newest_part()["part_recommendation"] == "hold"
    assert {result["sample_id"] for result in held} <= {
        result["sample_id"] for result in bench.newest_part()["rests_on_results"]}  # fmt: skip
    bench.context("lot_closed", **at_part)
    assert bench.rows("SELECT count(*) FROM outbox WHERE payload = x'' AND topic LIKE '%/lot-part/%'") == [(1,)]


def test_other_systems_that_read_the_lots_of_a_line_read_no_part_as_one(bench):
    released(bench)
    lines = lots_view(bench.connection, SEES_ALL, query="", before=2**62).lots
    assert {line.material_lot_id: line.part_of for line in lines} == {LOT: None, PART: LOT}
    snapshot = SimpleNamespace(line=bench.line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_reading, "MOST_LOTS", 1)  # the newest is the part: it takes no place of a lot
        assert [lot.material_lot_id for lot in state_reading._lots(bench.connection, snapshot)] == [LOT]


@pytest.mark.parametrize("verdict", [REJECT, HOLD])
def test_no_part_of_a_lot_that_a_person_rejects_or_keeps_is_released(bench, verdict):
    released(bench)
    bench.decide(verdict)
    assert bench.newest_part()["part_recommendation"] == "hold"
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_HELD
    bench.decide(RELEASE)
    assert bench.newest_part()["part_decision"]["stands"] is False  # only another judgement releases it
    assert bench.decide_part(RELEASE).outcome is ActOutcome.DONE


def test_a_rejection_that_was_taken_out_by_hand_releases_no_part(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(REJECT)
    bench.connection.execute("DELETE FROM lot_decision WHERE material_lot_id = ?", (LOT,))
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_RECORDS_IN_DOUBT


def test_a_part_whose_declaration_was_taken_out_by_hand_is_released_by_nobody(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(REJECT)
    bench.connection.execute("DELETE FROM lot_part")
    for named in ("", DRUMS):
        assert bench.decide_part(RELEASE, named=named).outcome is ActOutcome.REFUSED


def test_a_part_is_released_over_points_of_its_lot_as_a_lot_is_and_the_record_names_them(bench):
    bench.result(viscosity(100.0))
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))
    bench.divide()
    assert bench.newest_part()["part_recommendation"] == "review"
    assert bench.decide_part(RELEASE).code is ActRefusal.LOT_POINTS_OPEN
    answer = bench.decide_part(RELEASE, over=1, reason="the drums were filled before")
    assert answer.outcome is ActOutcome.DONE
    told = bench.newest_part()
    assert (told["part_decision"]["stands"], told["part_decision"]["reason"]) == (True, "the drums were filled before")


def test_a_point_of_the_lot_is_settled_for_the_lot_and_then_for_its_part(bench):
    bench.result(viscosity(100.0))
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))
    bench.divide()
    (item,) = lot_on_record(bench.connection, PART).open_points
    assert item.can_be_settled is False
    at_part = SettlePoint(material_lot_id=PART, point_id=item.point.point_id)
    assert bench.act(at_part, credential=by("anna")).code is ActRefusal.POINT_OF_WHOLE_LOT
    at_lot = SettlePoint(material_lot_id=LOT, point_id=item.point.point_id)
    assert bench.act(at_lot, credential=by("anna")).outcome is ActOutcome.DONE
    known = lot_on_record(bench.connection, PART)
    assert (known.recommendation.value, known.open_points, len(known.settled)) == ("release", (), 1)


def test_a_review_that_a_release_needs_is_needed_for_a_part_too(bench, monkeypatch):
    bench.line = replace(bench.line, review=replace(bench.line.review, required_for_release=True))
    bench.result(viscosity(100.0))
    bench.divide()
    assert bench.decide_part(RELEASE).code is ActRefusal.REVIEW_NOT_SIGNED
    part = lot_on_record(bench.connection, PART).part
    asked = []

    def standing(lot):
        return lambda _connection, _line, name, **_at: asked.append(name) or name == lot

    for lot, stands in ((LOT, True), (PART, False)):  # nothing names the part: the review of its lot is enough
        monkeypatch.setattr(reviews, "_review_stands", standing(lot))
        assert reviews.reviews_stand(bench.connection, bench.line, PART, part, at_ns=bench.now_ns) is stands
    assert asked == [LOT, LOT]


def test_a_part_that_was_taken_out_by_hand_makes_its_lot_not_whole_and_neither_it_nor_another_part_is_released(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.divide(REST)
    bench.decide_part(HOLD)
    bench.connection.execute("DELETE FROM lot_part WHERE part_id = ?", (PART,))
    assert bench.decide(RELEASE).code is ActRefusal.LOT_RECORDS_IN_DOUBT
    assert bench.decide_part(RELEASE, REST).code is ActRefusal.LOT_RECORDS_IN_DOUBT
    assert bench.divide("drum 21", "1 kg").code is ActRefusal.LOT_RECORDS_IN_DOUBT
    bench.result(viscosity(100.5, sample_id="S-2"))
    assert bench.newest_part(REST)["part_decision"] is None
    assert bench.newest_part(REST)["part_recommendation"] != "release"


@pytest.mark.parametrize("script", [
    "DELETE FROM lot_part",
    "UPDATE lot_part SET material_lot_id = 'LOT/2'",
    "UPDATE lot_part SET body = replace(body, '2000', '1')",
])  # fmt: skip
def test_a_released_lot_whose_part_is_taken_out_by_hand_is_told_to_nobody_as_a_release(bench, script):
    bench.result(viscosity(100.0))
    bench.decide(RELEASE)
    bench.divide()
    bench.decide_part(HOLD)
    waiting = SimpleNamespace(material_lot_id=LOT, message_id=bench.newest()["id"], ordered_by=f"lot {LOT}")
    bench.connection.executescript(script)
    assert why_not_released(bench.connection, "mes", waiting) is not None
    bench.result(viscosity(100.5, sample_id="S-2"))
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]) == ("hold", None) or not newest["decision"]["stands"]
    assert "release" not in told(newest)
    assert bench.decide(RELEASE).outcome is ActOutcome.REFUSED


# --- the whole lot ---------------------------------------------------------------------------------------


def test_people_read_of_which_a_release_is(bench, capsys):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(RELEASE)

    def read(lot=LOT):
        show_decision(bench.connection, decision_of_lot(bench.connection, lot))
        view = lot_view(bench.connection, SimpleNamespace(line=bench.line, seen=SEES_ALL.seen), lot)
        document = decision_document(bench.connection, lot)["decision"]
        assert view.decision.of_rest_alone is document["of_rest_alone"]
        return document["of_rest_alone"], " ".join(capsys.readouterr().out.split())

    of_rest, text = read()
    assert of_rest is True
    assert "decided: release of the rest alone, by Anna Q." in text
    assert "the lot as a whole is not released" in text
    bench.decide_part(RELEASE)
    for lot in (LOT, PART):
        of_rest, text = read(lot)
        assert of_rest is False
        assert "decided: release by Anna Q." in text
    bench.decide_part(HOLD)
    assert read()[0] is True
    bench.decide(HOLD)
    of_rest, text = read()
    assert of_rest is False
    assert "decided: hold by Anna Q." in text


@pytest.mark.parametrize("verdict", [None, HOLD, REJECT])
def test_a_release_of_the_lot_releases_no_part_and_is_told_as_one_of_the_rest(bench, verdict):
    bench.result(viscosity(100.0))
    bench.divide()
    if verdict is not None:
        bench.decide_part(verdict)
    assert bench.decide(RELEASE).outcome is ActOutcome.DONE
    newest = bench.newest()
    assert (newest["decision"], newest["decision_on_rest"]["decision"]) == (None, "release")
    assert newest["decision_on_rest"]["meaning"] == f"decision: release of the rest of lot {LOT}, without its parts"
    assert "OF_REST_ALONE" in newest["flags"]
    decision = decision_of_lot(bench.connection, PART).decision
    assert decision is None or decision.verdict is verdict


def test_the_lot_is_told_as_released_once_its_last_part_is_and_no_more_once_one_is_not(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(RELEASE)
    bench.decide_part(RELEASE)
    newest = bench.newest()
    assert (newest["decision"]["stands"], "decision_on_rest" in newest, newest["flags"]) == (
        True, False, ["JUDGED_AGAIN"])  # fmt: skip
    bench.decide_part(HOLD)
    newest = bench.newest()
    assert (newest["decision"], newest["decision_on_rest"]["stands"]) == (None, True)
    assert {"OF_REST_ALONE", "RELEASE_TAKEN_BACK"} <= set(newest["flags"])
    bench.divide(REST)
    assert "RELEASE_TAKEN_BACK" not in bench.newest()["flags"] or bench.newest() == newest


def test_who_was_told_of_a_release_is_told_when_a_part_is_set_apart_after_it(bench):
    bench.result(viscosity(100.0))
    bench.decide(RELEASE)
    assert bench.newest()["decision"]["stands"] is True
    bench.divide()
    newest = bench.newest()
    assert (newest["decision"], newest["recommendation"]) == (None, "release")
    assert {"OF_REST_ALONE", "RELEASE_TAKEN_BACK"} <= set(newest["flags"])


def told(document):
    return [kind.value for kind in messages_of(SinkMessage.DISPOSITION, document)]


def test_no_system_is_told_of_a_release_of_the_lot_while_a_part_is_not_released_and_of_its_end_as_a_hold(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(RELEASE)
    assert told(bench.newest()) == ["disposition"]
    bench.decide_part(RELEASE)
    assert told(bench.newest()) == ["release", "disposition"]
    bench.decide_part(REJECT)
    assert told(bench.newest()) == ["hold", "disposition"]


def test_a_release_that_waits_to_be_sent_is_not_sent_once_a_part_is_not_released(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide(RELEASE)
    bench.decide_part(RELEASE)
    waiting = SimpleNamespace(material_lot_id=LOT, message_id=bench.newest()["id"], ordered_by=f"lot {LOT}")
    assert why_not_released(bench.connection, "mes", waiting) is None
    bench.connection.execute("DELETE FROM lot_decision WHERE material_lot_id = ?", (PART,))
    assert why_not_released(bench.connection, "mes", waiting) == "a part of the lot is not released"


def test_what_is_known_of_a_part_belongs_to_the_client_of_its_lot(bench):
    bench.result(viscosity(100.0, client_id="ACME"))
    bench.divide()
    assert bench.rows("SELECT client_id FROM lot_scope WHERE material_lot_id = ?", PART) == [("ACME",)]


def test_a_trace_leads_from_a_lot_to_its_parts_and_back(bench):
    released(bench)
    (lot,) = [node for node in trace(bench.connection, LOT) if node.kind == "lot"]
    (part,) = [node for node in lot.children if node.kind == "part"]
    assert (part.id, part.details["quantity"], part.details["person"]) == (PART, "2000 kg", "Anna Q.")
    kinds = {node.kind for node in trace(bench.connection, PART)}
    assert kinds == {"lot", "part"}


# --- what is made of it ----------------------------------------------------------------------------------


def made_of(bench, consumed):
    bench.context("material_consumed", material_lot_id="CHILD", consumed_lot_id=consumed)
    bench.result(viscosity(100.0, sample_id="S-C", material_lot_id="CHILD", material_definition_id="FG-100"))


def test_what_is_made_of_a_part_hangs_on_the_part_and_on_what_its_lot_is_made_of(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.divide(REST)
    made_of(bench, PART)
    assert bench.recommended("CHILD") == "release"
    bench.decide_part(REJECT, REST)
    assert bench.recommended("CHILD") == "release"
    bench.decide_part(REJECT)
    assert bench.recommended("CHILD") == "review"
    assert [item.material_lot_id for item in lot_on_record(bench.connection, "CHILD").parents] == [PART]


def test_what_is_made_of_a_lot_may_have_been_made_of_any_of_its_parts(bench):
    bench.result(viscosity(100.0))
    made_of(bench, LOT)
    bench.divide()
    assert bench.recommended("CHILD") == "release"
    bench.decide_part(REJECT)
    assert bench.recommended("CHILD") == "review"
    assert [item.material_lot_id for item in lot_on_record(bench.connection, "CHILD").parents] == [PART]


def test_a_material_of_the_lot_reaches_what_is_made_of_its_part(bench):
    bench.result(viscosity(100.0))
    bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="RAW")
    bench.divide()
    made_of(bench, PART)
    bench.result(viscosity(120.0, sample_id="S-R", material_lot_id="RAW", material_definition_id="FG-100"))
    assert bench.recommended("CHILD") == "review"
    assert "RAW" in [item.material_lot_id for item in lot_on_record(bench.connection, "CHILD").parents]


def test_a_closed_lot_takes_its_parts_from_the_broker(bench):
    released(bench)
    bench.context("lot_closed", material_lot_id=LOT)
    cleared = bench.rows("SELECT topic FROM outbox WHERE payload = x'' AND topic LIKE '%/lot-part/%'")
    assert [topic.rsplit("/lot-part/", 1)[1] for (topic,) in cleared] == ["LOT%2F1/drums 1-10"]


# --- whatever comes, in any order ------------------------------------------------------------------------

VALUES = st.sampled_from([100.0, 101.0, 120.0])
STEP = st.one_of(
    st.tuples(st.just("result"), VALUES),
    st.tuples(st.just("result of the part"), VALUES),
    st.tuples(st.just("correction"), VALUES),
    st.tuples(st.just("withdrawal"), st.none()),
    st.tuples(st.just("material"), st.none()),
    st.tuples(st.just("decision on the lot"), st.sampled_from(Verdict)),
    st.tuples(st.just("decision on the part"), st.sampled_from(Verdict)),
    st.tuples(st.just("decision on the part"), st.just(RELEASE)),
    st.tuples(st.just("quantity"), st.integers(1, 2)),
)
OF_PARTS = {"result of the part", "decision on the part", "quantity"}


class Story:
    """A store in which people and the laboratory act, and whether a release of the part may stand by now."""

    def __init__(self, directory):
        self.bench = Deciding(directory)
        self.bench.connection.execute("PRAGMA synchronous = OFF")
        self.samples, self.samples_of_part = 0, 0
        self.may_stand, self.held_by_person = False, False
        self.newest = None  # the newest sample of the lot, with its version

    def step(self, what, value):
        """Do a step; whatever is new of the lot or the part ends a release of the part."""
        ended = getattr(self, what.replace(" ", "_"))(value)
        self.may_stand = self.may_stand and not ended

    def result(self, value):
        self.samples += 1
        self.newest = (f"S-{self.samples}", 1)
        self.bench.result(viscosity(value, sample_id=self.newest[0], result_version=1))
        return True

    def result_of_the_part(self, value):
        self.samples_of_part += 1
        self.bench.result(of_part(value, sample_id=f"P-{self.samples_of_part}"))
        return True

    def correction(self, value, **changes):
        if self.newest is None:
            return False
        sample, version = self.newest
        self.newest = (sample, version + 1)
        corrected = viscosity(value + version / 100, sample_id=sample, result_version=version + 1, **changes)
        self.bench.result(corrected)
        return True

    def withdrawal(self, _value):
        return self.correction(100.0, status="rejected")

    def material(self, _value):
        self.samples += 1
        lot = f"BAD-{self.samples}"
        sample = {"sample_id": lot, "material_lot_id": lot, "material_definition_id": "FG-100"}
        self.bench.result(viscosity(120.0, **sample))
        self.bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id=lot)
        return True

    def decision_on_the_lot(self, verdict):
        known = lot_on_record(self.bench.connection, LOT)
        if known.disposition is None:
            return False
        done = self.bench.decide(verdict, over=len(known.against_release)).outcome is ActOutcome.DONE
        before, holds = self.held_by_person, verdict is not RELEASE
        self.held_by_person = holds if done else before
        return done and (before or holds)

    def decision_on_the_part(self, verdict):
        over = len(lot_on_record(self.bench.connection, PART).against_release)
        done = self.bench.decide_part(verdict, over=over).outcome is ActOutcome.DONE
        self.may_stand = verdict is RELEASE if done else self.may_stand
        return False

    def quantity(self, tons):
        return self.bench.divide(quantity=f"{tons} t").outcome is ActOutcome.DONE

    def of_lot(self):
        """What is said of the lot, whatever of its parts."""
        known, decision = lot_on_record(self.bench.connection, LOT), self.bench.decision()
        return (
            known.recommendation, known.latched, [(item.point.code, item.point.reason) for item in known.open_points],
            None if decision is None else (decision.verdict, decision.state),
        )  # fmt: skip


@settings(max_examples=8)
@given(st.lists(STEP, min_size=4, max_size=14))
def test_in_any_order_no_part_is_released_that_must_not_be_and_nothing_of_a_part_is_said_of_its_lot(steps):
    with TemporaryDirectory() as divided, TemporaryDirectory() as whole:
        story, without = Story(Path(divided)), Story(Path(whole))
        with closing(story.bench.connection), closing(without.bench.connection):
            story.bench.divide(quantity="3 t")
            for what, value in steps:
                without.bench.now_ns = story.bench.now_ns
                story.step(what, value)
                if what not in OF_PARTS:
                    without.step(what, value)
                told = story.bench.newest_part()
                released = told["part_decision"] is not None and told["part_decision"]["decision"] == "release"
                stands = released and told["part_decision"]["stands"]
                assert stands == story.may_stand, (what, value)
                assert not (stands and told["part_recommendation"] == "hold")
                assert story.of_lot() == without.of_lot(), (what, value)
                told_of_lot = [item for item in story.bench.sent("disposition") if item["material_lot_id"] == LOT][-1:]
                assert all(item["decision"] is None or item["decision"]["decision"] != "release" or stands
                           or not item["decision"]["stands"] for item in told_of_lot)  # fmt: skip
            assert not [item for item in story.bench.sent("disposition") if item["material_lot_id"] == PART]
