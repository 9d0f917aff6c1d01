"""For whom something was measured or made: a client, and a study of theirs.

What belongs to one client or study says nothing of another one: control charts, their frozen limits, references of
several analytes, and figures about earlier lots are kept by scope. Results, guidance and the lines of the audit trail
name theirs, so that a report for one client has nothing of another one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A client and a study, as far as they are known; with neither, it is the plant's own."""

    client_id: str | None = None
    study_id: str | None = None

    def columns(self) -> dict[str, str]:
        """Return the scope as columns of a key, in their order; what is not known is an empty text."""
        return {"client_id": self.client_id or "", "study_id": self.study_id or ""}

    def known(self) -> dict[str, str]:
        """Return the names that are known, for the audit trail."""
        return {name: value for name, value in self.columns().items() if value}


OF_THE_PLANT = Scope()
