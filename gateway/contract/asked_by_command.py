"""How ``labline ask`` has its question put on record by the running gateway (``labline.asked/1``): one line each way.

The command answers from the store itself; the gateway says who asked and when, as it knows them.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import LablineError

LONGEST_ANSWER_BYTES = 1024
_SCHEMA = b'"labline.asked/1"'
_MOST_SOURCES = 40


class AskedByCommand(BaseModel):
    """A question that a command has answered; ``question``: its beginning."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    schema_: Literal["labline.asked/1"] = Field(default="labline.asked/1", alias="schema")
    question: str = Field(max_length=500)
    length: int = Field(ge=0)
    intent: str = Field(max_length=100)
    outcome: str = Field(max_length=100)
    language: str = Field(max_length=10)
    sources: tuple[str, ...] = Field(max_length=_MOST_SOURCES)
    answer_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _OnRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True, defer_build=True)

    schema_: Literal["labline.asked-answer/1"] = Field(default="labline.asked-answer/1", alias="schema")
    on_record: bool


def asked_line(asked: AskedByCommand) -> bytes:
    """Return a question as one line."""
    return asked.model_dump_json(by_alias=True).encode(errors="replace") + b"\n"


def asked_by_command(line: bytes) -> AskedByCommand | None:
    """Return the question in a line, None where it is of another kind or is not understood."""
    if _SCHEMA not in line[:100]:
        return None
    try:
        return AskedByCommand.model_validate_json(line)
    except ValidationError:
        return None


def on_record_line(on_record: bool) -> bytes:  # noqa: FBT001 - the one thing that it says
    """Return the answer as one line."""
    return _OnRecord(on_record=on_record).model_dump_json(by_alias=True).encode() + b"\n"


def is_on_record(line: bytes) -> bool:
    """Return whether a question is on record; raises LablineError where the answer is none."""
    try:
        return _OnRecord.model_validate_json(line).on_record
    except ValidationError as error:
        raise LablineError("the gateway's answer is not understood", hint="is it of another version?") from error
