"""Every message that the gateway publishes: one row each. Pure.

Topics, retention, lanes, JSON Schema, AsyncAPI, the probes of ``check --connect`` and the tests take theirs from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.payloads.answer import AnswerPayload
from gateway.contract.payloads.audit_head import AuditHeadPayload
from gateway.contract.payloads.board import BoardPayload
from gateway.contract.payloads.certificate import CertificatePayload
from gateway.contract.payloads.control import ControlPayload
from gateway.contract.payloads.dead_letter import DeadLetterPayload
from gateway.contract.payloads.deviation import DeviationPayload
from gateway.contract.payloads.disposition import DispositionPayload
from gateway.contract.payloads.guidance import GuidancePayload
from gateway.contract.payloads.laboratory_plan import LaboratoryPlanPayload
from gateway.contract.payloads.lot_part import LotPartPayload
from gateway.contract.payloads.outcome import OutcomePayload
from gateway.contract.payloads.parts import Payload
from gateway.contract.payloads.prediction import PredictionPayload
from gateway.contract.payloads.sample_request import SampleRequestPayload
from gateway.contract.payloads.status import StatusPayload
from gateway.contract.payloads.worklist import WorklistPayload
from gateway.contract.topics import UNASSIGNED, encode_level
from gateway.deadlines import Deadline
from gateway.records.outgoing import Lane, OutgoingMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A message that the gateway publishes.

    ``topic``: below the line's root; a level in braces comes from data. ``replaces``: it takes the place of an older
    one that still waits in its lane. ``expires``: in words, by MQTT's message expiry and by its ``expires_at``.
    """

    name: str
    model: type[Payload]
    topic: str
    lane: Lane = Lane.EVIDENCE
    retain: bool = False
    replaces: bool = False
    expires: str = "never"

    def topic_of(self, root: str, *levels: str | None) -> str:
        """Return the topic below a line's root; ``levels``: those that come from data, in order; None: unassigned."""
        data = iter(levels)
        return "/".join([root, *(_encoded(next(data)) if is_data(level) else level for level in self.topic.split("/"))])

    def message(
        self, message_id: str, topic: str, payload: Payload | None, *, expires: Deadline | None = None
    ) -> OutgoingMessage:
        """Return the message for the outbox; without a payload: the one that clears a retained topic."""
        return OutgoingMessage(
            message_id=message_id,
            lane=self.lane,
            topic=topic,
            payload=b"" if payload is None else payload.encoded(),
            retain=self.retain,
            expires=expires,
            replaces=self.lane if self.replaces else None,
        )


def is_data(level: str) -> bool:
    """Return whether a level of a topic comes from data."""
    return level.startswith("{")


def _encoded(level: str | None) -> str:
    return UNASSIGNED if level is None else encode_level(level)


GUIDANCE = Publication(
    name="guidance",
    model=GuidancePayload,
    topic="guidance/{id}",
    lane=Lane.GUIDANCE,
    expires="warnings and setpoints when they are proposed: after the model's expires_after; holds, reviews and "
    "changes of state: never",
)
BOARD = Publication(
    name="board",
    model=BoardPayload,
    topic="board",
    retain=True,
    replaces=True,
    expires="after 60 s; it is published every 30 s, and when guidance changes",
)
PREDICTION = Publication(
    name="prediction",
    model=PredictionPayload,
    topic="prediction/{equipment}/{analyte}",
    lane=Lane.TELEMETRY,
    retain=True,
    replaces=True,
    expires="after three times the model's every",
)
DISPOSITION = Publication(
    name="disposition",
    model=DispositionPayload,
    topic="disposition/{lot}",
    retain=True,
    expires="never; cleared by an empty message once the lot is closed",
)
LOT_PART = Publication(
    name="lot-part",
    model=LotPartPayload,
    topic="lot-part/{lot}/{part}",
    retain=True,
    expires="never; cleared by an empty message once the lot is closed",
)
DEVIATION = Publication(name="deviation", model=DeviationPayload, topic="deviation/{id}")
SAMPLE_REQUEST = Publication(name="sample-request", model=SampleRequestPayload, topic="sample-request/{id}")
LABORATORY_PLAN = Publication(name="laboratory-plan", model=LaboratoryPlanPayload, topic="laboratory-plan/{id}")
WORKLIST = Publication(name="worklist", model=WorklistPayload, topic="worklist", retain=True, replaces=True)
CERTIFICATE = Publication(name="certificate", model=CertificatePayload, topic="certificate/{lot}")
CONTROL = Publication(name="control", model=ControlPayload, topic="control/{analyte}")
OUTCOME = Publication(name="outcome", model=OutcomePayload, topic="outcome/{terminal}")
ANSWER = Publication(
    name="answer",
    model=AnswerPayload,
    topic="answer/{terminal}",
    expires="after 60 s; it is sent once, past the outbox, once the question is on record",
)
AUDIT_HEAD = Publication(name="audit-head", model=AuditHeadPayload, topic="audit/head", retain=True, replaces=True)
DEAD_LETTER = Publication(name="dead-letter", model=DeadLetterPayload, topic="dead-letter")
STATUS = Publication(
    name="status",
    model=StatusPayload,
    topic="status",
    retain=True,
    expires="never; the broker publishes the offline one as the will",
)

# every publication of this module, in its order
PUBLICATIONS: Mapping[str, Publication] = {
    value.name: value for value in tuple(globals().values()) if isinstance(value, Publication)
}
