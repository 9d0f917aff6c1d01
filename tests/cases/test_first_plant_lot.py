"""Why a lot is not released, in one command; and a person's word that settles a point, judged by the gateway."""

import json
from contextlib import closing
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.database.opening import open_for_writing
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.lab.release.lot_assessments import assessments
from gateway.lab.release.lot_knowledge import LotContext, LotKnowledge, Parent
from gateway.records.laboratory import Recommendation
from gateway.store.care.checking import check
from gateway.store.care.salvage import salvage
from tests.fixtures.acting import acting
from tests.fixtures.building import moment
from tests.fixtures.commands import labline
from tests.fixtures.laboratory import CONFIGURATION, Laboratory
from tests.fixtures.people import add_users

WHO = ("--reason", "read by hand: 100.2 mPa.s")


class Plant(Laboratory):
    """A laboratory whose store the commands read."""

    def __init__(self, folder, **options):
        self.file = folder / "labline.toml"
        self.file.write_text(CONFIGURATION + options.get("more", ""))
        (folder / "store").mkdir()
        super().__init__(folder / "store", **options)
        self.connection.execute("BEGIN IMMEDIATE")
        add_users(self.connection)
        self.connection.execute("COMMIT")

    def lot(self, *arguments):
        return labline("lot", *arguments, "--config", self.file)

    def points(self, lot="L"):
        return self.lot(lot, "--json").document["open_points"]

    def settle(self, point, lot="L"):
        ended = self.lot(lot, "--settle", point, *WHO)
        self.wait()
        return ended

    def settle_all(self, lot="L"):
        for point in self.points(lot):
            if point["can_be_settled"]:
                assert self.settle(point["point_id"], lot).code == 0


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        yield bench


def unread(plant, lot="L", sample="S-1"):
    plant.result("Viscosity", "1,234", lot, sample_id=sample)


# --- why -----------------------------------------------------------------------------------------------------


def test_first_plant_07_five_lines_say_why_a_lot_is_on_hold(plant):
    plant.mes("lot_started", material_lot_id="L", job_order_id="WO-1", equipment_id="R1",
              material_definition_id="FG-100")  # fmt: skip
    plant.result("pH", 9.8, sample_id="S-1")
    told = plant.lot("L")
    assert told.code == 1
    first, why, evidence, how, point = told.lines[:5]
    assert first.startswith("L: hold since 20")
    assert "product FG-100, order WO-1, equipment R1" in told.lines
    assert why == "hold: pH 9.8 is above the upper limit of 7.5."
    assert evidence.strip() == "sample S-1, test pH, version 1"
    assert "quality decides on the lot" in how
    assert point.split() == ["point", plant.points()[0]["point_id"]]


def test_a_lot_that_is_released_ends_with_0_and_says_that_nothing_speaks_against_it(plant):
    plant.result("pH", 7.0)
    told = plant.lot("L")
    assert told.code == 0
    assert told.lines[1:] == ["product FG-100"]
    assert "L: release since" in told.lines[0]
    assert "no point speaks against a release" in told.lines[0]


def test_a_lot_is_divided_by_a_command_and_its_part_is_shown_and_settled_at_the_lot(plant):
    plant.mes("lot_started", material_lot_id="L", equipment_id="R1", material_definition_id="FG-100", quantity="3 t")
    unread(plant)
    divided = plant.lot("L", "--divide", "drums 1-10", "--quantity", "2000 kg", "--reason", "for Acme")
    assert divided.lines[0] == "L/drums 1-10: 2000 kg, a part of lot L"
    plant.wait()
    assert plant.lot("L").lines[-2:] == [
        "part drums 1-10: 2000 kg, not decided (recommended: review)", "the rest: 1 t of 3 t"]  # fmt: skip
    part = plant.lot("L", "--part", "drums 1-10")
    assert part.lines[-1] == "part drums 1-10 of lot L: 2000 kg, for Acme"
    (point,) = plant.points("L/drums 1-10")
    assert point["can_be_settled"] is False
    assert "no part drums 2" in plant.lot("L", "--part", "drums 2").error
    assert plant.lot("L", "--divide", "drums 11-20", "--reason", "x").code == 2


