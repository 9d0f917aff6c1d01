"""Quality decides on a lot by a signature over the facts that were shown; other facts end the decision."""

import json
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.advice.provisional import IN_A_ROW
from gateway.console.views.lots import lots_view
from gateway.contract.lims.lab_results import LimsInterface
from gateway.contract.lot_decisions import basis_sha256
from gateway.contract.times import rfc3339
from gateway.database.opening import open_for_writing
from gateway.decisions.lot_decision import on_decide_lot
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.ingest.lims import understand_results
from gateway.people.signing import SIGNABLE
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, DecideLot, SignPending
from gateway.records.laboratory import Recommendation, ResultStatus
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import CredentialKind, Role
from gateway.replay.decided_lots import decided_lots, divided_lots
from gateway.replay.recorded import Recording, Stretch, epoch, recorded_events
from gateway.replay.rerun import rerun
from gateway.store.database import read_state
from gateway.store.queries.lot_decisions import basis_of
from gateway.store.queries.lots import lot_on_record
from gateway.store.statements import SQL
from gateway.store.transaction import decide_batch
from gateway.time_units import SECOND_NS
from tests.fixtures.deciding import LOT, Deciding, by
from tests.fixtures.seeing import SEES_ALL
from tests.fixtures.store_bench import Bench, viscosity


@pytest.fixture
def bench(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        yield bench


def test_a_release_stands_in_the_disposition_with_name_role_time_and_meaning(bench):
    bench.result(viscosity(100.0))
    assert bench.newest()["decision"] is None
    answer = bench.decide(Verdict.RELEASE)
    assert (answer.outcome, answer.details["decision"]) == (ActOutcome.DONE, "release")
    decision = bench.newest()["decision"]
    assert (decision["decision"], decision["by"], decision["role"], decision["stands"]) == (
        "release", "Anna Q.", "quality", True)  # fmt: skip
    assert decision["meaning"] == "decision: release of lot LOT/1"
    assert decision["at"].endswith("Z")
    assert decision["signature_id"] == answer.details["signature_ids"][0]
    assert bench.newest()["recommendation"] == "release"
    assert bench.decision().state is DecisionState.STANDS
    assert "decided already" in bench.decide(Verdict.RELEASE).why


def test_new_facts_end_a_release_and_one_that_fails_holds_the_lot(bench):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    bench.result(viscosity(120.0, sample_id="S-2"))
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]["stands"]) == ("hold", False)
    assert bench.decision().state is DecisionState.LAPSED
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'lot_decision_lapsed'") == [(1,)]
    assert "holds lot" in bench.decide(Verdict.RELEASE).why
    bench.result(viscosity(120.0, sample_id="S-3"))
    assert bench.newest()["decision"]["stands"] is False
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'lot_decision_lapsed'") == [(1,)]


def test_a_good_result_after_a_release_asks_again_too(bench):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    bench.result(viscosity(100.5, sample_id="S-2"))
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]["stands"]) == ("release", False)
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    assert bench.newest()["decision"]["stands"] is True


def test_a_result_that_repeats_what_is_known_leaves_the_decision(bench):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    bench.result(viscosity(100.0))
    assert bench.decision().state is DecisionState.STANDS


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.HOLD])
def test_a_lot_that_a_person_rejects_or_keeps_is_held_whatever_comes_and_so_is_what_is_made_of_it(bench, verdict):
    bench.result(viscosity(100.0))
    bench.context("material_consumed", material_lot_id="CHILD", consumed_lot_id=LOT)
    bench.result(viscosity(100.0, sample_id="S-C", material_lot_id="CHILD", material_definition_id="FG-100"))
    bench.decide(verdict)
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]["decision"], newest["decision"]["stands"]) == (
        "hold", verdict.value, True)  # fmt: skip
    assert newest["reasons"][0]["code"] == "DECIDED_BY_QUALITY"
    assert "Anna Q." in newest["reasons"][0]["text"]
    assert bench.recommended("CHILD") in {"hold", "review"}
    bench.result(viscosity(100.0, sample_id="S-2"))
    assert (bench.recommended(), bench.newest()["decision"]["stands"]) == ("hold", False)


