"""Doubts about history that is fetched from servers. Pure."""

from gateway.config.measures import duration_text
from gateway.config.tables import Settings


def history_doubts(settings: Settings) -> list[str]:
    """Return warnings about history that would be fetched and not kept, or that cannot be dated."""
    kept, fetching = settings.store.history_retention, {n: s for n, s in settings.opcua.items() if s.history}
    return [
        *(f"opcua.{name}.history is more than store.history_retention keeps: {duration_text(kept)} are fetched"
          for name, server in fetching.items() if (server.history or 0.0) > kept),
        *(f'opcua.{name}.history: with time = "arrival" no value of a history can be dated'
          for name, server in fetching.items() if server.time == "arrival"),
    ]  # fmt: skip
