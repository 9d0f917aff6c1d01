"""How a command reads from a running gateway: one JSON line names what (``labline.read/1``), one line answers.

Nothing is changed by it, so it needs no signature: the control socket is open to the store's owner and root only.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field

from gateway.errors import LablineError
from gateway.records.process import quality_of

LONGEST_READING_BYTES = 64 * 1024 * 1024  # thousands of tags have some 400 bytes each
_LONGEST_QUESTION_BYTES = 200
_SCHEMA = "labline.read/1"


class QualityWord(StrEnum):
    """The quality of a tag, as people read it."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    UNKNOWN = "unknown"


class ReadingKind(StrEnum):
    """What a command may read."""

    TAGS = "tags"
    STATUS = "status"


class LiveTag(BaseModel):
    """A tag as it is now; ``value`` None: no number is known. ``held_at``: from when its value counts."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    tag: str
    source: str
    node: str
    equipment: str
    unit: str
    value: float | None = Field(default=None, allow_inf_nan=False)
    quality: QualityWord = QualityWord.UNKNOWN
    status: int | None = None
    held_at: str | None = None
    age_seconds: float | None = None
    max_age_seconds: float
    validated: tuple[float, float] | None = None
    accept_uncertain: bool = False
    problem: str = ""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def stale(self) -> bool:
        """Return whether it is older than models may use it."""
        return self.age_seconds is not None and self.age_seconds > self.max_age_seconds

    @computed_field  # type: ignore[prop-decorator]
    @property
    def outside(self) -> bool:
        """Return whether it is outside of its validated limits."""
        if self.validated is None or self.value is None:
            return False
        low, high = self.validated
        return not low <= self.value <= high

    @computed_field  # type: ignore[prop-decorator]
    @property
    def usable(self) -> bool:
        """Return whether a model may use it."""
        good = self.quality is QualityWord.GOOD or (self.quality is QualityWord.UNCERTAIN and self.accept_uncertain)
        return good and self.value is not None and not self.stale and not self.outside and not self.problem


class LiveTags(BaseModel):
    """The tags of a line as they are; ``by``: the running gateway, or the servers where none runs."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    schema_: Literal["labline.tags/1"] = Field(default="labline.tags/1", alias="schema")
    line: str
    at: str
    by: Literal["gateway", "servers"]
    note: str = ""
    tags: Sequence[LiveTag]


def quality_word(status: int | None) -> QualityWord:
    """Return the quality of a status code in words."""
    return QualityWord.UNKNOWN if status is None else QualityWord(quality_of(status).name.lower())


def question_line(kind: ReadingKind) -> bytes:
    """Return the line that asks for something."""
    return json.dumps({"schema": _SCHEMA, "read": kind.value}).encode() + b"\n"


def reading_asked(line: bytes) -> ReadingKind | None:
    """Return what a line asks to read; None where it asks for something else, such as an act."""
    if len(line) > _LONGEST_QUESTION_BYTES:
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA or set(document) != {"schema", "read"}:
        return None
    known = [kind for kind in ReadingKind if kind.value == document["read"]]
    return known[0] if known else None


def read_tags(line: bytes) -> LiveTags:
    """Return the tags in an answer; raises LablineError where it is none."""
    try:
        return LiveTags.model_validate_json(line)
    except ValidationError as error:
        raise _not_understood() from error


def read_status(line: bytes) -> dict[str, Any]:
    """Return the status in an answer, as ``status`` publishes it; raises LablineError where it is none."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _not_understood() from error
    if not isinstance(document, dict) or document.get("schema") != "labline.status/1":
        raise _not_understood()
    return document


def _not_understood() -> LablineError:
    return LablineError(
        "the gateway's answer is not understood",
        hint="is the running gateway of another version? labline --version, and its log, say which",
    )
