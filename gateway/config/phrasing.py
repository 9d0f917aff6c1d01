"""From ``[copilot.phrasing]`` to how the server of a language model is asked."""

from gateway.config.knowledge_tables import PhrasingTable
from gateway.config.sinks import endpoint_of
from gateway.copilot.phrasing.options import PhrasingOptions

PREFIX = "copilot_phrasing"  # of the credentials' names


def phrasing_options(table: PhrasingTable) -> PhrasingOptions:
    """Return how a model is asked; raises ConfigurationError where a credential or certificate cannot be used."""
    return PhrasingOptions(
        endpoint=endpoint_of(table, key="copilot.phrasing", prefix=PREFIX, secret_headers={}, plain_headers={}),
        model=table.model,
        max_tokens=table.max_tokens,
        timeout_seconds=table.timeout,
        per_minute=table.per_minute,
    )
