"""The bank of questions: how many are answered with the expected facts, how many others are refused, and rights."""

import time
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.copilot.answers import Outcome
from gateway.copilot.intents import INTENTS
from gateway.copilot.question import LONGEST_QUESTION
from gateway.copilot.readers.reasons import shown_reasons
from gateway.lab.lot_reasons import LotReason, lot_reason
from gateway.people.rights import EVERYBODY
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import DivideLot
from gateway.records.sight import NOBODYS_CLIENT, Sight
from gateway.records.users import Role
from gateway.texts.catalogue import catalogue
from tests.copilot.plant import GUEST, HOSTILE, asking, decided, made
from tests.fixtures.deciding import by
from tests.fixtures.store_bench import viscosity

BANK = tomllib.loads((Path(__file__).parent / "bank.toml").read_text(encoding="utf-8"))["case"]
THIRD_HAND = tomllib.loads((Path(__file__).parent / "third_hand.toml").read_text(encoding="utf-8"))["case"]
ASKED = [(case, text) for case in BANK for text in case["asks"]]
OF_CARL = ("CL-500", "S-CL-500", "Carl", "102.0", "102,0")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    plant = made(tmp_path_factory.mktemp("copilot"))
    with closing(plant.connection), asking(plant) as ask:
        ask.plant = plant
        yield ask


def _is_right(answer, case):
    values = " | ".join((answer.text, *(f"{fact.name} {fact.value}" for fact in answer.facts)))
    return (
        answer.outcome == case.get("outcome", "answered")
        and case.get("intent", answer.intent) == answer.intent
        and all(fact in values for fact in case.get("facts", ()))
        and set(case.get("choices", ())) == set(answer.choices)
    )


def test_the_bank_is_answered_with_the_expected_facts_and_what_has_no_answer_is_refused(ask, record_property):
    everything = [*ASKED, *((case, text) for case in THIRD_HAND for text in case["asks"])]
    assert len(everything) >= 150
    answerable = [(case, text) for case, text in everything if case.get("outcome") != "not_answered"]
    others = [(case, text) for case, text in everything if case.get("outcome") == "not_answered"]
    wrong = [text for case, text in answerable if not _is_right(ask(text), case)]
    answered = [text for case, text in others if ask(text).outcome is not Outcome.NOT_ANSWERED]
    accuracy, refusals = 1 - len(wrong) / len(answerable), 1 - len(answered) / len(others)
    record_property("accuracy", accuracy)
    record_property("refusals", refusals)
    assert accuracy >= 0.95, wrong
    assert refusals >= 0.98, answered


def test_every_answer_names_the_records_that_it_comes_from_and_who_knows_more_where_there_is_none(ask):
    for case, text in ASKED:
        answer = ask(text)
        if answer.outcome is Outcome.ANSWERED:
            assert answer.sources or answer.intent in {"open_guidance", "running_lot"}, text
        if case.get("outcome") == "not_answered":
            assert answer.contact, text
        assert answer.as_of_ns > 0


def test_an_answer_is_in_the_language_of_its_question(ask):
    assert ask("Wie hoch ist der pH-Wert der Charge LOT-12345?").text.startswith("pH der Charge LOT-12345 ist 7,1")
    assert ask("What is the pH of lot LOT-12345?", language="de").text.startswith("pH of lot LOT-12345 is 7.1")
    assert ask("LOT-12345", language="de").language == "de"


def test_records_of_a_client_are_said_to_nobody_who_may_not_see_them(ask):
    others = ({"sight": NOBODYS_CLIENT}, {"sight": Sight(clients=frozenset({"Carla"}))}, GUEST)
    about = ("status of lot CL-500", "viscosity of lot CL-500", '"CL-500"', "results of sample S-CL-500", "find CL-500",
             "Which lots used R-7?", "last viscosity results", "What was lot CL-500 made of?", "who released CL-500",
             "supplier Acme", "Which lot is running on R2?", "What is the status of lot 500?")  # fmt: skip
    for asker in others:
        for text in (*about, *(text for _, text in ASKED)):
            answer = ask(text, **asker)
            said = " ".join((answer.text, *map(str, answer.facts), *map(str, answer.sources), *answer.choices))
            if answer.outcome is Outcome.ANSWERED:
                assert not [word for word in OF_CARL[:3] if word in said], (text, said)
    assert "CL-500" in ask("Which lots used R-7?").text
    assert ask("status of lot CL-500", sight=NOBODYS_CLIENT).outcome is Outcome.NOTHING_ON_RECORD
    assert ask("status of lot CL-500", sight=Sight(clients=frozenset({"Carl"}))).outcome is Outcome.ANSWERED


