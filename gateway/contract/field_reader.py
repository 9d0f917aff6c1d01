"""Reading the fields of a foreign object: typed values, or reasons that a person understands. Never a guess.

A ``FieldReader`` takes typed fields out of an object and gathers *every* reason, so that whoever mends the sender sees
all of it at once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from gateway.contract.json_documents import NotFinite, as_text, echo
from gateway.contract.lims.names import normalised
from gateway.contract.lims.written_numbers import written_number
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal, refusal_text
from gateway.contract.times import NotATimeError, parse_rfc3339
from gateway.records.verdicts import Reason
from gateway.time_units import seconds_to_ns

LONGEST_TEXT = 256
ACCEPTED_AHEAD_NS = seconds_to_ns(5 * 60)
_LARGEST_WHOLE = 2**31 - 1
_LONGEST_WHOLE = 10

Choice = TypeVar("Choice", bound=StrEnum)


def _as_whole(value: Any) -> Any:
    """Return the whole number in digits, or in a fraction of none; anything else as it is."""
    in_digits = isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= _LONGEST_WHOLE
    return int(value) if in_digits or (isinstance(value, float) and value.is_integer()) else value


@dataclass(slots=True)
class FieldReader:
    """Takes typed fields out of one object. A field may have several names; the first present counts."""

    document: Mapping[str, Any]
    now_ns: int
    reasons: list[Reason] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def refuse(self, code: Refusal, text: str, **parameters: Any) -> None:
        """Note one more reason."""
        self.reasons.append(refusal(code, text, **parameters))

    def finish(self) -> None:
        """Raise MessageRefusedError if any reason was noted."""
        if self.reasons:
            raise MessageRefusedError(tuple(self.reasons))

    def find(self, names: tuple[str, ...]) -> tuple[str, Any]:
        """Return the first name present with a value other than null, and the value; else (first name, None)."""
        for name in names:
            if self.document.get(name) is not None:
                return name, self.document[name]
        return names[0], None

    def text(self, *names: str, required: bool = False) -> str | None:
        """Return a name, normalised; numbers are accepted as ids and turned into text; a blank one is absent."""
        name, value = self.find(names)
        value = as_text(value)
        if value is None or (isinstance(value, str) and not normalised(value)):
            if required:
                self.refuse(Refusal.MISSING, refusal_text(RefusalText.FIELD_MISSING, field=name), field=name)
            return None
        if not isinstance(value, str):
            self._wrong_type(name, value, RefusalText.MUST_BE_TEXT)
            return None
        return self.checked_text(name, value)

    def checked_text(self, name: str, value: str) -> str | None:
        """Return a name, normalised, or None with the reason noted where it is too long or no text."""
        value = normalised(value)
        if len(value) > LONGEST_TEXT:
            self.refuse(
                Refusal.TOO_LONG,
                refusal_text(RefusalText.FIELD_TOO_LONG, field=name, length=len(value), most=LONGEST_TEXT),
                field=name,
            )
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            self.refuse(Refusal.NOT_TEXT, refusal_text(RefusalText.FIELD_NO_TEXT, field=name), field=name)
            return None
        return value

    def written_number(self, name: str, *, decimal_comma: bool) -> float | None:
        """Return a finite number, a text by the rule of all numbers; None where the field is absent or refused."""
        value = self.document.get(name)
        if not isinstance(value, str):
            return self.number(name)
        if len(value) > LONGEST_TEXT:
            self.checked_text(name, value)
            return None
        written = written_number(value, decimal_comma=decimal_comma)
        if written is None:
            text = refusal_text(RefusalText.NO_NUMBER, field=name, value=ascii(echo(value)))
            self.refuse(Refusal.NOT_A_NUMBER, text, field=name, found=echo(value))
            return None
        return written.value

    def number(self, *names: str) -> float | None:
        """Return a finite number, or None where the field is absent or refused."""
        name, value = self.find(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | NotFinite):
            self._wrong_type(name, value, RefusalText.MUST_BE_NUMBER)
            return None
        return self.finite(name, value)

    def finite(self, name: str, value: float | NotFinite) -> float | None:
        """Return the value as a float if it is one and finite; else note the reason."""
        try:
            number = math.nan if isinstance(value, NotFinite) else float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(
                Refusal.NOT_A_NUMBER, refusal_text(RefusalText.NOT_FINITE, field=name), field=name, found=echo(value)
            )
            return None
        return number

    def whole(self, *names: str, at_least: int) -> int | None:
        """Return a whole number, in digits too, or None where the field is absent or refused."""
        name, value = self.find(names)
        if value is None:
            return None
        value = _as_whole(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_type(name, value, RefusalText.MUST_BE_WHOLE_NUMBER)
            return None
        if not at_least <= value <= _LARGEST_WHOLE:
            code, limit = RefusalText.TOO_SMALL, at_least
            if value > _LARGEST_WHOLE:
                code, limit = RefusalText.TOO_LARGE, _LARGEST_WHOLE
            text = refusal_text(code, field=name, value=echo(value), limit=limit)
            self.refuse(Refusal.OUT_OF_RANGE, text, field=name)
            return None
        return value

    def flag(self, *names: str, default: bool) -> bool:
        """Return a boolean field."""
        name, value = self.find(names)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._wrong_type(name, value, RefusalText.MUST_BE_TRUE_OR_FALSE)
            return default
        return value

    def time(self, *names: str, required: bool = False, ahead: bool = False) -> int | None:
        """Return a time in ns UTC. Unless it may be ahead, up to five minutes ahead is flagged, beyond that refused."""
        name, value = self.find(names)
        if value is None:
            if required:
                self.refuse(Refusal.MISSING, refusal_text(RefusalText.FIELD_MISSING, field=name), field=name)
            return None
        if not isinstance(value, str):
            self._wrong_type(name, value, RefusalText.MUST_BE_TIME)
            return None
        try:
            at_ns = parse_rfc3339(value)
        except NotATimeError as error:
            why = refusal_text(RefusalText(error.problem.value), text=error.text)
            text = refusal_text(RefusalText.NO_TIME, field=name, value=echo(value), error=echo(why))
            self.refuse(Refusal.NOT_A_TIME, text, field=name, found=echo(value))
            return None
        if at_ns == 0:
            text = refusal_text(RefusalText.TIME_UNKNOWN, field=name)
            self.refuse(Refusal.NOT_A_TIME, text, field=name, found=echo(value))
            return None
        return at_ns if ahead else self._not_ahead(name, value, at_ns)

    def _not_ahead(self, name: str, value: str, at_ns: int) -> int | None:
        ahead_ns = at_ns - self.now_ns
        if ahead_ns > ACCEPTED_AHEAD_NS:
            self.refuse(
                Refusal.TIME_AHEAD,
                refusal_text(RefusalText.TIME_AHEAD, field=name),
                field=name,
                found=echo(value),
            )
            return None
        if ahead_ns > 0:
            self.flags.append("TIME_AHEAD")
        return at_ns

    def choice(self, kind: type[Choice], *names: str, default: Choice | None) -> Choice | None:
        """Return a member of the enumeration by its value; None where absent without default, or refused."""
        name, value = self.find(names)
        if value is None:
            if default is None:
                self.refuse(Refusal.MISSING, refusal_text(RefusalText.FIELD_MISSING, field=name), field=name)
            return default
        try:
            return kind(value)
        except ValueError:
            choices = ", ".join(member.value for member in kind)
            text = refusal_text(RefusalText.NOT_A_CHOICE, field=name, value=echo(value), choices=choices)
            self.refuse(Refusal.NOT_A_CHOICE, text, field=name)
            return None

    def nested(self, name: str) -> "FieldReader | None":
        """Return a reader of an object within, which notes its reasons here, or None where absent."""
        value = self.document.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._wrong_type(name, value, RefusalText.MUST_BE_OBJECT)
            return None
        return FieldReader(value, self.now_ns, self.reasons, self.flags)

    def _wrong_type(self, name: str, value: Any, code: RefusalText) -> None:
        if isinstance(value, NotFinite):
            self.finite(name, value)
            return
        self.refuse(
            Refusal.WRONG_TYPE,
            refusal_text(code, field=name, value=echo(value)),
            field=name,
            found=echo(value),
        )
