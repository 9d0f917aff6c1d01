"""How a command and the running gateway speak: one JSON line asks (``labline.act/1``), one answers.

The fields of the line are those of the act. A line is bounded; one that is not understood is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.contract.identity import identity_of
from gateway.errors import LablineError
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ACTS, Act, ActOutcome, Answer

LONGEST_LINE_BYTES = 1024 * 1024
LONGEST_ANSWER_BYTES = 64 * 1024 * 1024  # names each message that is sent again; very many may be parked
LONGEST_REASON, LONGEST_SECRET = 4000, 1024
OF_THIS_MACHINE = "command"  # where a command is run
_MOST_PROBLEMS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInRequest:
    """Both components by which a person signs in for one act; ``code``: of a second device, where they have one.

    ``origin``: the address that they come from, as the edge has verified it; a line does not say it.
    """

    user_id: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)
    origin: str = OF_THIS_MACHINE


@dataclass(frozen=True, kw_only=True, slots=True)
class ActRequest:
    """A requested act, by whom and why.

    ``sign_in``: None where the operating system's account at the other end says who it is. ``read_before_boot_ns``: on
    the clock since boot, until when the gateway may read it; later it is not done.
    """

    act: Act
    sign_in: SignInRequest | None
    reason: str
    read_before_boot_ns: int


@cache
def _adapter(kind: ActKind) -> TypeAdapter[Act]:
    return TypeAdapter[Act](ACTS[kind])


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)


class _SignIn(_Line):
    user_id: str = Field(max_length=LONGEST_SECRET)
    password: str = Field(max_length=LONGEST_SECRET)
    code: str = Field(max_length=LONGEST_SECRET)


class _RequestLine(_Line):
    schema_: Literal["labline.act/1"] = Field(alias="schema")
    act: ActKind
    sign_in: _SignIn | None
    reason: str = Field(max_length=LONGEST_REASON)
    read_before_boot_ns: int
    parameters: dict[str, Any]


class _AnswerLine(_Line):
    schema_: Literal["labline.act-answer/1"] = Field(alias="schema")
    outcome: ActOutcome
    code: ActRefusal | None
    parameters: dict[str, Any]
    why: str
    hint: str
    details: dict[str, Any]


def act_document(act: Act) -> dict[str, Any]:
    """Return the fields of an act as JSON writes them."""
    document: dict[str, Any] = _adapter(act.kind).dump_python(act, mode="json")
    return document


def act_of_document(kind: ActKind, document: Mapping[str, Any]) -> Act:
    """Return the act of its fields; raises ValueError where they are none of it."""
    return _adapter(kind).validate_python(dict(document))


def identity_of_act(act: Act, *, at_ns: int, by: str) -> str:
    """Return the stable id of the event in which an act is requested at an instant.

    ``by``: who asks (``Credential.identity``). What two persons ask for at one instant is two acts.
    """
    return identity_of("act", act.kind, by, _adapter(act.kind).dump_json(act).decode(), at_ns)


def request_line(request: ActRequest) -> bytes:
    """Return a request as one line; raises LablineError where it is too long, UnicodeEncodeError where no text."""
    if len(request.reason) > LONGEST_REASON:
        raise LablineError(f"a reason has at most {LONGEST_REASON} characters", hint="name the document that says more")
    request.reason.encode()
    signing = request.sign_in
    document = _RequestLine(
        schema="labline.act/1",
        act=request.act.kind,
        sign_in=None
        if signing is None
        else _SignIn(user_id=signing.user_id, password=signing.password, code=signing.code),
        reason=request.reason,
        read_before_boot_ns=request.read_before_boot_ns,
        parameters=_adapter(request.act.kind).dump_python(request.act, mode="json"),
    )
    line = _as_line(document)
    if len(line) > LONGEST_LINE_BYTES:
        raise LablineError(f"a request has at most {LONGEST_LINE_BYTES} bytes", hint="ask for less at once")
    return line


def read_request(line: bytes) -> ActRequest:
    """Return the request in a line; raises LablineError with what is wrong with it."""
    try:
        document = _RequestLine.model_validate_json(line)
    except ValidationError as error:
        raise LablineError(_problems(error)) from error
    act = act_of(document.act, document.parameters)
    return ActRequest(
        act=act,
        sign_in=None if document.sign_in is None else SignInRequest(**document.sign_in.model_dump()),
        reason=document.reason,
        read_before_boot_ns=document.read_before_boot_ns,
    )


def act_of(kind: ActKind, parameters: Mapping[str, Any]) -> Act:
    """Return the act with these parameters; raises LablineError with what is wrong with them."""
    surplus = sorted(parameters.keys() - {parameter.name for parameter in fields(ACTS[kind])})
    if surplus:
        raise LablineError(f"{kind} has no parameter {surplus[0][:40]}")
    try:
        return _adapter(kind).validate_python(parameters)
    except ValidationError as error:
        raise LablineError(_problems(error)) from error


def answer_line(answer: Answer) -> bytes:
    """Return an answer as one line."""
    return _as_line(
        _AnswerLine(
            schema="labline.act-answer/1",
            outcome=answer.outcome,
            code=answer.code,
            parameters=dict(answer.parameters),
            why=answer.why,
            hint=answer.hint,
            details=dict(answer.details),
        )
    )


def read_answer(line: bytes) -> Answer:
    """Return the answer in a line; raises LablineError where it is none."""
    try:
        document = _AnswerLine.model_validate_json(line)
    except ValidationError as error:
        raise LablineError(f"the gateway's answer is not understood: {_problems(error)}") from error
    return Answer(
        outcome=document.outcome, code=document.code, parameters=document.parameters, details=document.details
    )


def _as_line(document: _Line) -> bytes:
    return document.model_dump_json(by_alias=True).encode() + b"\n"


def _problems(error: ValidationError) -> str:
    """Return what is wrong, without what was sent."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_PROBLEMS]
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'the line'}: {item['msg']}" for item in problems)
