"""What guidance stands on that is answered, or that may end."""

from gateway.advice.publication import BOARD_LONGEST
from gateway.events import (
    AdviceWithheld,
    GatewayStarted,
    ResponseArrived,
    Timer,
    TimerDue,
    VersionTaken,
)
from gateway.facts.guidance import OpenGuidanceFacts, ResponseFacts, StartFacts
from gateway.records.guidance import Attention, Guidance
from gateway.store.codec import decode
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL, value_of


@loader
def open_guidance_facts(reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld) -> OpenGuidanceFacts:
    """Return the open guidance that an event is about."""
    open_guidance = _open_guidance(reading, event)
    return OpenGuidanceFacts(
        **reading.base(), open_guidance=open_guidance, announced_ns=_announced_ns(reading, event, open_guidance)
    )


def _announced_ns(
    reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld, open_guidance: tuple[Guidance, ...]
) -> dict[str | None, tuple[int, ...]]:
    """Return, of equipment of which guidance waits, when operators were called to some within the period."""
    waiting = {item.equipment_id for item in open_guidance if item.attention is Attention.WAITING}
    return {
        equipment_id: announced_within(reading, equipment_id, event.at_ns)
        for equipment_id in waiting
        if equipment_id is not None
    }


def announced_within(reading: Reading, equipment_id: str, at_ns: int) -> tuple[int, ...]:
    """Return when operators were called to an equipment's guidance within the period; at most as often as they may."""
    rationing = reading.line.rationing
    parameters = {"equipment_id": equipment_id, "after_ns": at_ns - rationing.period_ns, "most": rationing.most}
    rows = reading.connection.execute(SQL["announced_of_equipment"], parameters)
    return tuple(row["announced_ns"] for row in rows)


def _open_guidance(reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld) -> tuple[Guidance, ...]:
    match event:
        case VersionTaken():
            return reading.guidance("open_guidance_of_model", model=event.model)
        case AdviceWithheld():
            refused = (reading.guidance("guidance_by_id", guidance_id=guidance_id) for guidance_id in event.refused)
            return tuple(guidance for rows in refused for guidance in rows)
        case _:
            return (
                _board(reading)
                if event.timer is Timer.REFRESH_BOARD
                else reading.guidance("open_guidance_that_expires")
            )


@loader
def response_facts(reading: Reading, event: ResponseArrived) -> ResponseFacts:
    """Return the guidance that was answered."""
    row = reading.row("guidance_by_id", guidance_id=event.response.guidance_id)
    return ResponseFacts(**reading.base(), answered=None if row is None else decode(Guidance, row["body"]))


@loader
def start_facts(reading: Reading, _event: GatewayStarted) -> StartFacts:
    """Return what a start stands on."""
    return StartFacts(
        **reading.base(),
        previous_configuration_sha256=value_of(reading.connection, "last_configuration"),
        open_guidance=_board_and_advice(reading),
        announced_ns={},
    )


def _board(reading: Reading) -> tuple[Guidance, ...]:
    return reading.guidance("newest_open_guidance", most=BOARD_LONGEST)


def _board_and_advice(reading: Reading) -> tuple[Guidance, ...]:
    """Return what the board shows, and all advice that expires, on the board or not: it is judged again."""
    both = (*_board(reading), *reading.guidance("open_guidance_that_expires"))
    return tuple({guidance.guidance_id: guidance for guidance in both}.values())
