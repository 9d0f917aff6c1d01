"""The codes of what the console says by itself: the groups ``console_action`` and ``console_alarm`` of the texts."""

from enum import StrEnum


class ActionText(StrEnum):
    """The one thing to do next about a guidance."""

    MOVE = "MOVE"
    HOLD = "HOLD"
    REVIEW = "REVIEW"
    RELEASE = "RELEASE"
    LOOK = "LOOK"
    NOTHING = "NOTHING"


class AlarmText(StrEnum):
    """What an alarm of the gateway is about."""

    SOURCE = "SOURCE"
    MODEL = "MODEL"
    LATCHED = "LATCHED"
    STANDS = "STANDS"