def test_quality_lifts_its_own_hold_by_another_decision_and_nothing_else_does(bench):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.HOLD)
    bench.result(viscosity(100.1, sample_id="S-2"))
    assert bench.recommended() == "hold"
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]["decision"], newest["decision"]["stands"]) == (
        "release", "release", True)  # fmt: skip


def test_a_held_lot_is_not_released_by_a_decision_also_where_quality_holds_it_too(bench):
    bench.result(viscosity(120.0))
    assert "does not release what is out" in bench.decide(Verdict.RELEASE).why
    assert bench.decide(Verdict.REJECT).outcome is ActOutcome.DONE
    assert "does not release what is out" in bench.decide(Verdict.RELEASE).why
    assert bench.recommended() == "hold"


def test_a_lot_for_review_is_released_with_a_reason_and_stays_for_review_where_it_is_not(bench):
    bench.result(viscosity(100.0))
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))
    assert bench.recommended() == "review"
    assert bench.decide(Verdict.RELEASE, over=1).outcome is ActOutcome.DONE
    assert (bench.newest()["recommendation"], bench.newest()["decision"]["stands"]) == ("review", True)


WHOLLY_OUT = 75.0  # degC: a viscosity of 112


def predicted_out(bench):
    for _ in range(IN_A_ROW):
        bench.now_ns += SECOND_NS
        bench.model_due(WHOLLY_OUT)


def test_a_model_that_holds_a_released_lot_ends_the_release_at_once_and_says_so(bench):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    predicted_out(bench)
    newest = bench.newest()
    assert (newest["recommendation"], newest["provisional"]) == ("hold", True)
    assert (newest["decision"]["decision"], newest["decision"]["stands"]) == ("release", False)
    assert bench.decision().state is DecisionState.LAPSED
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'lot_decision_lapsed'") == [(1,)]
    assert "holds lot" in bench.decide(Verdict.RELEASE).why


@pytest.mark.parametrize("steps", [(predicted_out, Verdict.HOLD), (Verdict.HOLD, predicted_out)])
def test_a_hold_by_quality_between_does_not_let_out_what_a_model_holds(bench, steps):
    bench.result(viscosity(100.0))
    for step in steps:
        if isinstance(step, Verdict):
            assert bench.decide(step).outcome is ActOutcome.DONE
        else:
            step(bench)
    assert bench.newest()["decision"]["decision"] == "hold"
    assert "holds lot" in bench.decide(Verdict.RELEASE).why
    drawn = rfc3339(bench.now_ns)
    bench.now_ns += 10 * SECOND_NS
    bench.result(viscosity(100.0, sample_id="S-2", sampled_at=drawn))
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    assert (bench.newest()["recommendation"], bench.newest()["decision"]["stands"]) == ("release", True)


@pytest.mark.parametrize("lot_row", ["DELETE FROM lot", "SELECT 1"])
def test_a_failed_result_that_was_taken_out_of_the_store_releases_no_lot(bench, lot_row):
    bench.result(viscosity(100.0))
    bench.result(viscosity(120.0, sample_id="S-2"))
    for edit in (
        "DELETE FROM assessment WHERE asks = 'hold'",
        "DELETE FROM lab_result WHERE body LIKE '%S-2%'",
        "DELETE FROM disposition WHERE recommendation = 'hold'",
        lot_row,
    ):
        bench.connection.execute(edit)
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.REFUSED
    assert bench.decision() is None


REHASHED = (
    "UPDATE lot SET hash = evidence_hash('lot', CAST(material_lot_id AS BLOB), CAST(job_order_id AS BLOB), "
    "CAST(material_definition_id AS BLOB), CAST(client_id AS BLOB), CAST(equipment_id AS BLOB), started_ns, ended_ns, "
    "closed_ns, CAST(recommendation AS BLOB), latched)"
)


