"""What decisions on alarms stand on. Runs inside the writer's transaction."""

from gateway.advice.alarm_states import gateway_alarm_id
from gateway.events import ActRequested, GatewayAlarmChanged, TimerDue
from gateway.facts.alarms import AlarmActFacts, AlarmFacts, ShelvesFacts
from gateway.records.acts import Acknowledge, ReturnToService, Shelve, TakeOutOfService, Unshelve
from gateway.records.guidance import Guidance
from gateway.store.codec import decode
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.facts.suppression import suppressing
from gateway.store.queries.alarms import alarm_of, read_alarm
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_GRACE_NS = 3600 * SECOND_NS  # in which a model that is at work asks again, so that it can say why


@loader
def alarm_facts(reading: Reading, event: GatewayAlarmChanged) -> AlarmFacts:
    """Return the alarm of a condition."""
    alarm = alarm_of(reading.connection, gateway_alarm_id(event.code))
    others = tuple(read_alarm(row) for row in reading.connection.execute(SQL["gateway_alarms"]))
    return AlarmFacts(**reading.base(), alarm=alarm, others=others, suppressing=suppressing(reading))


@loader
def shelves_facts(reading: Reading, event: TimerDue) -> ShelvesFacts:
    """Return the alarms whose time on the shelf is over."""
    rows = reading.connection.execute(SQL["shelves_that_end"], {"at_ns": event.at_ns})
    ended = tuple(read_alarm(row) for row in rows)
    longest_ns = max((model.warnings.ask_again_after_ns for model in reading.line.models), default=0)
    return ShelvesFacts(
        **reading.base(),
        ended=ended,
        suppressing=suppressing(reading),
        rejections=reading.values("rejections_before", before_ns=event.at_ns - longest_ns - _GRACE_NS),
    )


@loader
def alarm_act_facts(reading: Reading, event: ActRequested) -> AlarmActFacts:
    """Return the alarm that an act is about, and the guidance behind it."""
    act = event.act
    if not isinstance(act, Acknowledge | Shelve | Unshelve | TakeOutOfService | ReturnToService):
        raise TypeError(f"{act.kind} is about no alarm")
    alarm = alarm_of(reading.connection, act.alarm_id)
    row = None
    if alarm is not None and alarm.guidance_id is not None:
        row = reading.row("guidance_by_id", guidance_id=alarm.guidance_id)
    below = reading.connection.execute(SQL["alarms_below"], {"alarm_id": act.alarm_id})
    return AlarmActFacts(
        **act_base(reading, event),
        alarm=alarm,
        below=tuple(read_alarm(row) for row in below),
        guidance=None if row is None else decode(Guidance, row["body"]),
    )
