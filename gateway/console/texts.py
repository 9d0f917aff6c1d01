"""The codes of what the console says by itself, by group of the texts."""

from enum import StrEnum


class ActionText(StrEnum):
    """The group ``console_action``: the one thing to do next about a guidance."""

    MOVE = "MOVE"
    HOLD = "HOLD"
    REVIEW = "REVIEW"
    RELEASE = "RELEASE"
    LOOK = "LOOK"
    NOTHING = "NOTHING"


class PilotText(StrEnum):
    """The group ``pilot``: headings and rows of the report on a model's pilot."""

    TITLE = "TITLE"
    LINE = "LINE"
    AT = "AT"
    PREDICTS = "PREDICTS"
    HOW = "HOW"
    NOTHING = "NOTHING"
    FIGURE = "FIGURE"
    FROM = "FROM"
    UNTIL = "UNTIL"
    RESULTS = "RESULTS"
    OFF_SPECIFICATION = "OFF_SPECIFICATION"
    DECISIONS = "DECISIONS"
    DECISION_TIME = "DECISION_TIME"
    SUGGESTIONS = "SUGGESTIONS"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


class StageText(StrEnum):
    """The group ``stage``: a model's stages, and the time before the first signed one."""

    CONTROL = "CONTROL"
    SHADOW = "SHADOW"
    ADVISE = "ADVISE"
    APPROVE = "APPROVE"
    AUTOMATIC = "AUTOMATIC"
    UNKNOWN = "UNKNOWN"