@pytest.mark.parametrize(
    "edits",
    [
        ("UPDATE lot SET hash = 'x'",),
        ("UPDATE lot SET recommendation = 'release', hash = 'x'",),
        ("UPDATE lot SET recommendation = 'pending'", REHASHED),
        ("UPDATE lot SET recommendation = 'review'", REHASHED, "UPDATE lab_result SET body = replace(body, '1', '2')"),
    ],
)
def test_a_held_lot_whose_rows_were_edited_looks_no_better_anywhere_and_stays_held(bench, edits):
    bench.result(viscosity(120.0))
    for edit in edits:
        bench.connection.execute(edit)
    (line,) = [
        item for item in lots_view(bench.connection, SEES_ALL, query="", before=9).lots if item.material_lot_id == LOT
    ]
    assert (line.recommendation, line.damaged) == (Recommendation.HOLD, True)
    known = lot_on_record(bench.connection, LOT)
    assert (known.recommendation, bool(known.damaged)) == (Recommendation.HOLD, True)
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.REFUSED
    bench.result(viscosity(100.0, sample_id="S-2"))
    assert bench.newest()["recommendation"] == "hold"


def test_a_lot_whose_row_says_what_is_no_recommendation_is_held_and_goes_on_being_judged(bench):
    bench.result(viscosity(100.0))
    bench.connection.execute("UPDATE lot SET recommendation = 'released'")
    assert lots_view(bench.connection, SEES_ALL, query="", before=9).lots[0].recommendation is Recommendation.HOLD
    bench.result(viscosity(120.0, sample_id="S-2"))
    assert bench.newest()["recommendation"] == "hold"


def test_a_lot_whose_row_and_failed_result_were_both_edited_is_held_by_what_the_trail_says(bench):
    bench.result(viscosity(120.0))
    bench.connection.execute("UPDATE lab_result SET hash = 'x'")
    bench.connection.execute("UPDATE assessment SET hash = 'x'")
    bench.connection.execute("UPDATE lot SET recommendation = 'release', hash = 'x'")
    bench.result(viscosity(100.0, sample_id="S-2"))
    assert bench.newest()["recommendation"] == "hold"


def test_what_the_trail_says_of_a_lot_is_looked_up_and_not_searched_for(bench):
    for statement in ("newest_line_about_lot", "console_lots", "console_lot_in_progress"):
        parameters = {"material_lot_id": LOT, "query": "", "before": 9, "most": 9, "with_parts": 1}
        plan = [row[3] for row in bench.connection.execute(f"EXPLAIN QUERY PLAN {SQL[statement]}", parameters)]
        of_trail = [step for step in plan if " audit " in f"{step} "]
        assert of_trail
        assert all("USING INDEX audit_about_lot (<expr>=?)" in step for step in of_trail), plan


def require_ph(bench):
    (viscosity_of_product, *_others) = bench.line.specifications
    ph = replace(viscosity_of_product, analyte="ph", required=True)
    bench.line = replace(bench.line, specifications=(*bench.line.specifications, ph))
    bench.result(viscosity(100.0))


def latch_damage(bench):
    bench.result(viscosity(100.0))
    bench.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('EVIDENCE_DAMAGED', 1, '{}')")


def damage(bench):
    bench.result(viscosity(100.0))
    bench.connection.execute("UPDATE assessment SET asks = 'release', failed = 1")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (Bench.with_users, "nothing of lot"),
        (require_ph, "has no approved result of: ph"),
        (latch_damage, "in doubt"),
        (damage, "damaged or in doubt"),
    ],
)
def test_nothing_is_released_that_is_not_known_to_be_good(bench, prepare, why):
    prepare(bench)
    known = lot_on_record(bench.connection, LOT)
    basis = "0" if known is None or basis_of(bench.connection, known) is None else None
    answer = bench.decide(Verdict.RELEASE, basis=basis)
    assert answer.outcome is ActOutcome.REFUSED
    assert why in answer.why
    assert bench.decision() is None


