"""Parsers of what comes by MQTT, by the webhook and by files: results, context, specifications, responses, heads."""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from gateway.contract.audit_head import published_head, signature_holds
from gateway.contract.json_documents import parse_document
from gateway.contract.lims.json_paths import PathMapping
from gateway.contract.lims.lab_results import LimsInterface, read_result
from gateway.contract.lims.mapping import MAPPINGS, ResultMapping, mapping_by_paths
from gateway.contract.lims.result_files import FileForm, decoded, messages_in
from gateway.contract.mes_messages import context_change, context_messages
from gateway.contract.mes_pull import AnswerNotReadError, PullRule, pulled_messages
from gateway.contract.refusals import MessageRefusedError, Refusal
from gateway.contract.response_tokens import read_token
from gateway.contract.response_tokens import signature_holds as token_holds
from gateway.contract.responses import response
from gateway.contract.specifications import stated_specification
from gateway.contract.topics import encode_level, matches
from gateway.deadlines import ClockReading
from gateway.events import MessageRefused
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context, understand_specifications
from gateway.ingest.messages import Intake
from gateway.ingest.responses import understand_response
from gateway.records.laboratory import ResultStatus
from gateway.records.production import ContextKind
from simulator.bench.fuzz.running import Parser, Run

NOW_NS = 1_772_446_500 * 10**9
_EXAMPLES = Path(__file__).parent / "examples"
_REFUSED = (MessageRefusedError,)
_PATHS = PathMapping(
    items="report.values",
    statuses={"freigegeben": "approved", "geprueft": "validated"},
    paths={
        "sample_id": "$.report.sample.no", "material_lot_id": "$.report.sample.lots", "test_id": "code",
        "sampled_at": "$.report.sample.drawn", "value": "reading.text", "unit": "reading.unit", "status": "state",
        "lower": "limits[0]", "upper": "limits[1]",
    },
)  # fmt: skip
_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"  # RFC 8032, 7.1, test 1
_RULES = (
    PullRule(event=ContextKind.LOT_STARTED, at="times.start",
             fields={"material_lot_id": "lot", "job_order_id": "id", "equipment_id": "cell.name"},
             when={"status": ("Running", "true")}),
    PullRule(event=ContextKind.LOT_ENDED, at="times.end", fields={"material_lot_id": "lot"}),
)  # fmt: skip


def examples_in(name: str) -> list[bytes]:
    """Return the inputs of a file of examples: one JSON text, or one text, for each line."""
    lines = (_EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line).encode() if line.startswith('"') else line.encode() for line in lines if line.strip()]


def _results(mapping: ResultMapping, **how: Any) -> Run:
    interface = LimsInterface(
        source="lims", analytes={"pH": "ph", "Visk": "viscosity", "PH": "ph"}, mapping=mapping,
        assume_status=ResultStatus.VALIDATED, **how,
    )  # fmt: skip

    def run(content: bytes) -> None:
        try:
            parts = mapping.parts(content)
        except MessageRefusedError:
            mapping.reference(content)
            raise
        for part in parts:
            read_result(part, interface, now_ns=NOW_NS)

    return run


def _context(content: bytes) -> None:
    for part in context_messages(content):
        context_change(part, now_ns=NOW_NS)


def _specification(content: bytes) -> None:
    stated_specification(content, now_ns=NOW_NS, ignore=("remark",))


def _response(content: bytes) -> None:
    answer = response(content, now_ns=NOW_NS, topic_level="T-07")
    if answer.token:
        _token(answer.token.encode())


def _token(content: bytes) -> None:
    token = read_token(content.decode("latin-1"))
    if token is not None:
        token_holds(token, _KEY)


def _claims(content: bytes) -> None:
    """Read a token whose claims are the input: changed below the encoding, which else hides them."""
    parts = (b'{"alg":"EdDSA","kid":"k1"}', content[:1400], b"s" * 64)
    _token(b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts))


def _head(content: bytes) -> None:
    signature_holds(published_head(content, now_ns=NOW_NS))