def test_a_refused_message_a_parent_and_a_missing_test_are_named_with_what_finds_them(tmp_path):
    more = '[[specification]]\nproduct = "FG-100"\nanalyte = "water"\nupper = 0.5\nrequired = true\nversion = "1"\n'
    with closing(Plant(tmp_path, more=more)) as plant:
        plant.result("pH", 9.8, "P")
        plant.mes("material_consumed", material_lot_id="L", consumed_lot_id="P")
        plant.result("pH", 7.0)
        plant.lims(b'{"material_lot": "L", "test_name": "Viscosity", "result": 120}')
        (letter,) = plant.sent("dead-letter")
        told, document = plant.lot("L"), plant.lot("L", "--json").document
        child = plant.lot("P").output
    assert told.code == 1
    assert f"dead letter {letter['id']}" in told.output
    assert "  lot P" in told.lines
    assert "made of: P (hold)" in told.lines
    assert "went into: L (review)" in child
    assert document["parents_in_question"] == [{"lot": "P", "recommendation": "hold"}]
    assert document["missing_tests"] == ["water"]
    assert "besides: There is no approved result of water yet." in told.lines


def test_the_worst_ten_of_many_points_are_shown_and_how_many_more(plant):
    for number in range(12):
        unread(plant, sample=f"S-{number}")
    plant.result("pH", 9.8, sample_id="LAST")
    told = plant.lot("L")
    assert told.lines[1].startswith("hold: ")
    assert "and 3 more: --all shows them" in told.lines
    assert sum(line.strip().startswith("point ") for line in told.lines) == 10
    everything = plant.lot("L", "--all")
    assert sum(line.strip().startswith("point ") for line in everything.lines) == 13
    assert len(plant.points()) == 13


@pytest.mark.parametrize("table", ["lot", "assessment", "disposition"])
def test_a_damaged_record_of_a_lot_is_named_and_never_reads_as_all_right(plant, table):
    plant.result("pH", 7.0)
    plant.connection.execute(f"UPDATE {table} SET hash = 'damaged'")
    told = plant.lot("L")
    assert told.code == 1
    assert "do not match their hash" in told.output
    assert plant.lot("L", "--json").document["damaged"]


@pytest.mark.parametrize("mistyped", ["LOT-0O5", "lot-005", "LOT 005", "LOT-00"])
def test_an_unknown_lot_is_refused_with_near_names(plant, mistyped):
    plant.result("pH", 7.0, "LOT-005")
    told = plant.lot(mistyped)
    assert told.code == 2
    assert "did you mean LOT-005?" in told.error


def test_a_lot_is_known_by_its_name_as_messages_are_read_and_nothing_of_it_acts_on_a_terminal(plant):
    name = "L\x1b[2J\u200b[bold]"
    plant.result("pH", 9.8, name)
    assert "\x1b" not in plant.lot(name).output
    assert "[bold]: hold" in plant.lot(name).output


# --- settling ------------------------------------------------------------------------------------------------


def test_laboratory_01_a_person_settles_what_was_not_read_and_the_lot_is_told_anew(plant):
    plant.result("pH", 7.0)
    unread(plant)
    (point,) = plant.points()
    before = plant.disposition()
    told = plant.lot("L", "--settle", point["point_id"], *WHO)
    assert told.code == 0
    assert "when a gateway starts" in told.output
    assert "waits to be judged again" in plant.lot("L").lines[0]
    plant.wait()
    after = plant.disposition()
    assert (before["recommendation"], after["recommendation"]) == ("review", "release")
    assert after["id"] != before["id"]
    assert [reason["parameters"]["point_id"] for reason in after["reasons"] if reason["code"] == "POINT_SETTLED"] == [
        point["point_id"]
    ]
    shown = plant.lot("L")
    assert shown.code == 0
    assert "settled by Q. Head" in shown.output
    assert "could not be read" in shown.output
    assert plant.sent("guidance")[-1]["state"] == "resolved"
    (settled,) = plant.lot("L", "--json").document["settled"]
    assert settled["person"] == "Q. Head"
    assert settled["point_id"] == point["point_id"]