def test_who_has_seen_other_facts_decides_nothing(bench):
    bench.result(viscosity(100.0))
    seen = basis_sha256(bench.basis())
    bench.result(viscosity(100.5, sample_id="S-2"))
    assert "has changed since it was shown" in bench.decide(Verdict.RELEASE, basis=seen).why
    assert bench.decision() is None


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.REJECT])
def test_nobody_releases_over_a_decision_that_they_have_not_seen(bench, verdict):
    bench.result(viscosity(100.0))
    seen = basis_sha256(bench.basis())
    bench.decide(verdict, "bert", basis=seen)
    assert "has changed since it was shown" in bench.decide(Verdict.RELEASE, basis=seen).why
    assert (bench.decision().verdict, bench.recommended()) == (verdict, "hold")
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE  # who has seen it may replace it


def test_a_release_that_waits_is_not_done_over_a_decision_made_meanwhile(bench):
    bench.line = replace(bench.line, signatures={ActKind.DECIDE_LOT: SignaturePolicy(roles=(Role.QUALITY,), count=2)})
    bench.result(viscosity(100.0))
    waiting = {}
    for verdict, author in ((Verdict.RELEASE, "anna"), (Verdict.REJECT, "bert")):
        waiting[verdict] = bench.decide(verdict, author).details
    answers = {}
    for verdict, signer in ((Verdict.REJECT, "anna"), (Verdict.RELEASE, "bert")):
        sign = SignPending(record_id=waiting[verdict]["record_id"], sha256=waiting[verdict]["sha256"])
        answers[verdict] = bench.act(sign, credential=by(signer))
    assert answers[Verdict.REJECT].outcome is ActOutcome.DONE
    assert "has changed" in answers[Verdict.RELEASE].why
    assert (bench.decision().verdict, bench.recommended()) == (Verdict.REJECT, "hold")


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
def test_a_decision_without_a_reason_that_can_be_read_is_none(bench, reason):
    bench.result(viscosity(100.0))
    assert "a reason is needed" in bench.decide(Verdict.RELEASE, reason=reason).why
    assert bench.decision() is None


def test_nobody_but_quality_decides_on_a_lot_and_never_by_a_session(bench):
    bench.result(viscosity(100.0))
    assert "is not for olga" in bench.decide(Verdict.RELEASE, "olga").why
    act = DecideLot(material_lot_id=LOT, verdict=Verdict.RELEASE, basis_sha256=basis_sha256(bench.basis()))
    assert "your password" in bench.act(act, credential=by("anna", CredentialKind.SESSION)).why
    assert bench.decision() is None


def test_two_people_release_and_facts_that_come_between_them_refuse_the_second(bench):
    bench.line = replace(bench.line, signatures={ActKind.DECIDE_LOT: SignaturePolicy(roles=(Role.QUALITY,), count=2)})
    bench.result(viscosity(100.0))
    pending = bench.decide(Verdict.RELEASE)
    assert pending.outcome is ActOutcome.PENDING
    assert bench.newest()["decision"] is None
    bench.result(viscosity(120.0, sample_id="S-2"))
    sign = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
    assert "has changed" in bench.act(sign, credential=by("bert")).why
    assert bench.decision() is None
    pending = bench.decide(Verdict.REJECT)
    sign = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
    assert bench.act(sign, credential=by("bert")).outcome is ActOutcome.DONE
    assert bench.newest()["decision"]["signed_by"] == ["Anna Q.", "Bert Q."]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE lot_decision SET verdict = 'release', body = replace(body, 'reject', 'release')",
        "UPDATE signature SET printed_name = 'Somebody'",
        "UPDATE signed_record SET body = replace(body, 'reject', 'release')",
        "DELETE FROM signature",
        "DELETE FROM signing_state",
    ],
)
def test_a_decision_edited_by_hand_does_not_free_the_lot(bench, edit):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.REJECT)
    bench.connection.execute(edit)
    bench.result(viscosity(100.0, sample_id="S-2"))
    assert bench.recommended() in {"hold", "review"}
    assert "in doubt" in bench.decide(Verdict.RELEASE).why