def test_what_names_no_client_itself_is_its_lots(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        plant.result(viscosity(112.5, sample_id="S-LATE", material_lot_id="CL-600", product="FG-100"))
        plant.follow()
        lot = {"material_lot_id": "CL-600", "client_id": "Carl", "job_order_id": "WO-9", "equipment_id": "R2"}
        plant.context("lot_started", **lot)
        with asking(plant) as ask:
            for text in ("results of sample S-LATE", "last viscosity results", "find CL-600", "find 112.5",
                         "deviations", "What is open right now?", "viscosity of lot CL-600"):  # fmt: skip
                seen, hidden = ask(text), ask(text, sight=NOBODYS_CLIENT)
                assert "CL-600" in str((seen.text, seen.facts, seen.sources)), text
                assert "CL-600" not in str((hidden.facts, hidden.sources)), text
                assert "112.5" not in str((hidden.text, hidden.facts)), text


def test_a_guest_at_a_terminal_hears_nothing_of_people(ask):
    for case, text in ASKED:
        answer = ask(text, **GUEST)
        assert "Anna" not in str((answer.text, answer.facts)), text
        if case.get("intent") and not INTENTS[case["intent"]].guests:
            assert answer.outcome in {Outcome.NOT_FOR_YOU, Outcome.NOT_ANSWERED}, text
            assert answer.facts == ()


def test_a_question_that_its_role_may_not_ask_is_not_answered(ask, monkeypatch):
    row = INTENTS["supplier"]
    monkeypatch.setattr("gateway.copilot.understanding.INTENTS", {"supplier": _only_for(row, Role.QUALITY)})
    assert ask("supplier Acme", roles=frozenset({Role.OPERATOR})).outcome is Outcome.NOT_FOR_YOU
    assert ask("supplier Acme", roles=frozenset({Role.QUALITY})).outcome is Outcome.ANSWERED


def _only_for(row, role):
    fields = {name: getattr(row, name) for name in row.__slots__}
    return type(row)(**{**fields, "roles": frozenset({role})})


def test_a_name_in_quotes_is_that_lot_and_no_other(ask):
    assert ask('status of lot "LOT-77A"').outcome is Outcome.ANSWERED
    assert ask("status of LOT-77A and LOT-77B").outcome is Outcome.ASKS_BACK


def test_names_that_only_look_alike_are_asked_back(ask):
    plant = ask.plant
    plant.context("lot_started", material_lot_id="LOT-12E45", job_order_id="WO-1", equipment_id="R1")
    plant.context("lot_started", material_lot_id="lot 0012E45", job_order_id="WO-1", equipment_id="R1")
    answer = ask("status of lot LOT-12E45")
    assert (answer.outcome, set(answer.choices)) == (Outcome.ASKS_BACK, {"LOT-12E45", "lot 0012E45"})


def test_a_word_with_a_slip_is_taken_for_what_it_may_be_and_the_answer_says_so_first(ask):
    answer = ask("viscosty of lot 2001")
    assert answer.text.startswith('"viscosty" is taken as Viscosity. Viscosity of lot LOT-2001 is')
    assert ask("viscosity of lot 2001").text.startswith("Viscosity of lot LOT-2001 is")


def test_a_word_that_may_be_two_tests_is_asked_back_and_a_figure_in_it_is_no_slip(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        tests = {"nitrate": ("NO3", "Nitrate"), "nitrite": ("NO2", "Nitrite"), "omega3": ("O3", "Omega3")}
        plant.line = replace(plant.line, lab_tests={**plant.line.lab_tests, **tests})
        with asking(plant) as ask:
            answer = ask("nitrote of lot 12345")
            assert (answer.outcome, set(answer.choices)) == (Outcome.ASKS_BACK, {"nitrate", "nitrite"})
            assert ask("omega6 of lot 12345").outcome is Outcome.NOT_ANSWERED
            assert ask("omega3 of lot 12345").outcome is Outcome.NOTHING_ON_RECORD


def test_of_many_results_those_outside_are_said_first_and_the_rest_is_counted(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        for number in range(9):
            plant.ph("LOT-12345", 6.1 if number == 0 else 7.0, sample=f"P-{number}")
        with asking(plant) as ask:
            answer = ask("pH of lot 12345")
    assert answer.text.startswith("pH of lot LOT-12345 is 6.1: OUTSIDE the limits")
    assert "4 more results are on record" in answer.text


def test_what_is_missing_for_a_release_names_a_decision_a_review_and_a_certificate_that_it_waits_for(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        with asking(plant) as ask:
            assert "Nothing speaks against" in ask("what is missing for the release of LOT-12345").text
        plant.line = replace(plant.line, review=replace(plant.line.review, required_for_release=True))
        decided(plant, "LOT-12345", Verdict.REJECT, "smells")
        with asking(plant) as ask:
            answer = ask("what is missing for the release of LOT-12345")
            guest = ask("what is missing for the release of LOT-12345", **GUEST)
            why = ask("why is lot LOT-12345 on hold?", **GUEST)
            person = ask("why is lot LOT-12345 on hold?")
    assert "Nothing speaks against" not in answer.text
    assert "A signed review of its record is missing." in answer.text
    assert "Rejected by Anna Quality" in answer.text
    assert "Rejected by quality" in guest.text
    assert "Rejected by quality" in why.text
    assert "Anna" not in str((guest, why))
    assert "smells" not in str((guest, why))
    assert "Anna Quality has rejected this lot" in person.text


@pytest.mark.parametrize("length", [LONGEST_QUESTION + 1, 10_000])
def test_a_question_that_is_too_long_is_refused_and_it_is_said_so(ask, length):
    answer = ask("pH of lot LOT-12345 " + "x" * (length - 20))
    assert answer.outcome is Outcome.NOT_ANSWERED
    assert str(length) in answer.text


def test_a_question_is_answered_in_under_200_ms(ask):
    took = []
    for _case, text in ASKED[:60]:
        begun = time.process_time()
        ask(text)
        took.append(time.process_time() - begun)
    assert sorted(took)[len(took) // 2] < 0.2


# --- words of records and questions that want to be obeyed --------------------------------------------------------

INJECTIONS = tomllib.loads((Path(__file__).parent / "injections.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", INJECTIONS["questions"])
def test_a_question_that_gives_orders_changes_nothing(ask, text):
    before = ask.plant.rows("SELECT count(*) FROM audit")
    answer = ask(text)
    assert ask.plant.rows("SELECT count(*) FROM audit") == before
    assert "hold" not in {fact.value for fact in answer.facts} or answer.intent in {"status_of_lot", "open_guidance"}
    if answer.intent == "status_of_lot":
        assert answer.facts[0].value == "hold"
    assert not [fact for fact in answer.facts if str(fact.value).casefold() == "released"]


def test_orders_in_names_comments_and_procedures_are_only_shown(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        with asking(plant) as ask:
            clean = [ask(text) for _case, text in ASKED]
        plant.line = type(plant.line)(**{
            **{name: getattr(plant.line, name) for name in plant.line.__slots__},
            "procedures": tuple(
                type(item)(name=item.name, title=item.title, analyte=item.analyte, failure=item.failure,
                           steps=(*item.steps, *INJECTIONS["words"]))
                for item in plant.line.procedures
            ),
        })  # fmt: skip
        for number, words in enumerate(INJECTIONS["words"]):
            plant.connection.execute(
                "INSERT INTO settlement (point_id, material_lot_id, person, reason, at_ns, event_id)"
                " VALUES (?, ?, ?, ?, 1, 'e')",
                (f"p-{number}", "LOT-1001", words, words),
            )
        with asking(plant) as ask:
            for (case, text), before in zip(ASKED, clean, strict=True):
                after = ask(text)
                assert (after.outcome, after.intent) == (before.outcome, before.intent), text
                if case.get("intent") not in {"procedure", "find"}:
                    assert after.facts == before.facts, text
            assert ask(f'status of lot "{HOSTILE}"').facts[0].value != "release"


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INTENTS)
def test_every_kind_of_question_has_patterns_a_title_and_a_question_in_the_bank_or_a_test(name):
    row = INTENTS[name]
    assert row.patterns
    assert row.reads
    assert row.roles <= EVERYBODY
    for language in ("en", "de"):
        assert ("copilot", f"INTENT_{name.upper()}") in catalogue(language)


def test_moves_of_setpoints_that_nobody_made_are_not_invented(ask):
    for text in ("setpoint history", "Wer hat den Sollwert geändert?", "last setpoint changes"):
        assert ask(text).outcome is Outcome.NOTHING_ON_RECORD


def test_a_guest_hears_of_no_person_in_the_reasons_of_a_part_or_in_what_was_before(tmp_path):
    plant = made(tmp_path)
    with closing(plant.connection):
        plant.act(DivideLot(material_lot_id="LOT-12345", part="drum 1", quantity="200 kg"), credential=by("anna"))
        decided(plant, "LOT-12345", Verdict.REJECT, "smells")
        with asking(plant) as ask:
            about = ('status of lot "LOT-12345/drum 1"', 'what is missing for the release of "LOT-12345/drum 1"')
            of_part = [ask(text, **GUEST) for text in about]
            assert "Anna Quality has rejected this lot" in ask('status of lot "LOT-12345/drum 1"').text
    for answer in of_part:
        assert answer.outcome is Outcome.ANSWERED
        assert not [word for word in ("Anna", "smells") if word in str(answer)], answer.text
    assert all("Lot LOT-12345: Rejected by quality" in answer.text for answer in of_part)
    assert "Nothing speaks against" not in of_part[1].text
    code = "DECIDED_BY_QUALITY"
    quoted = {"variant": "with_reason", "reason": "Anna: smells"}
    before = lot_reason(LotReason.HELD_BEFORE, told_at="then", codes=[code], shown=quoted)
    settled = lot_reason(LotReason.POINT_SETTLED, point_id="p", code=code, shown={"point": "Anna: smells"})
    other = lot_reason(LotReason.HELD_BEFORE, told_at="then", codes=["x"], shown={"variant": "without_reason"})
    asking_now = {"language": "en", "seen": SimpleNamespace(reasons=lambda reasons: reasons)}
    guest, person = (SimpleNamespace(asker=SimpleNamespace(known=known), **asking_now) for known in (False, True))
    assert shown_reasons(guest, (before, settled, other)) == [other.text]
    assert len(shown_reasons(person, (before, settled, other))) == 3


def test_reasons_are_said_in_the_language_of_the_question(ask):
    english, german = ask("Why is lot LOT-2001 on hold?"), ask("Warum ist Charge LOT-2001 gesperrt?")
    assert "is above the upper limit of 105 mPa·s" in english.text
    assert "liegt über dem oberen Grenzwert von 105 mPa·s" in german.text
    assert "is above" not in german.text
    missing = ask("Was fehlt zur Freigabe von Charge LOT-2001?")
    assert not [word for word in (" is ", " the ", " and ") if word in missing.text], missing.text


def test_nobody_is_told_of_a_part_as_of_its_lot(ask):
    plant = ask.plant
    plant.act(DivideLot(material_lot_id="LOT-1000", part="drum 1", quantity="200 kg"), credential=by("anna"))
    answer = ask("What is the status of lot LOT-1000?")
    assert "Part drum 1 (200 kg) is not released." in answer.text
    assert "The release of lot LOT-1000 does not cover its unreleased parts." in answer.text
    assert "the rest alone and not its parts" in answer.text
    assert "nur der Rest und nicht ihre Teile" in ask("Wie ist der Status von Charge LOT-1000?").text
    decided(plant, "LOT-1000/drum 1", Verdict.HOLD, "leaks", part="drum 1")
    assert "These are parts of lots: LOT-1000/drum 1." in ask("Which lots are on hold?").text
    assert "The release of lot LOT-1000 does not cover its unreleased parts." in ask("Which lots were released?").text
    assert "This is said of part drum 1 of lot LOT-1000 alone" in ask('status of lot "LOT-1000/drum 1"').text