def _pulled(content: bytes) -> None:
    for rules, items in ((_RULES, "data"), ((), None)):
        try:
            messages = pulled_messages(content, rules, items=items, now_ns=NOW_NS)
        except AnswerNotReadError:
            continue
        for message in messages:
            try:
                _context(message)
            except MessageRefusedError:
                continue


def _file(content: bytes) -> None:
    form = FileForm(columns={"test_id": "test"})
    for _line, message in messages_in(decoded(content), form):
        try:
            _results(MAPPINGS["canonical"])(message)
        except MessageRefusedError:
            continue


class _Acknowledging:
    """A session of the broker that has everything acknowledged."""

    def acknowledge(self, _delivery: object) -> bool:
        """Take it."""
        return True

    def pause(self) -> None:
        """Go on."""

    def resume(self) -> None:
        """Go on."""


def _deliveries() -> Run:
    """Return what takes a delivery as the broker's session does; a reader's own error is a dead letter there."""
    mapping = MAPPINGS["canonical"]
    interface = LimsInterface(source="lims", analytes={}, assume_status=None)
    at = ClockReading(wall_ns=NOW_NS, boot_ns=0, boot_id="b", latest_ns=NOW_NS)

    def run(content: bytes) -> None:
        """Take a delivery; raises AssertionError where a reader failed over it."""
        try:
            document = json.loads(content)
            topic, payload = str(document["topic"]), str(document["payload"]).encode("utf-8", "surrogatepass")
            topic.encode()  # a topic is UTF-8, or comes as the text of its bytes
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        intake = Intake(
            inbox=EventQueue(), urgency=Urgency.INBOUND, now=lambda: at,
            splits={"lims/results/#": mapping.parts, "mes/context/#": context_messages},
            routes={"lims/results/#": understand_results(interface), "mes/context/#": understand_context,
                    "mes/specifications/#": understand_specifications({}), "+/response/+": understand_response},
        )  # fmt: skip
        intake.session = _Acknowledging()
        encode_level(topic)
        matches("+/response/+", topic)
        for event in intake.offer(topic, payload, session="main", committed=lambda: None):
            if isinstance(event, MessageRefused):
                _no_failure(event)

    return run


def _no_failure(event: MessageRefused) -> None:
    for reason in event.reasons:
        if reason.code == Refusal.DECISION_FAILED.value:
            raise AssertionError(f"a reader failed: {reason.parameters}")


def _row(name: str, reached_by: str, run: Run, refuses: Sequence[type[Exception]] = _REFUSED,
         examples: str | None = None) -> Parser:  # fmt: skip
    return Parser(name=name, reached_by=reached_by, examples=partial(examples_in, f"{examples or name}.jsonl"),
                  make=lambda: nullcontext(run), refuses=tuple(refuses))  # fmt: skip


_OF_LIMS: Mapping[str, Run] = {
    **{name: _results(mapping) for name, mapping in MAPPINGS.items()},
    "paths": _results(mapping_by_paths(_PATHS), decimal_comma=True),
}
PARSERS: tuple[Parser, ...] = (
    *(
        _row(f"lims-{name}", "who may publish results, or has the webhook's token", run)
        for name, run in _OF_LIMS.items()
    ),
    _row("mes-context", "who may publish orders and lots", _context),
    _row("specifications", "who may publish specifications", _specification),
    _row("responses", "every terminal", _response),
    _row("response-tokens", "every terminal", _token, ()),
    _row("response-claims", "every terminal", _claims, ()),
    _row("audit-heads", "who may publish to our own topics", _head),
    _row("json", "every sender", parse_document, examples="mes-context"),
    _row("mes-answers", "the MES that is asked", _pulled),
    _row("result-files", "who brings a file", _file, (ValueError, MessageRefusedError)),
    Parser(
        name="deliveries",
        reached_by="everybody at the broker",
        examples=partial(examples_in, "deliveries.jsonl"),
        make=lambda: nullcontext(_deliveries()),
        refuses=(),
    ),
)
