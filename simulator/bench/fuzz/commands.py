"""Parsers of the control socket: what a command asks, and what it reads of the gateway's answer."""

import json
from contextlib import nullcontext
from typing import Any

from gateway.contract.acts import act_of_document, answer_line, identity_of_act, read_answer, read_request
from gateway.contract.readings import read_status, read_tags, reading_asked
from gateway.errors import LablineError
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ACTS, refused
from simulator.bench.fuzz.filling import filled
from simulator.bench.fuzz.running import Parser

_WHO = "the store's owner and root"


def act_parameters() -> dict[ActKind, dict[str, Any]]:
    """Return fields of each kind of act with values that they may have."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - only examples need it

    return {kind: filled(TypeAdapter(act).json_schema()) for kind, act in ACTS.items()}


def _requests() -> list[bytes]:
    request = {"schema": "labline.act/1", "sign_in": {"user_id": "a.miller", "password": "x" * 12, "code": ""},
               "reason": "seen", "read_before_boot_ns": 1}  # fmt: skip
    acts = [{**request, "act": kind.value, "parameters": fields} for kind, fields in act_parameters().items()]
    return [json.dumps(document).encode() for document in (*acts, {"schema": "labline.read/1", "read": "tags"})]


def _request(line: bytes) -> None:
    if reading_asked(line) is None:
        request = read_request(line)
        identity_of_act(request.act, at_ns=1, by="a")


def _act(content: bytes) -> None:
    """Read the fields of every kind of act out of one document."""
    document = json.loads(content)
    for kind in ActKind:
        try:
            act_of_document(kind, document if isinstance(document, dict) else {})
        except ValueError:
            continue


def _answers() -> list[bytes]:
    tag = {"tag": "t", "source": "plc1", "node": "n", "equipment": "R1", "unit": "degC", "value": 1.5,
           "quality": "good", "status": 0, "held_at": "2026-03-02T06:00:00Z", "age_seconds": 0.1,
           "max_age_seconds": 10.0, "validated": [0.0, 2.0]}  # fmt: skip
    tags = {"schema": "labline.tags/1", "line": "l", "at": "2026-03-02T06:00:00Z", "by": "gateway", "tags": [tag]}
    status = {"schema": "labline.status/1", "online": True, "degraded": []}
    return [answer_line(refused(ActRefusal.GATEWAY_BUSY)), json.dumps(tags).encode(), json.dumps(status).encode()]


def _answer(line: bytes) -> None:
    for read in (read_answer, read_tags, read_status):
        try:
            read(line)
        except LablineError:
            continue


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="control-socket",
        reached_by=_WHO,
        examples=_requests,
        make=lambda: nullcontext(_request),
        refuses=(LablineError,),
    ),
    Parser(
        name="acts",
        reached_by=_WHO,
        examples=lambda: [json.dumps(fields).encode() for fields in act_parameters().values()],
        make=lambda: nullcontext(_act),
        refuses=(ValueError, RecursionError),
    ),
    Parser(
        name="control-answers",
        reached_by="the gateway",
        examples=_answers,
        make=lambda: nullcontext(_answer),
        refuses=(),
    ),
)
