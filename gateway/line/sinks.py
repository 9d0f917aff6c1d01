"""HTTP sinks: which systems are told of which messages, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SinkMessage(StrEnum):
    """What a sink can be told of. Advice on setpoints is not among it: it expires, and is for terminals."""

    HOLD = "hold"  # a lot is put on hold
    RELEASE = "release"  # a person has released a lot, with a signature; never a recommendation alone
    DISPOSITION = "disposition"  # each disposition of a lot
    DEVIATION = "deviation"  # each version of the draft
    DEVIATION_CLOSED = "deviation-closed"  # quality has closed one, with a signature
    SAMPLE_REQUEST = "sample-request"
    CERTIFICATE = "certificate"  # once it is signed, and what becomes of it then; never a draft
    CONTROL = "control"
    DEAD_LETTER = "dead-letter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sink:
    """A system that is told over HTTP. ``template``: its name; ``options``: what the template needs to know."""

    name: str
    template: str
    messages: frozenset[SinkMessage]
    options: Mapping[str, str] = field(default_factory=dict)
