"""How often operators are called: never more than permitted, nothing critical kept back, and nothing lost."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.advice.new_guidance import GuidanceSubject, new_guidance
from gateway.advice.rationing import Calls, rationed, summarised
from gateway.line.alarm_rules import Rationing
from gateway.records.guidance import Attention, GuidanceKind, GuidanceState, Severity
from gateway.records.production import Context

RULES = Rationing(most=2, period_ns=100)


def guidance(analyte, at_ns, *, kind=GuidanceKind.WARNING, severity=Severity.WARNING):
    subject = GuidanceSubject(name=(kind, analyte), context=Context(equipment_id="R1"), analyte=analyte,
                              specification=None)  # fmt: skip
    new = new_guidance(kind, subject, title=f"{analyte} near its limit", reasons=(), event_id=f"{analyte}-{at_ns}",
                       issued_ns=at_ns)  # fmt: skip
    return replace(new, severity=severity)


def told(*new, standing=(), announced=(), at=0):
    return rationed(new, standing=standing, calls=Calls(announced_ns=announced, rationing=RULES, at_ns=at))


def test_a_suggestion_belongs_to_its_warning_and_calls_nobody():
    warning, move = told(guidance("ph", 0), guidance("ph", 0, kind=GuidanceKind.SETPOINT))
    assert (warning.attention, warning.announced_ns) == (Attention.NEW, 0)
    assert (move.attention, move.group, move.announced_ns) == (Attention.QUIET, warning.guidance_id, None)


def test_beyond_the_number_a_warning_and_its_suggestion_wait_on_the_board():
    warning, move = told(guidance("ph", 5), guidance("ph", 5, kind=GuidanceKind.SETPOINT), announced=(1, 2), at=5)
    assert {warning.attention, move.attention} == {Attention.WAITING}


def test_what_is_critical_and_a_hold_never_wait():
    critical = guidance("ph", 5, severity=Severity.CRITICAL)
    hold = guidance("ph", 5, kind=GuidanceKind.HOLD)
    assert [item.attention for item in told(critical, hold, announced=(1, 2), at=5)] == [Attention.NEW] * 2


def test_a_waiting_warning_that_becomes_critical_calls_at_once():
    (waits,) = told(guidance("ph", 5), announced=(1, 2), at=5)
    (now,) = told(replace(waits, severity=Severity.CRITICAL), standing=(waits,), announced=(1, 2), at=6)
    assert (now.attention, now.announced_ns) == (Attention.NEW, 6)


def test_what_waits_comes_in_one_message_that_names_the_others():
    waiting = [told(guidance(analyte, 5), announced=(1, 2), at=5)[0] for analyte in ("ph", "viscosity", "colour")]
    assert summarised(tuple(waiting), announced_ns={"R1": (1, 2)}, rationing=RULES, at_ns=50) == ()
    head, *others = summarised(tuple(waiting), announced_ns={"R1": (2,)}, rationing=RULES, at_ns=102)
    assert head.title.startswith("3 more")
    assert len(head.title) <= 60
    assert all(f"{analyte} near its limit" in head.reasons[-1].text for analyte in ("ph", "viscosity", "colour"))
    assert {(item.attention, item.group) for item in others} == {(Attention.QUIET, head.guidance_id)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_in_any_period_operators_are_called_at_most_so_often_and_nothing_is_lost(arrivals):
    open_ones, calls, now, own = {}, [], 0, []
    for step, analyte, critical in arrivals:
        now += step
        recent = tuple(at for at in calls if at > now - RULES.period_ns)[: RULES.most]
        standing = tuple(open_ones.values())
        made_known = summarised(standing, announced_ns={"R1": recent}, rationing=RULES, at_ns=now)
        calls += [now for item in made_known if item.announced_ns == now]
        open_ones |= {item.guidance_id: item for item in made_known}
        recent = tuple(at for at in calls if at > now - RULES.period_ns)
        severity = Severity.CRITICAL if critical else Severity.WARNING
        new = guidance(f"{analyte}{len(open_ones)}", now, severity=severity)
        (item,) = rationed((new,), standing=(), calls=Calls(announced_ns=recent, rationing=RULES, at_ns=now))
        open_ones[item.guidance_id] = item
        if item.attention is Attention.NEW:
            calls.append(now)
            own.append((now, critical))
    for at in calls:
        within = [other for other in calls if at - RULES.period_ns < other <= at]
        urgent = [other for other, critical in own if critical and at - RULES.period_ns < other <= at]
        assert len(within) <= RULES.most + len(urgent)
    assert all(item.state is GuidanceState.PROPOSED for item in open_ones.values())  # on the board
    last = summarised(tuple(open_ones.values()), announced_ns={}, rationing=RULES, at_ns=now + RULES.period_ns)
    after = open_ones | {item.guidance_id: item for item in last}
    assert all(item.attention is not Attention.WAITING for item in after.values())
