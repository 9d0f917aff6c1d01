"""The head of our own audit chain as the broker still has it: a witness off the box.

Whoever may publish can put a head there, and a head that our chain does not contain puts all models in shadow. So a
head counts only where a key of this line has signed it.
"""

from collections.abc import Callable, Container

from gateway.contract.audit_head import published_head, signature_holds
from gateway.contract.identity import identity_of
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal, refusal_text
from gateway.deadlines import ClockReading
from gateway.events import HeadWitnessed
from gateway.records.deliveries import Origin
from gateway.transport.mqtt_messages import Delivery


def understand_head(own_keys: Container[str]) -> Callable[[Delivery, Origin, ClockReading], HeadWitnessed]:
    """Return what reads the head that was published to the broker earlier.

    ``own_keys``: the public keys (hexadecimal) that sign, or have signed, the heads of this store. A head by any other
    key, or with a wrong signature, raises MessageRefusedError: it becomes a dead letter and changes nothing.
    """

    def understand(delivery: Delivery, _origin: Origin, at: ClockReading) -> HeadWitnessed:
        signed = published_head(delivery.payload, now_ns=at.wall_ns)
        if signed.public_key not in own_keys or not signature_holds(signed):
            text = refusal_text(RefusalText.HEAD_NOT_OURS, seq=signed.head.seq)
            raise MessageRefusedError((refusal(Refusal.HEAD_NOT_OURS, text, seq=signed.head.seq),))
        head = signed.head
        return HeadWitnessed(event_id=identity_of("head-witnessed", head.seq, head.hash), at=at, head=head)

    return understand
