"""Drafts of deviations: what they gather, that they follow later, and that nothing in them breaks a document."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gateway.advice.documents import html, markdown
from gateway.contract.times import rfc3339
from gateway.decisions.table import windows_needed
from gateway.events import FollowUpDue
from gateway.history.memory.rings import Rings
from gateway.lab.deviations import Deviation
from gateway.lab.fingerprints import MaterialUse
from gateway.lab.genealogy import relatives
from gateway.lab.procedures import instructions_for, read_procedure
from gateway.line.procedures import Procedure
from gateway.records.follow_ups import FollowUp
from gateway.store.audit import trail as audit
from gateway.store.care.checking import check
from gateway.store.codec import decode
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, line, moment, sample, tag
from tests.fixtures.store_bench import Bench, viscosity

TAGS = ("temperature", "pressure", "flow")
STEPS = Procedure(name="oos-viscosity", title="Viscosity out of specification", analyte=("viscosity",),
                  failure=("out_of_specification",), steps=("Take a second sample", "Tell the shift lead"))  # fmt: skip


class Plant(Bench):
    """Lots of an hour each, whose tags vary from lot to lot."""

    def __init__(self, directory):
        super().__init__(directory)
        self.chance = np.random.default_rng(5)
        self.levels = dict.fromkeys(TAGS, 50.0)
        tags = {**line().tags, **{name: tag(name) for name in TAGS}}
        self.line = line(tags=tags, models=(), procedures=(STEPS,))
        self.context("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")

    def lot(self, name, value=100.0, *, supplier="Acme", material="RM-1", **moved):
        """Make a lot, end it, let the laboratory say a value, and do what follows."""
        self.context("lot_started", material_lot_id=name, job_order_id="WO-1", equipment_id="R1")
        self.context("material_consumed", material_lot_id=name, consumed_lot_id=material, supplier=supplier,
                     consumed_definition_id="MONOMER-A", equipment_id="R1")  # fmt: skip
        self.levels = {each: 50 + self.chance.normal() + moved.get(each, 0.0) for each in TAGS}
        self.now_ns += 3600 * SECOND_NS
        self.context("lot_ended", material_lot_id=name, equipment_id="R1")
        drawn = rfc3339(self.now_ns - 60 * SECOND_NS)
        self.result(viscosity(value, sample_id=f"S-{name}", material_lot_id=name, product="FG-100", sampled_at=drawn))
        self.follow()

    def follow(self):
        """Take up what has been left for later."""
        for event_id, body in self.rows("SELECT event_id, body FROM follow_up ORDER BY at_ns, rowid"):
            event = FollowUpDue(event_id=event_id, at=moment(self.now_ns), follow_up=decode(FollowUp, body))
            rings = Rings(dict.fromkeys(self.line.tags, "plc1"), capacity=10)
            begun = (self.now_ns - NOW_NS) / SECOND_NS - 4000
            rings.add_notification("plc1", [sample(name, value, at=begun) for name, value in self.levels.items()],
                       confirmed_ns=self.now_ns)  # fmt: skip
            self.commit(event, rings.windows(windows_needed(event, self.line)))

    def deviations(self):
        """The newest version of each, in the order in which they were opened."""
        versions = [decode(Deviation, body) for (body,) in self.rows("SELECT body FROM deviation ORDER BY rowid")]
        return list({each.deviation_id: each for each in versions}.values())


@pytest.fixture
def plant(tmp_path):
    found = Plant(tmp_path)
    with closing(found.connection):
        yield found


def test_a_failed_result_leads_to_a_draft_that_names_what_was_unusual(plant):
    for number in range(15):
        plant.lot(f"LOT-{number}")
    plant.lot("LOT-BAD", 110.0, pressure=12.0, material="RM-2")
    (deviation,) = plant.deviations()
    assert deviation.compared_with == 15
    assert deviation.causes[0].name == "pressure"
    assert deviation.process[0].tag == "pressure"
    assert len(deviation.process[0].course) > 100
    assert [each.what for each in deviation.timeline][:2] == ["lot_started", "material_consumed"]
    assert deviation.history[-1][1] == 110.0
    assert [each.title for each in deviation.instructions] == ["Viscosity out of specification"]
    (told,) = plant.sent("deviation")
    assert (told["state"], told["sample_id"], told["material_lot_id"]) == ("draft", "S-LOT-BAD", "LOT-BAD")
    assert "pressure was" in told["causes"][0]["text"]
    assert told["document"].startswith("# Deviation (draft): Viscosity 110.0 mPa·s above 105 mPa·s, lot LOT-BAD")
    assert plant.rows("SELECT count(*) FROM follow_up") == [(0,)]
    assert audit.verify(plant.connection)[1] is None
    assert check(plant.directory, gently=False).wrong == []


def test_the_disposition_does_not_wait_for_the_draft(plant):
    plant.context("lot_started", material_lot_id="LOT-1", job_order_id="WO-1", equipment_id="R1")
    plant.result(viscosity(110.0, material_lot_id="LOT-1", product="FG-100"))
    assert [each["recommendation"] for each in plant.sent("disposition")] == ["hold"]
    assert plant.sent("deviation") == []
    assert plant.rows("SELECT count(*) FROM follow_up") == [(1,)]


def test_what_was_taken_up_is_not_taken_up_again(plant):
    plant.lot("LOT-1", 110.0)
    (deviation,) = plant.deviations()
    again = FollowUp(kind="deviation", subject=deviation.result.result_id, equipment_id="R1", from_ns=0, until_ns=1)
    plant.commit(FollowUpDue(event_id="again", at=moment(plant.now_ns), follow_up=again))
    assert len(plant.deviations()) == 1


def test_a_harmless_result_has_no_draft(plant):
    plant.lot("LOT-1", 100.0)
    assert plant.deviations() == []
    assert plant.rows("SELECT material_lot_id FROM lot_fingerprint") == [("LOT-1",)]


def test_a_second_case_names_the_first_and_other_lots_of_the_same_material(plant):
    for number in range(12):
        plant.lot(f"LOT-{number}", material=f"RM-{number}")
    plant.lot("LOT-BAD-1", 110.0, flow=15.0, material="RM-BAD")
    plant.lot("LOT-BAD-2", 111.0, flow=15.0, material="RM-BAD")
    _first, second = plant.deviations()
    assert second.affected == 2
    assert [each.material_lot_id for each in second.similar] == ["LOT-BAD-1"]
    assert second.similar[0].nearness > 0.3
    assert second.affected_lots == ("LOT-BAD-1",)
    assert {cause.name for cause in second.causes[:2]} == {"flow", "lot RM-BAD"}


def test_genealogy_is_followed_through_loops_and_to_where_a_lot_went():
    def use(lot, material):
        return MaterialUse(material_lot_id=lot, consumed_lot_id=material, consumed_definition_id=None, supplier=None)

    uses = [use("B", "A"), use("C", "B"), use("A", "C"), use("D", "RAW"), use("A", "RAW"), use("Z", "OTHER")]
    assert relatives("A", uses) == ("B", "C", "D")


def test_what_people_write_breaks_no_document(plant):
    plant.line = replace(plant.line, procedures=(replace(STEPS, steps=("Look | at <b>it</b>\nnow",)),))
    plant.lot("LOT<script src:x", 110.0, supplier="A | C\n# B<script>")
    deviation, *_of_other_lots = plant.deviations()
    text, page = markdown(deviation), html(deviation)
    assert "<script" not in text
    assert "<script" not in page
    assert "\n# B" not in text
    assert "A \\| C" in text
    assert page.count("<svg") >= 3
    assert json.loads(json.dumps(text)) == text
    assert (markdown(deviation), html(deviation)) == (text, page)


FRONT = "---\ntitle: Out\nanalyte: viscosity, ph\nfailure: out_of_specification\n---\n# Head\n1. First\n- Second\n"


def test_a_procedure_is_read_with_what_it_applies_to():
    found = read_procedure("p", FRONT)
    assert (found.title, found.analyte, found.steps) == ("Out", ("viscosity", "ph"), ("First", "Second"))
    general = replace(found, name="general", analyte=(), failure=())
    applying = instructions_for(
        (general, found), analyte="ph", product=None, failures=["OUT_OF_SPECIFICATION"], equipment=None
    )
    assert [each.procedure for each in applying] == ["p", "general"]  # what says most comes first
    assert [each.procedure for each in instructions_for((found,), analyte="ph", product=None, failures=["OUT_OF_TREND"],
                                                        equipment=None)] == []  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# no head\n1. a", "no head"),
        ("---\ncolour: red\n---\n1. a", "is none of"),
        ("---\ntitle: x\n---\nwords", "no steps"),
    ],
)
def test_what_is_no_procedure_is_told(text, message):
    with pytest.raises(ValueError, match=message):
        read_procedure("p", text)


def test_a_hold_carries_the_steps_that_apply(plant):
    plant.lot("LOT-1", 110.0)
    (hold,) = [each for each in plant.sent("guidance") if each["kind"] == "hold"]
    assert hold["instructions"] == [
        {"procedure": "oos-viscosity", "title": "Viscosity out of specification",
         "steps": ["Take a second sample", "Tell the shift lead"]}
    ]  # fmt: skip


def shown(nodes):
    """Every (kind, id) in trees."""
    for node in nodes:
        yield node.kind, node.id
        yield from shown(node.children)


def test_from_any_id_a_trace_leads_to_all_that_is_connected(plant):
    plant.lot("LOT-1", 110.0)
    plant.context("material_consumed", material_lot_id="LOT-0", consumed_lot_id="LOT-1")
    plant.context("material_consumed", material_lot_id="LOT-1", consumed_lot_id="LOT-0")  # a loop
    (deviation,) = plant.deviations()
    (hold,) = [each for each in plant.sent("guidance") if each["kind"] == "hold"]
    (disposition,) = [each for each in plant.sent("disposition") if each["material_lot_id"] == "LOT-1"]
    wanted = {
        ("lot", "LOT-1"), ("result", deviation.result.result_id), ("deviation", deviation.deviation_id),
        ("guidance", hold["id"]), ("disposition", disposition["id"]), ("event", disposition["cause"]),
        ("material", "RM-1"), ("order", "WO-1"),
    }  # fmt: skip
    for identity in (
        "LOT-1",
        "S-LOT-1",
        deviation.deviation_id,
        hold["id"],
        disposition["id"],
        deviation.result.result_id,
    ):
        found = trace(plant.connection, identity)
        assert wanted <= set(shown(found)), identity
    json.dumps([each.document() for each in found])
    assert trace(plant.connection, "nobody") == []


def test_a_trace_says_what_is_damaged(plant):
    plant.lot("LOT-1", 110.0)
    plant.connection.execute("UPDATE lot_fingerprint SET body = '{}'")
    plant.connection.execute("DROP TRIGGER lab_result_rehashed")
    plant.connection.execute("UPDATE lab_result SET body = replace(body, '110.0', '100.0')")
    (lot,) = trace(plant.connection, "LOT-1")
    assert [each.holds for each in lot.children if each.kind == "result"] == [False]


def test_one_failure_has_one_draft_and_its_own_reasons(plant):
    plant.lot("LOT-1", 112.0)
    for version, status in enumerate(("entered", "validated", "approved"), start=1):
        plant.result({"sample_id": "S-PH", "test_id": "pH", "value": 9.0, "status": status, "result_version": version,
                      "material_lot_id": "LOT-1", "product": "FG-100"})  # fmt: skip
        plant.follow()
    (deviation,) = plant.deviations()
    assert [each.sample_id for each in deviation.results] == ["S-LOT-1", "S-PH"]
    first, second = deviation.results
    assert "Viscosity 112" in first.reasons[0].text
    assert [reason.text for reason in second.reasons] == ["pH 9 is above the upper limit of 7.5."]


def test_a_result_without_a_drawn_time_is_held_against_the_time_of_its_lot(plant):
    plant.lot("LOT-1", 100.0)
    ((whole,),) = plant.rows("SELECT body FROM lot_fingerprint")
    plant.now_ns += 12 * 3600 * SECOND_NS
    plant.result(viscosity(110.0, sample_id="S-LATE", material_lot_id="LOT-1", product="FG-100"))
    ((body,),) = plant.rows("SELECT body FROM follow_up")
    assert decode(FollowUp, body).until_ns <= plant.now_ns - 11 * 3600 * SECOND_NS
    plant.follow()
    assert plant.rows("SELECT body FROM lot_fingerprint") == [(whole,)]
