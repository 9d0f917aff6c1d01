"""A laboratory's message field by field: each of ours is taken once, whatever its name, with every reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import as_text, echo, fields_text
from gateway.contract.lims.field_spellings import NO
from gateway.contract.lims.names import normalised
from gateway.contract.lims.result_fields import LocatedFields
from gateway.contract.lims.written_numbers import written_number
from gateway.contract.refusals import Refusal, RefusalText, refusal_text
from gateway.contract.times import is_date, parse_rfc3339

DATE_ONLY = "DATE_ONLY"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageFields:
    """Takes typed fields out of a message; names of one field that do not agree are not read."""

    located: LocatedFields
    reader: FieldReader
    decimal_comma: bool

    def name(self, ours: str, *, required: bool = False) -> str | None:
        """Return a name, or None where it is absent or not understood."""
        if ours not in self.located.names and not required:
            return None
        if not self.agreed(ours, lambda value: normalised(str(as_text(value)))):
            return None
        return self.reader.text(self.located.name(ours), required=required)

    def says_no(self, ours: str) -> bool:
        """Return whether all that the message has for a field says that there is none of it."""
        return all(word(value) in NO for value in self.located.values(ours))

    def number(self, ours: str) -> float | None:
        """Return a finite number, in any of the spellings that are read."""
        if ours not in self.located.names:
            return None
        if not self.agreed(ours, self._as_number):
            return None
        return self.reader.written_number(self.located.name(ours), decimal_comma=self.decimal_comma)

    def whole(self, ours: str, *, at_least: int) -> int | None:
        """Return a whole number."""
        if ours not in self.located.names or not self.agreed(ours, word):
            return None
        return self.reader.whole(self.located.name(ours), at_least=at_least)

    def time(self, ours: str) -> int | None:
        """Return a time in ns UTC; a date alone is no instant, and is flagged."""
        if ours not in self.located.names:
            return None
        if not self.agreed(ours, _as_time):
            return None
        name = self.located.name(ours)
        value = self.located.document.get(name)
        if isinstance(value, str) and is_date(value):
            self.reader.flags.append(DATE_ONLY)
            return None
        return self.reader.time(name)

    def agreed(self, ours: str, compared: Callable[[Any], Any]) -> bool:
        """Return whether all names that the message has for a field say the same; else the reason is noted."""
        values = self.located.values(ours)
        if len(values) < 2 or len({compared(value) for value in values}) == 1:  # noqa: PLR2004
            return True
        self.contradicts(ours)
        return False

    def contradicts(self, ours: str, *others: str) -> None:
        """Note that the names of a field, and others, do not agree."""
        names = [*self.located.names[ours], *others]
        stated = ((echo(name), self.located.document[name]) for name in names)
        text = refusal_text(RefusalText.CONTRADICTS, fields=fields_text(stated))
        self.reader.refuse(Refusal.CONTRADICTS, text, field=ours, names=[echo(name) for name in names])

    def _as_number(self, value: Any) -> Any:
        written = written_number(value, decimal_comma=self.decimal_comma) if isinstance(value, str) else None
        return written.value if written is not None else value if isinstance(value, int | float) else echo(value)


def word(value: Any) -> str:
    """Return a short answer, such as N, no or 0, for comparison."""
    return normalised(value).casefold() if isinstance(value, str) else str(as_text(value)).casefold()


def _as_time(value: Any) -> Any:
    try:
        return parse_rfc3339(value) if isinstance(value, str) else echo(value)
    except ValueError:
        return echo(value)
