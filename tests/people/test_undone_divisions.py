"""A part of a lot is put back into it: nothing that is known is lost by it, and nothing is released by it."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.cli.lot_parts import parts_document
from gateway.console.views.lot_parts import part_of, parts_view
from gateway.contract.lot_decisions import basis_sha256
from gateway.decisions import lot_division
from gateway.facts.lot import is_of_rest
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, DecideLot, SettlePoint, SignPending
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.records.lot_parts import OF_REST_ALONE, PART_UNDONE, DivideLot, UndoDivision
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import Role
from gateway.replay.decided_lots import divided_lots
from gateway.store.database import open_state
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import lot_on_record
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from tests.fixtures.certifying import Certifying
from tests.fixtures.deciding import DRUMS, LOT, REST, by
from tests.fixtures.store_bench import viscosity

PART = f"{LOT}/{DRUMS}"
RELEASE, HOLD, REJECT = Verdict.RELEASE, Verdict.HOLD, Verdict.REJECT


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path)
    with closing(bench.connection):
        yield bench


def divided(bench, *parts):
    bench.result(viscosity(100.0))
    for part in parts or (DRUMS,):
        assert bench.divide(part, "100 kg").outcome is ActOutcome.DONE


def of_part(value, **changes):
    return viscosity(value, **{"sample_id": "S-P", "material_lot_id": PART, **changes})


def names(bench):
    return [item.part.name for item in parts_of_lot(bench.connection, LOT).parts]


def messages_of_part(bench):
    rows = bench.rows("SELECT payload, retain FROM outbox WHERE topic LIKE '%/lot-part/%drums 1-10' ORDER BY seq")
    return [(json.loads(payload) if payload else None, bool(retain)) for payload, retain in rows]


# --- the act ---------------------------------------------------------------------------------------------


def test_a_part_is_put_back_with_its_reason_and_its_last_message_says_so_before_it_is_cleared(bench):
    divided(bench)
    answer = bench.put_back()
    assert (answer.outcome, answer.details["part_id"]) == (ActOutcome.DONE, PART)
    assert names(bench) == []
    (last, kept), (cleared, kept_empty) = messages_of_part(bench)[-2:]
    assert (last["flags"], last["part_recommendation"], last["part_decision"]) == ([PART_UNDONE], "pending", None)
    assert (kept, cleared, kept_empty) == (False, None, True)
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'lot_division_undone'")
    assert json.loads(body) | {"part": DRUMS, "reason": "set apart by mistake", "person": "Anna Q."} == json.loads(body)
    assert bench.decide(RELEASE).outcome is ActOutcome.DONE
    assert bench.newest()["decision"]["stands"] is True


def test_only_who_may_divide_puts_back_and_with_a_reason(bench):
    divided(bench)
    assert bench.put_back(user_id="olga").code is ActRefusal.ROLE_NOT_ENTITLED
    assert bench.put_back(reason=" ").outcome is ActOutcome.REFUSED
    assert bench.put_back("drums 7").code is ActRefusal.NO_SUCH_PART
    assert bench.put_back(lot="LOT/9").code is ActRefusal.NO_SUCH_PART
    assert names(bench) == [DRUMS]


def test_the_name_of_a_part_that_was_put_back_is_used_for_nothing_else(bench, monkeypatch):
    divided(bench)
    bench.put_back()
    assert bench.put_back().code is ActRefusal.PART_UNDONE_ALREADY
    for quantity in ("100 kg", "200 kg"):
        assert bench.divide(DRUMS, quantity).code is ActRefusal.PART_NAME_UNDONE
    assert bench.divide("Drums 1-10", "1 kg").code is ActRefusal.PART_NAMED_ALIKE
    monkeypatch.setattr(lot_division, "MOST_NAMES", 2)
    assert bench.divide(REST, "1 kg").outcome is ActOutcome.DONE
    assert bench.divide("drum 21", "1 kg").code is ActRefusal.PARTS_TOO_MANY


def test_what_was_put_back_is_left_of_the_lot_again(bench):
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity="150 kg")
    divided(bench)
    assert bench.divide(REST, "51 kg").code is ActRefusal.PART_TOO_MUCH
    bench.put_back()
    assert bench.divide(REST, "150 kg").outcome is ActOutcome.DONE


# --- what is not put back --------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [RELEASE, HOLD])
def test_a_part_that_somebody_has_decided_on_is_not_put_back(bench, verdict):
    divided(bench)
    bench.decide_part(verdict)
    assert bench.put_back().code is ActRefusal.PART_IS_DECIDED
    bench.result(viscosity(100.5, sample_id="S-2"))
    assert bench.put_back().code is ActRefusal.PART_IS_DECIDED
    bench.connection.execute("DELETE FROM lot_decision WHERE material_lot_id = ?", (PART,))
    assert bench.put_back().outcome is ActOutcome.REFUSED


def test_a_part_with_a_certificate_is_not_put_back(bench):
    bench.made()
    bench.divide()
    bench.draft(part=DRUMS)
    assert bench.put_back().code is ActRefusal.PART_IS_CERTIFIED


KNOWN_OF_PART = {
    "a result": lambda bench: bench.result(of_part(100.0)),
    "a result that was withdrawn": lambda bench: (
        bench.result(of_part(120.0)), bench.result(of_part(120.0, result_version=2, status="rejected"))),
    "a material of it": lambda bench: bench.context("material_consumed", material_lot_id=PART, consumed_lot_id="RAW"),
    "a lot made of it": lambda bench: bench.context("material_consumed", material_lot_id="CHILD", consumed_lot_id=PART),
    "production": lambda bench: bench.context("lot_ended", material_lot_id=PART, equipment_id="R1"),
}  # fmt: skip


@pytest.mark.parametrize("known", KNOWN_OF_PART)
def test_a_part_of_which_something_is_known_by_itself_is_not_put_back(bench, known):
    divided(bench)
    KNOWN_OF_PART[known](bench)
    assert bench.put_back().code is ActRefusal.PART_HAS_RECORDS
    assert names(bench) == [DRUMS]


def test_a_part_that_people_have_looked_at_by_itself_is_not_put_back(bench):
    divided(bench)
    bench.connection.execute(
        "INSERT INTO review_answer (event_id, exception_id, material_lot_id, code, settled, person, role, comment,"
        " at_ns) VALUES ('e', 'x', ?, 'C', 0, 'Anna Q.', 'quality', 'seen', 1)", (PART,))  # fmt: skip
    assert bench.put_back().code is ActRefusal.PART_IS_LOOKED_AT


@pytest.mark.parametrize("script", ["DELETE FROM lot_part", "UPDATE lot_part SET undone = 1"])
def test_nobody_puts_a_part_back_by_hand(bench, script):
    divided(bench)
    bench.decide(RELEASE)
    bench.connection.executescript(script)
    bench.result(viscosity(100.5, sample_id="S-2"))
    newest = bench.newest()
    assert newest["decision"] is None or newest["decision"]["stands"] is False
    assert bench.put_back().code is ActRefusal.LOT_RECORDS_IN_DOUBT
    assert bench.decide(RELEASE).code is ActRefusal.LOT_RECORDS_IN_DOUBT


# --- what becomes of decisions on the lot ----------------------------------------------------------------


def test_a_release_of_the_rest_is_no_release_of_what_is_put_back(bench):
    divided(bench, DRUMS, REST)
    bench.decide_part(RELEASE, REST)
    bench.decide(RELEASE)
    assert OF_REST_ALONE in bench.newest()["flags"]
    bench.put_back()
    assert bench.decision().state is DecisionState.LAPSED
    newest = bench.newest()
    assert newest["decision"] is None or newest["decision"]["stands"] is False
    assert bench.decide(RELEASE).outcome is ActOutcome.DONE
    assert bench.newest()["decision"]["stands"] is True


def test_a_release_of_the_whole_lot_holds_again_where_a_part_was_set_apart_by_mistake(bench):
    bench.result(viscosity(100.0))
    bench.decide(RELEASE)
    bench.divide()
    assert bench.newest()["decision"] is None
    bench.put_back()
    assert bench.newest()["decision"]["stands"] is True


@pytest.mark.parametrize("verdict", [HOLD, REJECT])
def test_a_lot_that_is_held_stays_so_when_a_part_is_put_back(bench, verdict):
    divided(bench)
    bench.decide(verdict)
    bench.put_back()
    assert (bench.recommended(), bench.decision().state) == ("hold", DecisionState.STANDS)


def test_who_has_seen_a_lot_with_other_parts_decides_nothing(bench):
    divided(bench)
    seen = basis_sha256(bench.basis())
    bench.put_back()
    assert bench.decide(RELEASE, basis=seen).code is ActRefusal.LOT_CHANGED
    seen = basis_sha256(bench.basis())
    bench.divide(REST, "1 kg")
    assert bench.decide(RELEASE, basis=seen).code is ActRefusal.LOT_CHANGED


def test_nobody_decides_on_a_part_that_was_put_back(bench):
    divided(bench)
    bench.put_back()
    assert bench.decide_part(RELEASE).code is ActRefusal.PART_IS_UNDONE
    bench.result(viscosity(100.5, sample_id="S-2"))
    act = DecideLot(material_lot_id=PART, verdict=RELEASE, basis_sha256=basis_sha256(bench.basis(PART)),
                    over_open_points=0, part="")  # fmt: skip
    assert bench.act(act, credential=by("anna")).code is ActRefusal.PART_IS_UNDONE
    assert messages_of_part(bench)[-1][0] is None


# --- what comes after it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [100.0, 120.0])
def test_what_is_reported_for_a_part_that_was_put_back_makes_it_one_again_and_its_lot_is_not_released(bench, value):
    divided(bench)
    bench.put_back()
    bench.decide(RELEASE)
    assert bench.newest()["decision"]["stands"] is True
    bench.result(of_part(value))
    newest, part = bench.newest(), bench.newest_part()
    assert newest["decision"] is None
    assert {OF_REST_ALONE, "RELEASE_TAKEN_BACK"} <= set(newest["flags"])
    assert (part["part_decision"], PART_UNDONE in part["flags"]) == (None, True)
    assert messages_of_part(bench)[-1][1] is True
    assert names(bench) == [DRUMS]
    assert bench.put_back().code is ActRefusal.PART_UNDONE_ALREADY
    assert bench.divide(DRUMS, "50 kg").code is ActRefusal.PART_NAME_UNDONE
    released = bench.decide_part(RELEASE)
    assert released.outcome is (ActOutcome.DONE if value == 100.0 else ActOutcome.REFUSED)
    newest = bench.newest()
    assert (newest["decision"] is not None and newest["decision"]["stands"]) is (value == 100.0)


def test_a_part_that_was_put_back_is_sent_no_more_whatever_happens_to_its_lot(bench):
    divided(bench)
    bench.put_back()
    before = messages_of_part(bench)
    bench.result(viscosity(120.0, sample_id="S-2"))
    bench.decide(REJECT)
    bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="RAW")
    bench.context("lot_closed", material_lot_id=LOT)
    assert messages_of_part(bench) == before


def test_what_is_made_of_a_part_that_was_put_back_hangs_on_its_lot(bench):
    divided(bench)
    bench.put_back()
    bench.context("material_consumed", material_lot_id="CHILD", consumed_lot_id=PART)
    bench.result(viscosity(100.0, sample_id="S-C", material_lot_id="CHILD", material_definition_id="FG-100"))
    assert bench.recommended("CHILD") == "release"
    bench.decide(REJECT)
    assert bench.recommended("CHILD") == "review"


def test_a_point_of_the_lot_is_settled_as_before(bench):
    divided(bench)
    bench.put_back()
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))
    (item,) = lot_on_record(bench.connection, LOT).open_points
    settle = SettlePoint(material_lot_id=LOT, point_id=item.point.point_id)
    assert bench.act(settle, credential=by("anna")).outcome is ActOutcome.DONE


# --- what people read ------------------------------------------------------------------------------------


def test_people_read_that_a_part_was_put_back_and_that_something_was_reported_since(bench):
    divided(bench)
    bench.put_back()
    known = lot_on_record(bench.connection, PART)
    assert parts_document(bench.connection, known)["part_of"]["put_back"] is True
    assert part_of(known.part).undone is True
    assert parts_document(bench.connection, lot_on_record(bench.connection, LOT)) == {}
    bench.result(of_part(100.0))
    document = parts_document(bench.connection, lot_on_record(bench.connection, LOT))
    assert document["parts"][0]["reported_after_undoing"] is True
    (shown,) = parts_view(parts_of_lot(bench.connection, LOT))
    assert shown.undone is True
    (lot,) = [node for node in trace(bench.connection, LOT) if node.kind == "lot"]
    (part,) = [node for node in lot.children if node.kind == "part"]
    assert (part.details["undone"], part.details["reason"]) == (1, "set apart by mistake")
    assert [item.undone for item in divided_lots(bench.connection)] == [False, True]


# --- attacks ---------------------------------------------------------------------------------------------


def of_two(bench):
    bench.line = replace(bench.line, signatures={ActKind.DECIDE_LOT: SignaturePolicy(roles=(Role.QUALITY,), count=2)})


def signed_by_bert(bench, pending):
    assert pending.outcome is ActOutcome.PENDING
    sign = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
    return bench.act(sign, credential=by("bert"))


def test_a_release_of_the_rest_that_waits_for_a_signature_does_not_become_one_of_the_whole_lot(bench):
    divided(bench)
    of_two(bench)
    pending = bench.decide(RELEASE)
    assert bench.put_back().outcome is ActOutcome.DONE
    assert signed_by_bert(bench, pending).code is ActRefusal.SUBJECT_CHANGED
    assert bench.decision() is None


def test_a_release_of_the_whole_lot_that_waits_for_a_signature_is_none_of_a_rest(bench):
    bench.result(viscosity(100.0))
    of_two(bench)
    pending = bench.decide(RELEASE)
    bench.divide()
    assert signed_by_bert(bench, pending).code is ActRefusal.SUBJECT_CHANGED


def test_a_part_whose_release_waits_for_a_signature_is_not_put_back(bench):
    divided(bench)
    of_two(bench)
    pending = bench.decide_part(RELEASE)
    assert bench.put_back().code is ActRefusal.PART_IS_DECIDED
    assert signed_by_bert(bench, pending).outcome is ActOutcome.DONE
    assert bench.newest_part()["part_decision"]["stands"] is True


@pytest.mark.parametrize("first", ["put back", "decided"])
def test_of_two_terminals_that_put_back_and_decide_at_once_the_second_is_refused(bench, first):
    divided(bench)
    seen = basis_sha256(bench.basis(PART))
    decide = DecideLot(material_lot_id=PART, verdict=RELEASE, basis_sha256=seen, over_open_points=0, part=DRUMS)
    acts = {"decided": (decide, by("bert")), "put back": (UndoDivision(material_lot_id=LOT, part=DRUMS), by("anna"))}
    order = (first, *(acts.keys() - {first}))
    answers = [bench.act(acts[name][0], credential=acts[name][1]) for name in order]
    assert [answer.outcome for answer in answers] == [ActOutcome.DONE, ActOutcome.REFUSED]


def test_where_no_gateway_runs_nobody_reads_a_release_of_the_rest_as_one_of_the_lot_before_it_is_judged(bench):
    divided(bench)
    bench.decide(RELEASE)
    with_gateway, bench.commit = bench.commit, bench.commit_without_gateway
    assert bench.put_back().outcome is ActOutcome.DONE
    bench.commit = with_gateway
    parts = parts_of_lot(bench.connection, LOT).parts
    assert (parts, bench.decision().state) == ((), DecisionState.STANDS)
    assert is_of_rest(bench.decision(), parts)
    assert lot_on_record(bench.connection, LOT).waits_to_be_judged
    assert bench.decide(RELEASE).outcome is ActOutcome.REFUSED
    bench.follow_up_all()
    assert bench.decision().state is DecisionState.LAPSED


def test_what_a_kill_leaves_between_two_commits_is_done_after_the_next_start(bench):
    bench.sign(bench.released())
    bench.now_ns += SECOND_NS
    act = DivideLot(material_lot_id=LOT, part=DRUMS, quantity="1 kg")
    assert bench.act(act, credential=by("anna")).outcome is ActOutcome.DONE
    assert bench.newest()["decision"] is None  # the release is taken back with the division itself
    with closing(open_state(bench.directory)) as bench.connection:
        bench.follow_up()
        assert [item.state.value for item in bench.certificates()] == ["questioned"]


def test_a_result_that_moves_from_the_lot_to_its_part_stays_against_the_lot(bench):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.result(viscosity(120.0, sample_id="S-9", result_version=1))
    bench.result(viscosity(120.0, sample_id="S-9", result_version=2, material_lot_id=PART))
    assert bench.recommended() != "release"
    assert bench.newest_part()["part_recommendation"] == "hold"
    assert bench.put_back().code is ActRefusal.PART_HAS_RECORDS


def test_what_names_a_part_in_the_moment_it_is_put_back_is_not_lost(bench):
    divided(bench)
    bench.decide(RELEASE)
    bench.put_back()
    bench.decide(RELEASE)
    bench.result(of_part(120.0))
    bench.result(of_part(100.0, result_version=2))
    assert bench.newest()["decision"] is None
    assert names(bench) == [DRUMS]
