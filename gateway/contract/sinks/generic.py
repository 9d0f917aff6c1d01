"""Our payload as it is, posted to the sink's address."""

from gateway.contract.sinks.request import Document, Options, SinkRequest, Template, encoded
from gateway.line.sinks import SinkMessage


def _render(_message: SinkMessage, document: Document, _options: Options) -> SinkRequest:
    return SinkRequest(body=encoded(document))


GENERIC = Template(name="generic", render=_render, messages=frozenset(SinkMessage))
