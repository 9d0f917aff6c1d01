"""The codes of what the console says by itself: the group ``console_action`` of the texts."""

from enum import StrEnum


class ActionText(StrEnum):
    """The one thing to do next about a guidance."""

    MOVE = "MOVE"
    HOLD = "HOLD"
    REVIEW = "REVIEW"
    RELEASE = "RELEASE"
    LOOK = "LOOK"
    NOTHING = "NOTHING"
