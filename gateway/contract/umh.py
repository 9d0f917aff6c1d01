"""Predictions as the United Manufacturing Hub takes them: one topic a value, with ``timestamp_ms`` and ``value`` only.

Topics are ``umh/v1/{enterprise}/{site}/{area}/{line}/{equipment}/{contract}/prediction/{analyte}``, and the ends of the
interval beside it (docs.umh.app, topic convention and payload formats). What the gates abstained from is not sent: the
form has no place to say that a number must not be used.
"""

import json

from gateway.contract.identity import identity_of
from gateway.contract.topics import encode_level
from gateway.deadlines import Deadline
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.records.prediction import Prediction

_ROOT = ("umh", "v1")
_MILLISECOND_NS = 1_000_000


def umh_messages(prediction: Prediction, *, path: str, contract: str, expires: Deadline) -> tuple[OutgoingMessage, ...]:
    """Return the messages of an accepted prediction, none of another.

    ``path``: of the line; ``contract``: UMH's data contract. Each replaces an unsent older one.
    """
    if not prediction.verdict.accepted:
        return ()
    values = {"": prediction.value, "_low": prediction.low, "_high": prediction.high}
    levels = [*_ROOT, *path.split("/"), encode_level(prediction.equipment_id), contract, "prediction"]
    return tuple(
        OutgoingMessage(
            message_id=identity_of("umh", prediction.prediction_id, suffix),
            lane=Lane.TELEMETRY,
            topic="/".join([*levels, encode_level(f"{prediction.analyte}{suffix}")]),
            payload=json.dumps({"timestamp_ms": prediction.at_ns // _MILLISECOND_NS, "value": value}).encode(),
            expires=expires,
            replaces=Lane.TELEMETRY,
        )
        for suffix, value in values.items()
        if value is not None
    )
