"""How the server of a language model is asked."""

from dataclasses import dataclass

from gateway.transport.http_requests import Endpoint


@dataclass(frozen=True, kw_only=True)
class PhrasingOptions:
    """As the configuration has it; ``timeout_seconds``: how long an answer may wait for it, all in all."""

    endpoint: Endpoint
    model: str
    max_tokens: int
    timeout_seconds: float
    per_minute: int
