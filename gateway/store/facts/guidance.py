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
from gateway.records.guidance import Guidance
from gateway.store.codec import decode
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import value_of


@loader
def open_guidance_facts(reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld) -> OpenGuidanceFacts:
    """Return the open guidance that an event is about."""
    return OpenGuidanceFacts(**reading.base(), open_guidance=_open_guidance(reading, event))


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
    )


def _board(reading: Reading) -> tuple[Guidance, ...]:
    return reading.guidance("newest_open_guidance", most=BOARD_LONGEST)


def _board_and_advice(reading: Reading) -> tuple[Guidance, ...]:
    """Return what the board shows, and all advice that expires, on the board or not: it is judged again."""
    both = (*_board(reading), *reading.guidance("open_guidance_that_expires"))
    return tuple({guidance.guidance_id: guidance for guidance in both}.values())
