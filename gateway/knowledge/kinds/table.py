"""Every kind of records that is found: one row each. Another one is a file beside these and a row here."""

from collections.abc import Mapping

from gateway.knowledge.kinds.actions import ACTION
from gateway.knowledge.kinds.advice import DEVIATION, GUIDANCE
from gateway.knowledge.kinds.certificates import CERTIFICATE
from gateway.knowledge.kinds.kind import Kind
from gateway.knowledge.kinds.laboratory import RESULT, SPECIFICATION
from gateway.knowledge.kinds.lots import LOT
from gateway.knowledge.kinds.people import SETTLEMENT
from gateway.knowledge.kinds.procedures import PROCEDURE

_ROWS = (
    DEVIATION,
    ACTION,
    GUIDANCE,
    SETTLEMENT,
    SPECIFICATION,
    CERTIFICATE,
    LOT,
    RESULT,
)  # in this order the index is built: what few records say most first
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ROWS}
NAMES = (*KINDS, PROCEDURE)
