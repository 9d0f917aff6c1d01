"""Until when each source has confirmed that its values still hold, those that did not change as well."""

from collections.abc import Iterable

from gateway.history.columns import HeldSample


class Confirmations:
    """The last confirmation of each source; ``until_ns`` is 0 where there was none."""

    def __init__(self, sources: Iterable[str]) -> None:
        """Nothing is confirmed yet."""
        self.until_ns = dict.fromkeys(sources, 0)

    def note(self, source: str, confirmed_ns: int) -> None:
        """Note a confirmation; an earlier one than the last changes nothing."""
        self.until_ns[source] = max(self.until_ns.get(source, 0), confirmed_ns)

    def confirm(self, source: str, confirmed_ns: int, *, arrival: int) -> HeldSample:
        """Note a confirmation, and return it as it is recorded."""
        self.note(source, confirmed_ns)
        return HeldSample(
            series=f"@{source}", arrival=arrival, source_ns=confirmed_ns, held_ns=confirmed_ns, value=0.0, status=0
        )
