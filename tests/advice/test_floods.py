"""Floods, chattering and bursts over several equipments: calls are bounded, and every warning is shown or named."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.advice.grouping import Group, regrouped
from gateway.advice.lifecycle import OPEN, moved
from gateway.advice.new_guidance import GuidanceSubject, new_guidance
from gateway.advice.rationing import Calls, rationed, summarised
from gateway.line.alarm_rules import Rationing
from gateway.records.guidance import Attention, GuidanceKind, GuidanceState, Severity
from gateway.records.production import Context

RULES = Rationing(most=2, period_ns=100)


class Desk:
    """What an operator is called to and sees, when warnings begin and end as a test says."""

    def __init__(self):
        self.now, self.number = 0, 0
        self.record = {}  # every guidance as it stands, whatever became of it
        self.calls = []  # (when, equipment, whether critical)

    def open(self, equipment=None):
        return tuple(item for item in self.record.values()
                     if item.state in OPEN and equipment in (None, item.equipment_id))  # fmt: skip

    def announced(self, equipment):
        recent = (item.announced_ns for item in self.record.values()
                  if item.equipment_id == equipment and item.announced_ns is not None)  # fmt: skip
        return tuple(sorted(at for at in recent if at > self.now - RULES.period_ns)[: RULES.most])

    def written(self, changed):
        for item in changed:
            before = self.record.get(item.guidance_id)
            if item.announced_ns == self.now and (before is None or before.announced_ns != self.now):
                self.calls.append((self.now, item.equipment_id, item.severity is Severity.CRITICAL))
            self.record[item.guidance_id] = item

    def standing(self, equipment, analyte):
        return tuple(item for item in self.open(equipment) if item.analyte == analyte)

    def decide(self, equipment, analyte, changed):
        self.written(rationed(changed, standing=self.standing(equipment, analyte),
                              calls=Calls(announced_ns=self.announced(equipment), rationing=RULES, at_ns=self.now,
                                          others=self.open(equipment))))  # fmt: skip

    def begins(self, equipment, analyte, severity):
        standing = self.standing(equipment, analyte)
        if standing:  # it may become worse
            self.decide(equipment, analyte, tuple(replace(item, severity=max(item.severity, severity, key=order))
                                                  for item in standing))  # fmt: skip
            return
        self.number += 1
        subject = GuidanceSubject(name=(analyte,), context=Context(equipment_id=equipment, material_lot_id="L-1"),
                                  analyte=analyte, specification=None)  # fmt: skip
        new = new_guidance(GuidanceKind.WARNING, subject, title=f"{equipment} {analyte}", reasons=(),
                           event_id=f"e-{self.number}", issued_ns=self.now)  # fmt: skip
        self.decide(equipment, analyte, (replace(new, severity=severity),))

    def ends(self, equipment, analyte):
        ended = tuple(moved(item, GuidanceState.RESOLVED) for item in self.standing(equipment, analyte))
        self.decide(equipment, analyte, ended)

    def answered(self, equipment, analyte, state):
        for item in self.standing(equipment, analyte):
            self.record[item.guidance_id] = moved(item, state) or item

    def timer(self):
        equipments = {item.equipment_id for item in self.open()}
        made_known = summarised(self.open(), announced_ns={name: self.announced(name) for name in equipments},
                                rationing=RULES, at_ns=self.now)  # fmt: skip
        self.written(regrouped(made_known, self.open()))

    def named(self, head):
        return {part for reason in head.reasons for part in reason.parameters.get("guidance", ())}


def order(severity):
    return list(Severity).index(severity)


ANALYTES, EQUIPMENTS = ("ph", "viscosity", "colour"), ("R1", "R2", "R3")
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 3, 40]),  # bursts, and time to recover
        st.sampled_from(EQUIPMENTS),
        st.sampled_from(ANALYTES),
        st.sampled_from(
            ["begins", "begins", "begins", "ends", "ends", "critical", "acknowledged", "rejected", "timer"]
        ),
    ),
    max_size=80,
)


def run(desk, step):
    later, equipment, analyte, what = step
    desk.now += later
    if what == "timer":
        desk.timer()
    elif what == "ends":
        desk.ends(equipment, analyte)
    elif what in {"acknowledged", "rejected"}:
        desk.answered(equipment, analyte, GuidanceState(what))
    else:
        desk.begins(equipment, analyte, Severity.CRITICAL if what == "critical" else Severity.WARNING)


@settings(max_examples=50, deadline=None)
@given(steps)
def test_calls_are_bounded_and_every_warning_is_called_or_named_by_a_message(sequence):
    desk = Desk()
    for step in sequence:
        run(desk, step)
    for equipment in EQUIPMENTS:
        quiet = [at for at, where, critical in desk.calls if where == equipment and not critical]
        for at in quiet:
            assert sum(at - RULES.period_ns < other <= at for other in quiet) <= RULES.most
    assert len(desk.record) == desk.number  # nothing is gone from the record
    desk.now += RULES.period_ns
    desk.timer()
    for item in desk.open():
        if item.state is not GuidanceState.PROPOSED:
            continue  # a person has seen it
        assert item.attention in {Attention.NEW, Attention.QUIET}
        if item.attention is Attention.QUIET and item.group is not None:
            head = desk.record[item.group]
            assert head.state in OPEN
            assert item.guidance_id in desk.named(head)
    critical = [item for item in desk.open() if item.severity is Severity.CRITICAL]
    assert all(item.announced_ns is not None for item in critical)  # each has called by itself


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(0, 5))
def test_a_chattering_signal_calls_at_most_as_often_as_permitted(times, every):
    desk = Desk()
    for _ in range(times):
        desk.now += every
        desk.begins("R1", "ph", Severity.WARNING)
        desk.now += every
        desk.ends("R1", "ph")
        desk.timer()
    spans = 1 + desk.now // RULES.period_ns
    assert len(desk.calls) <= RULES.most * spans + 1
    assert len(desk.record) == times


def test_a_burst_on_one_lot_is_one_message_that_names_its_parts_as_they_join_and_leave():
    desk = Desk()
    for analyte in ANALYTES:
        desk.begins("R1", analyte, Severity.WARNING)
    assert len(desk.calls) == 1
    head, first, second = desk.record.values()
    assert (first.group, second.group) == (head.guidance_id,) * 2
    assert desk.named(head) == {first.guidance_id, second.guidance_id}
    assert head.reasons[-1].code == Group.STANDS_WITH
    assert all(part.title in head.reasons[-1].text for part in (first, second))
    desk.ends("R1", "viscosity")
    head = desk.record[head.guidance_id]
    assert desk.named(head) == {second.guidance_id}
    desk.ends("R1", "ph")  # the message itself is over: the part that stands takes its place, without a call
    left = desk.record[second.guidance_id]
    assert (left.group, left.attention, len(desk.calls)) == (None, Attention.QUIET, 1)
    desk.ends("R1", "colour")
    assert desk.open() == ()


def test_who_has_acknowledged_a_message_is_called_to_what_comes_after():
    desk = Desk()
    desk.begins("R1", "ph", Severity.WARNING)
    desk.answered("R1", "ph", GuidanceState.ACKNOWLEDGED)
    desk.now += 1
    desk.begins("R1", "viscosity", Severity.WARNING)
    assert len(desk.calls) == 2


def test_another_equipment_another_lot_and_what_is_critical_call_by_themselves():
    desk = Desk()
    desk.begins("R1", "ph", Severity.WARNING)
    desk.begins("R2", "ph", Severity.WARNING)
    desk.begins("R1", "viscosity", Severity.CRITICAL)
    assert len(desk.calls) == 3


def test_a_part_that_becomes_critical_calls():
    desk = Desk()
    desk.begins("R1", "ph", Severity.WARNING)
    desk.begins("R1", "viscosity", Severity.WARNING)
    desk.now += 1
    desk.begins("R1", "viscosity", Severity.CRITICAL)
    assert [critical for _at, _where, critical in desk.calls] == [False, True]