def test_a_settlement_is_audited_vouched_for_and_in_what_is_salvaged(plant, tmp_path):
    plant.result("pH", 7.0)
    unread(plant)
    plant.settle(plant.points()[0]["point_id"])
    lines = [json.loads(body) for (body,) in plant.connection.execute(
        "SELECT body FROM audit WHERE kind = 'point_settled' AND subject = 'L'")]  # fmt: skip
    assert [(line["person"], line["code"]) for line in lines] == [("Q. Head", "RESULT_UNREAD")]
    assert [name.split()[0] for line in lines for name in line["vouched"]].count("settlement") == 1
    assert check(tmp_path / "store", gently=False).wrong == []
    (tmp_path / "other").mkdir()
    with closing(Laboratory(tmp_path / "other")) as other:
        salvage(tmp_path / "store" / "state.db", into=other.connection, at_ns=other.now_ns)
        assert other.connection.execute("SELECT count(*) FROM settlement").fetchone()[0] == 1


def test_a_replay_decides_with_what_people_had_settled(plant, tmp_path, monkeypatch):
    clock = SimpleNamespace(now=lambda: moment(plant.now_ns))
    monkeypatch.setattr("gateway.runtime.act_requests.SystemClock", lambda: clock)
    plant.result("pH", 7.0)
    unread(plant)
    plant.settle_all()
    plant.result("pH", 7.1, sample_id="S-9")
    assert plant.ever() == ["release", "review", "release", "release"]
    open_for_writing(tmp_path / "store" / HISTORY_FILE, HISTORY).close()
    replayed = labline("replay", "--config", plant.file, "--json").document
    assert replayed["dispositions"]["now"] == replayed["dispositions"]["then"] == {"release": 3, "review": 1}
    assert replayed["differences"] == 0


@pytest.mark.parametrize("lot", ["L", None])
def test_what_is_salvaged_speaks_of_lots_that_were_released_without_it(plant, tmp_path, lot):
    plant.result("Viscosity", 120.0, lot, sample_id="S-1")
    (tmp_path / "other").mkdir()
    with closing(Laboratory(tmp_path / "other")) as other:
        other.result("pH", 7.0, sample_id="S-1")
        assert other.recommended() == "release"
        salvage(tmp_path / "store" / "state.db", into=other.connection, at_ns=other.now_ns)
        other.wait()
        assert other.recommended() == "hold"


@pytest.mark.parametrize(
    "forged",
    [
        "INSERT INTO settlement VALUES ('x', 'L', 'nobody', '-', 1, 'e', NULL)",
        "DELETE FROM settlement",
        "UPDATE settlement SET person = 'nobody'",
        "DELETE FROM assessment",
        "DELETE FROM refused_result",
        "DELETE FROM lot_name",
    ],
)
def test_attacks_what_was_changed_behind_a_recommendation_is_found(plant, tmp_path, forged):
    plant.result("pH", 7.0)
    unread(plant)
    plant.lims(b'{"material_lot": "L", "test_name": "Viscosity", "result": 120}')
    plant.settle(plant.points()[0]["point_id"])
    assert check(tmp_path / "store", gently=False).ok
    plant.connection.execute("DROP TABLE changed_row")
    for (name,) in plant.connection.execute("SELECT name FROM sqlite_temp_master WHERE type = 'trigger'").fetchall():
        plant.connection.execute(f"DROP TRIGGER temp.{name}")
    plant.connection.execute(forged)
    assert not check(tmp_path / "store", gently=False).ok


def test_a_hold_is_settled_by_nobody(plant):
    plant.result("pH", 9.8)
    told = plant.settle(plant.points()[0]["point_id"])
    assert told.code == 2
    assert "asks for a hold" in told.error
    assert "quality decides on the lot" in told.error
    assert plant.recommended() == "hold"


