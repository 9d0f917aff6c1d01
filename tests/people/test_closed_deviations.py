"""Deviations are closed by quality with a signature, once what is to be done was done; new facts open them again."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from gateway.advice.documents import html, markdown
from gateway.advice.gateway_alarms import gateway_alarm
from gateway.advice.plant_times import day_of
from gateway.console.views.capa import actions_view
from gateway.contract.sinks.rule import messages_of
from gateway.contract.sinks.table import TEMPLATES
from gateway.knowledge.searching import Asked, search
from gateway.lab.deviations import Deviation
from gateway.lab.effectiveness import FEWEST_LOTS, Effectiveness
from gateway.lab.review.codes import ReviewCode
from gateway.lab.review.review import review_of
from gateway.line.sinks import SinkMessage
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, CloseDeviation, CompleteAction, RecordAction, SignPending
from gateway.records.corrective_actions import ActionKind
from gateway.records.sight import EVERYTHING
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import AddUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.runtime.closing_watch import EFFECT_TO_CHECK, ClosingWatch
from gateway.store.audit import trail as audit
from gateway.store.care.checking import check
from gateway.store.codec import decode
from gateway.store.database import STATE_FILE, open_state
from gateway.store.queries.closings_to_check import closings_to_check
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from gateway.store.queries.review_facts import review_facts
from gateway.store.queries.tracing import trace
from gateway.time_units import DAY_NS
from tests.decisions.test_deviations import Plant
from tests.fixtures.people import SIGNED
from tests.fixtures.store_bench import viscosity
from tests.knowledge.test_corrective_actions import searched

OTHERS = (
    AddUser(user_id="anna", full_name="Anna Q.", roles=(Role.QUALITY,)),
    AddUser(user_id="bert", full_name="Bert Q.", roles=(Role.QUALITY,)),
    AddUser(user_id="olga", full_name="Olga O.", roles=(Role.OPERATOR,)),
    AddUser(user_id="emil", full_name="Emil E.", roles=(Role.ENGINEER,)),
)

BLIND = SimpleNamespace(limited=True, sees=lambda _scope: False)

FORGED_CLOSING = """
INSERT INTO deviation_state (deviation_id, version, state, at_ns, body)
SELECT deviation_id, 2, state, at_ns, replace(body, '"version":1', '"version":2') FROM deviation_state
WHERE state = 'closed'
"""


def by(user_id):
    return Credential(kind=CredentialKind.PASSWORD, subject=user_id)


class Closing(Plant):
    """A lot that failed, with its deviation."""

    def __init__(self, directory):
        super().__init__(directory)
        for act in OTHERS:
            assert self.act(act).outcome in {ActOutcome.DONE, ActOutcome.PENDING}
        self.lot("BAD-1", 110.0)
        (self.deviation,) = self.deviations()

    @property
    def key(self):
        return self.deviation.deviation_id

    def close(self, who=SIGNED, *, version=None, reason="the filter was clogged", **given):
        self.now_ns += 10**9
        newest = self.deviations()[0].version if version is None else version
        return self.act(CloseDeviation(deviation_id=self.key, version=newest, **given), credential=who, reason=reason)

    def recorded(self, action="Clean the filter"):
        self.now_ns += 10**9
        act = RecordAction(deviation_id=self.key, action=action, action_kind=ActionKind.CORRECTIVE, owner="Emil")
        return self.act(act).details["action_id"]

    def complete(self, action_id, who=SIGNED):
        self.now_ns += 10**9
        return self.act(CompleteAction(action_id=action_id), credential=who, reason="cleaned")

    def good_lots(self, count, value=100.0):
        for number in range(count):
            self.now_ns += 10**9
            lot = {"material_lot_id": f"G-{self.now_ns}-{number}", "material_definition_id": "FG-100"}
            self.context("lot_started", equipment_id="R1", **lot)
            self.result(viscosity(value, sample_id=f"S-{self.now_ns}-{number}", **lot))
            self.follow()

    def correct(self, value):
        self.now_ns += 10**9
        self.result(viscosity(value, sample_id="S-BAD-1", material_lot_id="BAD-1", product="FG-100", result_version=2))
        self.follow()

    def is_closed(self):
        return closing_of(self.connection, self.key) is not None

    def open_in_review(self):
        facts = review_facts(self.connection, self.line, "BAD-1", at_ns=self.now_ns)
        return ReviewCode.DEVIATION_OPEN in {item.code for item in review_of(facts).exceptions}


@pytest.fixture
def plant(tmp_path):
    plant = Closing(tmp_path)
    with closing(plant.connection):
        yield plant


def test_a_deviation_without_an_action_is_closed_with_the_reason_why_none_is_needed(plant):
    assert plant.close().code is ActRefusal.DEVIATION_WITHOUT_ACTION
    assert plant.close(no_action=" ").code is ActRefusal.DEVIATION_WITHOUT_ACTION
    assert plant.close(no_action="a single sample", check_by="soon").code is ActRefusal.NO_EFFECT_TO_CHECK
    assert plant.close(reason="", no_action="a single sample").code is ActRefusal.REASON_NEEDED
    assert plant.open_in_review()
    assert plant.close(no_action="a single sample").outcome is ActOutcome.DONE
    assert plant.close(no_action="again").code is ActRefusal.DEVIATION_CLOSED_ALREADY
    closed = closing_of(plant.connection, plant.key)
    assert (closed.conclusion, closed.no_action) == ("the filter was clogged", "a single sample")
    assert not plant.open_in_review()
    assert audit.verify(plant.connection)[1] is None
    assert check(plant.directory, gently=False).wrong == []
    (node,) = trace(plant.connection, plant.key)
    assert "signed record" in {child.kind for child in node.children}


def test_closed_and_open_ones_are_found_by_their_state_and_conclusion(plant):
    with searched(plant) as where:
        assert search(where, Asked(text="kind:deviation state:closed")).findings == ()
    plant.close(no_action="a single sample")
    with searched(plant) as where:
        (finding,) = search(where, Asked(text="clogged kind:deviation state:closed")).findings
        assert finding.document.key == plant.key
        assert search(where, Asked(text="kind:deviation state:open")).findings == ()


def test_actions_are_done_first_and_their_effect_is_known_or_looked_at_until_a_day(plant):
    action_id = plant.recorded()
    assert plant.close().code is ActRefusal.DEVIATION_ACTIONS_OPEN
    assert plant.complete(action_id).outcome is ActOutcome.DONE
    assert plant.close().code is ActRefusal.EFFECT_NOT_KNOWN_YET
    assert plant.close(check_by="soon").code is ActRefusal.ACTION_DUE_IS_NO_DAY
    assert plant.close(check_by="2027-01-14").code is ActRefusal.CHECK_DAY_IS_PAST
    assert plant.close(check_by="2027-06-30", no_action="none").code is ActRefusal.DEVIATION_HAS_ACTIONS
    assert plant.close(check_by="2027-06-30").outcome is ActOutcome.DONE
    (judged,) = closing_of(plant.connection, plant.key).actions
    assert (judged.effectiveness, judged.lots, judged.failed_lots_before) == ("too_early", 0, 1)


def test_a_closing_whose_day_has_come_is_to_be_checked_until_its_effect_is_there(plant):
    plant.complete(plant.recorded())
    plant.close(check_by="2027-06-30")
    assert closings_to_check(plant.connection, date(2027, 6, 29)) == ()
    (due,) = closings_to_check(plant.connection, date(2027, 6, 30))
    assert (due.closed.deviation_id, due.check_by, due.last.effect.effectiveness) == (
        plant.key, "2027-06-30", Effectiveness.TOO_EARLY,
    )  # fmt: skip
    (shown,) = actions_view(plant.connection, EVERYTHING, date(2027, 6, 30)).to_check
    assert (shown.deviation_id, shown.action.effect.effectiveness) == (plant.key, "too_early")
    assert actions_view(plant.connection, BLIND, date(2027, 6, 30)).to_check == []
    plant.good_lots(FEWEST_LOTS)
    assert closings_to_check(plant.connection, date(2028, 1, 1)) == ()


def test_the_check_is_recorded_by_closing_again_from_its_day_on(plant):
    day = day_of(plant.now_ns + DAY_NS, plant.line.time_zone).isoformat()
    plant.complete(plant.recorded())
    plant.close(check_by=day)
    assert plant.close(check_by=day).code is ActRefusal.DEVIATION_CLOSED_ALREADY  # the day has not come
    plant.now_ns += 2 * DAY_NS
    assert len(closings_to_check(plant.connection, date.fromisoformat(day))) == 1
    assert plant.close().code is ActRefusal.EFFECT_NOT_KNOWN_YET
    assert plant.close(check_by="2099-01-01", reason="two weeks more").outcome is ActOutcome.DONE
    assert closings_to_check(plant.connection, date(2098, 1, 1)) == ()
    assert closing_of(plant.connection, plant.key).conclusion == "two weeks more"
    assert audit.verify(plant.connection)[1] is None


def test_a_closing_is_published_with_who_when_why_and_the_day_of_the_check_and_so_is_what_opens_it_again(plant):
    plant.complete(plant.recorded())
    assert plant.sent("deviation")[-1]["state"] == "draft"
    plant.close(check_by="2027-06-30")
    closed = plant.sent("deviation")[-1]
    assert (closed["id"], closed["version"], closed["state"]) == (plant.key, 1, "closed")
    said = closed["closing"]
    assert (said["signed_by"], said["reason"], said["check_by"]) == (
        ["Q. Head"],
        "the filter was clogged",
        "2027-06-30",
    )
    assert (said["at"], said["no_action"], said["role"]) == (closed["issued_at"], None, "quality")
    assert [item["effectiveness"] for item in said["actions"]] == ["too_early"]
    assert "the filter was clogged" in closed["document"]
    plant.correct(112.0)
    opened = plant.sent("deviation")[-1]
    assert (opened["version"], opened["state"], opened["closing"]) == (2, "draft", None)
    assert (opened["reopening"]["closed_version"], opened["reopening"]["at"]) == (1, opened["issued_at"])
    assert len({(item["version"], item["state"]) for item in plant.sent("deviation")}) == len(plant.sent("deviation"))


def test_no_other_system_opens_a_second_deviation_for_a_closing():
    assert messages_of(SinkMessage.DEVIATION, {"state": "draft"}) == (SinkMessage.DEVIATION,)
    assert messages_of(SinkMessage.DEVIATION, {"state": "closed"}) == (SinkMessage.DEVIATION_CLOSED,)
    takes = {name for name, template in TEMPLATES.items() if SinkMessage.DEVIATION_CLOSED in template.messages}
    assert takes == {"generic"}


async def test_an_alarm_calls_quality_on_the_day_of_the_check_until_it_is_recorded(plant):
    plant.complete(plant.recorded())
    day = day_of(plant.now_ns + DAY_NS, plant.line.time_zone).isoformat()
    plant.close(check_by=day)
    heard = []
    watch = ClosingWatch(plant.line, directory=plant.directory, now_ns=lambda: plant.now_ns,
                         on_condition=lambda *condition: heard.append(condition))  # fmt: skip
    await watch.look()
    plant.now_ns += 2 * DAY_NS
    await watch.look()
    plant.close(check_by="2099-01-01")
    await watch.look()
    assert heard == [(EFFECT_TO_CHECK, False), (EFFECT_TO_CHECK, True), (EFFECT_TO_CHECK, False)]
    alarm = gateway_alarm(EFFECT_TO_CHECK, latched=False)
    assert (alarm.position, alarm.severity.value) == ("quality", "warning")
    (plant.directory / STATE_FILE).rename(plant.directory / "elsewhere")
    await watch.look()  # what stood stands
    assert len(heard) == 3


def test_a_forged_closing_is_not_to_be_checked(plant):
    plant.complete(plant.recorded())
    plant.close(check_by="2027-06-30")
    with closing(open_state(plant.directory, vouching=False)) as by_hand:
        by_hand.execute("UPDATE deviation_state SET body = replace(body, 'clogged', 'cleaned')")
    assert closings_to_check(plant.connection, date(2028, 1, 1)) == ()


def test_an_action_that_did_not_help_is_followed_by_another_one(plant):
    plant.good_lots(9)
    plant.complete(plant.recorded())
    plant.lot("BAD-2", 111.0)
    refused = plant.close(check_by="2027-06-30")
    assert (refused.code, refused.parameters["failed"], refused.parameters["lots"]) == (
        ActRefusal.ACTION_DID_NOT_HELP, 1, 1,
    )  # fmt: skip
    plant.complete(plant.recorded("Replace the filter"))
    plant.good_lots(FEWEST_LOTS)
    assert plant.close().outcome is ActOutcome.DONE
    assert closing_of(plant.connection, plant.key).actions[-1].effectiveness == "effective"


def test_only_quality_closes_with_both_components_and_what_was_shown(plant):
    session = Credential(kind=CredentialKind.SESSION, subject="q.head")
    assert plant.close(session, no_action="n").code is ActRefusal.BOTH_COMPONENTS_NEEDED
    for user in ("olga", "emil"):
        assert plant.close(by(user), no_action="n").code is ActRefusal.ROLE_NOT_ENTITLED
    assert plant.close(version=7, no_action="n").code is ActRefusal.DEVIATION_CHANGED
    assert not plant.is_closed()


def test_a_corrected_result_opens_it_again_with_a_line_in_the_trail(plant):
    plant.close(no_action="a single sample")
    plant.correct(112.0)
    assert not plant.is_closed()
    assert plant.open_in_review()
    ((subject, body),) = plant.rows("SELECT subject, body FROM audit WHERE kind = 'deviation_reopened'")
    assert (subject, json.loads(body)["version"]) == (plant.key, 2)
    assert plant.close(version=1, no_action="n").code is ActRefusal.DEVIATION_CHANGED
    assert plant.close(no_action="the correction confirms it").outcome is ActOutcome.DONE
    assert plant.is_closed()


def test_two_persons_close_it_where_the_plant_asks_for_two(plant):
    two = {ActKind.CLOSE_DEVIATION: SignaturePolicy(roles=(Role.QUALITY,), count=2)}
    plant.line = replace(plant.line, signatures=two)
    answer = plant.close(no_action="a single sample")
    assert answer.outcome is ActOutcome.PENDING
    assert not plant.is_closed()
    pending = SignPending(record_id=answer.details["record_id"], sha256=answer.details["sha256"])
    assert plant.act(pending, credential=SIGNED).outcome is ActOutcome.REFUSED  # its author again
    assert not plant.is_closed()


def test_an_action_is_not_done_by_its_author_alone_where_two_persons_are_asked_for(plant):
    two = {ActKind.COMPLETE_ACTION: SignaturePolicy(roles=(Role.QUALITY, Role.ENGINEER), count=2)}
    action_id = plant.recorded()
    plant.line = replace(plant.line, signatures=two)
    answer = plant.complete(action_id)
    assert answer.outcome is ActOutcome.PENDING
    pending = SignPending(record_id=answer.details["record_id"], sha256=answer.details["sha256"])
    assert plant.act(pending, credential=SIGNED).code in {ActRefusal.SIGNED_ALREADY, ActRefusal.AUTHOR_DOES_NOT_SIGN}
    assert plant.close().code is ActRefusal.DEVIATION_ACTIONS_OPEN
    assert plant.act(pending, credential=by("emil")).outcome is ActOutcome.DONE
    (item,) = actions_of(plant.connection, plant.key)
    assert item.done_ns is not None


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE deviation_state SET body = replace(body, 'clogged', 'cleaned')",
        "UPDATE signature SET printed_name = 'Nobody'",
        FORGED_CLOSING,
    ],
)
def test_a_forged_row_closes_nothing(plant, forged):
    plant.close(no_action="a single sample")
    if forged == FORGED_CLOSING:
        plant.correct(112.0)
    with closing(open_state(plant.directory, vouching=False)) as by_hand:  # its triggers give an inserted row its hash
        by_hand.execute(forged)
    assert not plant.is_closed()
    assert plant.open_in_review()


def test_an_action_whose_row_was_changed_keeps_it_open(plant):
    plant.recorded()
    plant.connection.execute("UPDATE corrective_action SET deviation_id = deviation_id || '', body = body || ' '")
    assert plant.close(no_action="n").code is ActRefusal.RECORD_DAMAGED


def test_the_printed_draft_has_the_actions_and_the_closing(plant):
    draft = decode(Deviation, plant.rows("SELECT body FROM deviation")[0][0])
    plant.complete(plant.recorded("Clean <b>the</b> filter"))
    plant.good_lots(2)
    plant.close(check_by="2027-06-30")
    given = {"actions": actions_of(plant.connection, plant.key), "closed": closing_of(plant.connection, plant.key)}
    page, text = html(draft, **given), markdown(draft, **given)
    assert "Clean &lt;b&gt;the&lt;/b&gt; filter" in page
    assert "in 0 of 2 lots since" in page
    assert "before in 1 of 1" in text
    assert "the filter was clogged" in page
    assert "To be completed by people" not in page
    assert "To be completed by people" in html(draft)