def test_a_decision_on_a_lot_is_always_signed():
    assert SIGNABLE[ActKind.DECIDE_LOT].least == 1


def test_a_replay_lets_decisions_stand_and_sends_the_same_bytes(bench, tmp_path):
    bench.result(viscosity(100.0))
    bench.divide()
    bench.decide_part(Verdict.RELEASE)
    bench.decide(Verdict.REJECT)
    bench.now_ns += SECOND_NS
    bench.result(viscosity(100.5, sample_id="S-2"))
    stretch = Stretch(from_ns=0, until_ns=bench.now_ns + SECOND_NS)
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph", "Viscosity": "viscosity"},
                      assume_status=ResultStatus.VALIDATED)
    )  # fmt: skip
    with closing(open_for_writing(tmp_path / HISTORY_FILE, HISTORY)) as history:
        recording = Recording(events=recorded_events(bench.connection, stretch, understand=understand), stretch=stretch,
                              epoch=epoch(bench.connection), decided=decided_lots(bench.connection),
                              divided=divided_lots(bench.connection))  # fmt: skip
        known = KnownThen(RecordedHistory(history, []), {}, start_ns=stretch.from_ns, end_ns=stretch.until_ns)
        rerun(recording, line=replace(bench.line, models=()), history=known, folder=tmp_path / "replay")
    with closing(read_state(tmp_path / "replay")) as connection:
        rows = connection.execute("SELECT payload FROM outbox WHERE topic LIKE '%/disposition/%' ORDER BY seq")
        again = [json.loads(payload) for (payload,) in rows]
        of_parts = "SELECT payload FROM outbox WHERE topic LIKE '%/lot-part/%' ORDER BY seq"
        parts_again = [tuple(row) for row in connection.execute(of_parts)]
    assert parts_again == bench.rows(of_parts) != []
    then = [document for document in bench.sent("disposition") if document["material_lot_id"] == LOT]
    assert [document["recommendation"] for document in again] == ["release", "hold", "hold"]
    assert [document["decision"] for document in again] == [document["decision"] for document in then]


def test_a_lot_that_waits_to_be_judged_is_not_decided_on(bench):
    bench.result(viscosity(100.0))
    basis = basis_sha256(bench.basis())
    bench.connection.execute("INSERT INTO lot_to_judge (material_lot_id, cause, at_ns) VALUES (?, '', 1)", (LOT,))
    assert bench.decide(Verdict.RELEASE, basis=basis).code is ActRefusal.LOT_ABOUT_TO_BE_JUDGED


def test_a_lot_of_which_nothing_final_is_known_is_not_released(bench):
    bench.result(viscosity(100.0))
    basis = replace(bench.basis(), recommendation=Recommendation.PENDING, missing_tests=())
    act = DecideLot(material_lot_id=LOT, verdict=Verdict.RELEASE, basis_sha256=basis_sha256(basis))
    facts = SimpleNamespace(
        basis=basis, decision=None, waits=False, damaged_records=(), latches=(), part=None, parts=()
    )
    answer = on_decide_lot(SimpleNamespace(act=act, reason="inspected"), facts).answer
    assert answer.code is ActRefusal.NOTHING_FOR_RELEASE


def test_an_act_that_the_gateway_cannot_decide_changes_nothing_and_the_person_is_told(bench, monkeypatch):
    def failing(_event, _facts):
        raise ValueError("a mistake of the program")

    bench.result(viscosity(100.0))
    basis = basis_sha256(bench.basis())
    monkeypatch.setattr(decide_batch, "decide", failing)
    answer = bench.decide(Verdict.RELEASE, basis=basis)
    assert (answer.code, answer.parameters) == (ActRefusal.COULD_NOT_DECIDE, {"error": "ValueError"})
    assert bench.decision() is None