def test_an_unknown_point_is_refused_with_those_of_the_lot_and_one_settled_twice_says_who_did(plant):
    unread(plant)
    unread(plant, "OTHER", "S-2")
    point = plant.points()[0]["point_id"]
    assert point in plant.settle("no-such-point").error
    assert "has no open point" in plant.settle(plant.points("OTHER")[0]["point_id"]).error
    assert plant.settle(point).code == 0
    again = plant.settle(point)
    assert again.code == 2
    assert "settled already: Q. Head" in again.error


@pytest.mark.parametrize(
    "given_options",
    [(), ("--person", " ", "--reason", "looked"), ("--reason", "\u200b")],
)
def test_a_point_is_settled_for_a_legible_reason(plant, given_options):
    unread(plant)
    told = plant.lot("L", "--settle", plant.points()[0]["point_id"], *given_options)
    assert told.code == 2
    assert "give --" in told.error
    assert len(plant.points()) == 1


def test_a_persons_reason_is_no_book(plant):
    unread(plant)
    point = plant.points()[0]["point_id"]
    told = plant.lot("L", "--settle", point, "--reason", "x" * 2001)
    assert told.code == 2
    assert "a reason may name a document that says more" in told.error


@pytest.mark.parametrize("argument", ["\udcff", "L\ud800"])
def test_an_argument_that_is_no_text_is_refused_in_a_sentence(plant, monkeypatch, capsys, argument):
    monkeypatch.setattr("sys.argv", ["labline", "lot", argument, "--config", str(plant.file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_a_running_gateway_takes_the_lot_up_at_once(plant, tmp_path):
    unread(plant)
    (point,) = plant.points()
    with acting(tmp_path / "store", plant.line):
        told = plant.lot("L", "--settle", point["point_id"], *WHO)
    assert "by the running gateway" in told.output
    assert plant.lot("L", "--json").document["waits_to_be_judged"] is False
    assert plant.disposition()["recommendation"] == "release"


def test_what_is_found_later_is_another_point(plant):
    """A settled point never covers facts that came after it."""
    plant.result("pH", 7.0)
    unread(plant)
    plant.settle_all()
    assert plant.recommended() == "release"
    plant.result("Viscosity", "1,235", sample_id="S-1", result_version=2)
    assert plant.recommended() == "review"
    plant.settle_all()
    assert plant.recommended() == "release"
    plant.result("pH", 9.8, sample_id="S-9")
    assert plant.recommended() == "hold"


def test_a_correction_of_a_failed_value_is_settled_and_lifts_the_latch(plant):
    plant.result("pH", 9.8, sample_id="S-1")
    plant.result("pH", 7.0, sample_id="S-1")
    assert plant.recommended() == "review"
    assert plant.disposition()["latched"]
    plant.settle_all()
    assert plant.recommended() == "release"
    assert not plant.disposition()["latched"]


def test_laboratory_10_a_retest_is_settled_and_a_further_failure_is_not(plant):
    plant.result("pH", 9.8, sample_id="S-1")
    plant.result("pH", 7.0, sample_id="S-2", retest_of="S-1")
    assert plant.recommended() == "review"
    plant.settle_all()
    assert plant.recommended() == "release"
    plant.result("pH", 9.9, sample_id="S-3", retest_of="S-1")
    assert plant.recommended() == "hold"


def test_a_parent_for_review_is_settled_at_the_parent_and_one_on_hold_by_a_person_for_this_lot(plant):
    unread(plant, "P", "S-P")
    plant.mes("material_consumed", material_lot_id="L", consumed_lot_id="P")
    plant.result("pH", 7.0)
    (point,) = plant.points()
    assert not point["can_be_settled"]
    assert "settle the points of the parent lot" in plant.settle(point["point_id"]).error
    plant.settle_all("P")
    assert plant.recommended("P") == "release"
    assert plant.recommended() == "release"
    plant.result("pH", 9.8, "P", sample_id="S-P2")
    assert plant.recommended() == "review"
    plant.settle_all()
    assert plant.recommended() == "release"


def _started(plant, product, hours):
    plant.mes("lot_started", material_lot_id="L", material_definition_id=product, equipment_id="R1",
              at_seconds=-3600 * hours)  # fmt: skip


def _refused(plant, number):
    plant.lims(f'{{"material_lot": "L", "test_name": "Viscosity", "result": {number}}}'.encode())


LATER_FACTS = {  # what speaks against a release, and the same kind of thing once more, with another content
    "unread": (
        unread,
        lambda plant: plant.result("Viscosity", "1,777", sample_id="S-1", result_version=2),
    ),
    "refused": (lambda plant: _refused(plant, 120), lambda plant: _refused(plant, 121)),
    "withdrawn": (
        lambda plant: plant.result("Viscosity", 100.0, sample_id="S-1", status="rejected"),
        lambda plant: plant.result("Viscosity", 101.0, sample_id="S-2", status="rejected"),
    ),
    "contradicted version": (
        lambda plant: [plant.result("Viscosity", value, sample_id="S-1", result_version=1) for value in (100.0, 101.0)],
        lambda plant: plant.result("Viscosity", 102.0, sample_id="S-1", result_version=1),
    ),
    "failed before": (
        lambda plant: [plant.result("Viscosity", value, sample_id="S-1") for value in (120.0, 100.0)],
        lambda plant: [plant.result("Viscosity", value, sample_id="S-1") for value in (121.0, 101.0)],
    ),
    "unknown unit": (
        lambda plant: plant.result("Viscosity", 100.0, sample_id="S-1", unit="furlong"),
        lambda plant: plant.result("Viscosity", 101.0, sample_id="S-1", unit="furlong", result_version=2),
    ),
    "product told in several ways": (
        lambda plant: [_started(plant, product, hours) for product, hours in (("FG-100", 3), ("FG-200", 2))],
        lambda plant: _started(plant, "FG-300", 1),
    ),
    "client told in several ways": (
        lambda plant: [plant.mes("lot_started", material_lot_id="L", client_id=client, equipment_id="R1",
                                 at_seconds=-at)
                       for client, at in (("ACME", 300), ("BOLT", 200))],
        lambda plant: plant.mes("lot_started", material_lot_id="L", client_id="CORE", equipment_id="R1",
                                at_seconds=-100),
    ),
    "parent": (
        lambda plant: [plant.mes("material_consumed", material_lot_id="L", consumed_lot_id="P"),
                       plant.result("pH", 9.8, "P", sample_id="S-P")],
        lambda plant: [plant.mes("material_consumed", material_lot_id="L", consumed_lot_id="Q"),
                       plant.result("pH", 9.8, "Q", sample_id="S-Q")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LATER_FACTS)
def test_no_settlement_covers_what_is_told_after_it(plant, kind):
    first, later = LATER_FACTS[kind]
    plant.result("pH", 7.0)
    first(plant)
    assert plant.recommended() in {"review", "hold"}
    plant.settle_all()
    assert plant.recommended() == "release"
    later(plant)
    plant.wait()
    assert plant.recommended() in {"review", "hold"}


@settings(max_examples=50)
@given(st.sampled_from([Recommendation.HOLD, Recommendation.REVIEW]), st.booleans())
def test_no_settlement_of_one_state_of_a_parent_holds_for_another(asks, settle_it):
    context = LotContext(material_lot_id="L")

    def of(asked, settled=frozenset()):
        parents = (Parent(material_lot_id="P", asks=asked),)
        return assessments(LotKnowledge(context=context, parents=parents, settled=settled), lambda *_: ())[0]

    other = Recommendation.HOLD if asks is Recommendation.REVIEW else Recommendation.REVIEW
    settled = frozenset(point.point_id for point in of(asks).points) if settle_it else frozenset()
    assert of(other, settled).asks is Recommendation.REVIEW
    same = of(asks, settled)
    assert bool(same.settled) == (settle_it and asks is Recommendation.HOLD)


def test_a_point_that_was_settled_for_another_lot_says_for_which(plant):
    unread(plant)
    unread(plant, "OTHER", "S-2")
    point = plant.points()[0]["point_id"]
    assert plant.settle(point).code == 0
    assert f"point {point} of lot L is settled already" in plant.settle(point, "OTHER").error
