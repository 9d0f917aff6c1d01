"""A laboratory's JSON message to a ``LabResult``, by one of the mappings.

Where a message says of which sample and test it speaks, a result comes of it, however bad the rest is: what could not
be understood stands in its ``unread``, and its lots are for a person. Where it does not, it is refused, with the lots
that it names. Which names our fields have, ``field_spellings`` says.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.contract.canonical import Agreed
from gateway.contract.comparators import comparator
from gateway.contract.field_spellings import NO
from gateway.contract.identity import identity_of, result_identity
from gateway.contract.lab_values import WrittenValue, written_value
from gateway.contract.mapping import ResultMapping, mapping_named
from gateway.contract.names import folded, name_key, normalised
from gateway.contract.reading import (
    LONGEST_TEXT,
    FieldReader,
    MessageRefusedError,
    Refusal,
    as_text,
    echo,
    parse_object,
)
from gateway.contract.result_fields import LocatedFields, located, lot_names, perhaps_several
from gateway.contract.statuses import status_of
from gateway.contract.times import is_date, parse_rfc3339
from gateway.contract.written_numbers import written_number
from gateway.records import LabResult, ResultReference, ResultStatus, Specification

CANONICAL = mapping_named("canonical")
MOST_LOTS = 200  # of one result
DATE_ONLY = "DATE_ONLY"
BEFORE_SAMPLED = "BEFORE_SAMPLED"
CONTROL_OF_NO_LOT = "CONTROL_OF_NO_LOT"
_MOST_REPLICATES = 2**31 - 2
_MOST_REASONS = 50
_MOST_TEXTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadResult:
    """A result, and the names of the message's fields that nothing has read."""

    result: LabResult
    unused: tuple[str, ...] = ()


def lab_result(
    payload: bytes,
    *,
    source: str,
    now_ns: int,
    analytes: Mapping[str, str],
    assume_status: ResultStatus | None,
    mapping: ResultMapping = CANONICAL,
    decimal_comma: bool = False,
    ignore: Collection[str] = (),
) -> LabResult:
    """Return the result in a message; raises MessageRefusedError where it does not say of which sample and test.

    Args:
        payload: the message's bytes.
        source: which laboratory interface it came from; part of the result's identity.
        now_ns: the gateway's wall time, against which times in the message are checked.
        analytes: the laboratory's test names to ours.
        assume_status: the status of a message without one; with None such a message is not understood.
        mapping: how the laboratory names things.
        decimal_comma: whether it writes numbers in texts with a comma.
        ignore: names of fields that do not matter, whatever they say.
    """
    return read_result(
        payload,
        source=source,
        now_ns=now_ns,
        analytes=analytes,
        assume_status=assume_status,
        mapping=mapping,
        decimal_comma=decimal_comma,
        ignore=ignore,
    ).result


def read_result(
    payload: bytes,
    *,
    source: str,
    now_ns: int,
    analytes: Mapping[str, str],
    assume_status: ResultStatus | None,
    mapping: ResultMapping = CANONICAL,
    decimal_comma: bool = False,
    ignore: Collection[str] = (),
) -> ReadResult:
    """Return the result in a message and what of it was not read; as ``lab_result``."""
    ignored = frozenset(folded(name) for name in ignore)
    try:
        foreign = parse_object(payload)
    except MessageRefusedError as error:
        raise MessageRefusedError(error.reasons, about=_about(mapping, payload, source)) from error
    mapped = mapping.canonical(foreign, Agreed(ignore=ignored, decimal_comma=decimal_comma))
    fields = located(mapped.document, ignore=ignored if mapped.document is foreign else ())
    reader = _ResultReader(
        fields=fields,
        reader=FieldReader(fields.document, now_ns, [*mapped.reasons, *fields.reasons], list(mapped.flags)),
        decimal_comma=decimal_comma,
    )
    sample_id, test_id = reader.name("sample_id", required=True), reader.test(analytes)
    lots, control_id = reader.lots(), reader.control()
    if sample_id is None or test_id is None:
        # a lot that is named within something that nothing reads is named all the same
        within = mapping.reference(payload) if not lots else None
        lots = lots if within is None else within.lots
        about = ResultReference(source=source, lots=lots, sample_id=sample_id, test_id=test_id)
        raise MessageRefusedError(tuple(reader.reader.reasons), about=about)
    result = _result(reader, source=source, sample_id=sample_id, test_id=test_id, lots=lots, control_id=control_id,
                     analytes=analytes, assume_status=assume_status, foreign_id=mapped.foreign_id)  # fmt: skip
    return ReadResult(result=result, unused=(*mapped.unused, *fields.unused))


def _result(
    reader: "_ResultReader",
    *,
    source: str,
    sample_id: str,
    test_id: str,
    lots: tuple[str, ...],
    control_id: str | None,
    analytes: Mapping[str, str],
    assume_status: ResultStatus | None,
    foreign_id: str | None,
) -> LabResult:
    """Return the result of that sample and test with everything else that can be read of it."""
    replicate, version = reader.replicate(), reader.whole("result_version", at_least=1)
    lod, loq, unit = reader.number("lod"), reader.number("loq"), reader.name("unit")
    value_text, written = reader.value(lod=lod, loq=loq, unit=unit)
    analyte = reader.name("analyte") or reader.analyte(analytes, test_id)
    status, specification = reader.status(assume_status), reader.specification(analyte, unit)
    retest_of = None if reader.says_no("retest_of") else reader.name("retest_of")
    times = {name: reader.time(name) for name in ("sampled_at", "received_at", "analysed_at", "approved_at")}
    others: dict[str, Any] = {name: reader.name(name) for name in _OTHERS}
    own = ResultIdentity(source=source, sample_id=sample_id, test_id=test_id, replicate=replicate, version=version)
    return LabResult(
        result_id=own.result_id,
        source=source,
        sample_id=sample_id,
        test_id=test_id,
        analyte=analyte,
        replicate=replicate,
        value_text=value_text,
        value=None if written.qualifier else written.number,
        qualifier=written.qualifier,
        censored_at=written.number if written.qualifier else None,
        unit=unit,
        status=status,
        result_version=version,
        lod=lod,
        loq=loq,
        retest_of=retest_of,
        sampled_ns=times["sampled_at"],
        received_ns=times["received_at"],
        analysed_ns=times["analysed_at"],
        approved_ns=times["approved_at"],
        material_lot_id=lots[0] if lots else None,
        other_lots=lots[1:],
        control_id=control_id,
        foreign_id=foreign_id,
        specification=specification,
        unread=tuple(reader.reader.reasons[:_MOST_REASONS]),
        flags=_flags(reader.reader.flags, times, control_id=control_id, lots=lots),
        **others,
    )


_OTHERS = (
    "job_order_id", "material_definition_id", "equipment_id", "client_id", "study_id", "analyst", "instrument_id",
    "method_id", "supplier", "run_id",
)  # fmt: skip


def _flags(
    noted: list[str], times: Mapping[str, int | None], *, control_id: str | None, lots: tuple[str, ...]
) -> tuple[str, ...]:
    sampled_ns = times["sampled_at"]
    flags = list(noted)
    if control_id is not None and lots:
        flags.append(CONTROL_OF_NO_LOT)
    if sampled_ns is None:
        flags.append("NO_SAMPLED_AT")
    elif any(at_ns is not None and at_ns < sampled_ns for at_ns in times.values()):
        flags.append(BEFORE_SAMPLED)
    return tuple(dict.fromkeys(flags))


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultIdentity:
    """What makes one version of one result."""

    source: str
    sample_id: str
    test_id: str
    replicate: int
    version: int | None

    @property
    def result_id(self) -> str:
        """Return the id, or the empty text where the message has no version: the store counts."""
        if self.version is None:
            return ""
        return result_identity(
            source=self.source,
            sample_id=self.sample_id,
            test_id=self.test_id,
            replicate=self.replicate,
            result_version=self.version,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _ResultReader:
    """Takes each of our fields out of a message once, whatever it is called, and notes every reason why not."""

    fields: LocatedFields
    reader: FieldReader
    decimal_comma: bool

    def name(self, ours: str, *, required: bool = False) -> str | None:
        """Return a name, or None where it is absent or not understood."""
        if ours not in self.fields.names and not required:
            return None
        if not self._agreed(ours, lambda value: normalised(str(as_text(value)))):
            return None
        return self.reader.text(self.fields.name(ours), required=required)

    def says_no(self, ours: str) -> bool:
        """Return whether all that the message has for a field says that there is none of it."""
        return all(_word(value) in NO for value in self.fields.values(ours))

    def number(self, ours: str) -> float | None:
        """Return a finite number, however it is written."""
        if ours not in self.fields.names:
            return None
        if not self._agreed(ours, self._as_number):
            return None
        return self.reader.written_number(self.fields.name(ours), decimal_comma=self.decimal_comma)

    def whole(self, ours: str, *, at_least: int) -> int | None:
        """Return a whole number."""
        if ours not in self.fields.names or not self._agreed(ours, _word):
            return None
        return self.reader.whole(self.fields.name(ours), at_least=at_least)

    def replicate(self) -> int:
        """Return which determination it is; one whose number is not understood is another than the others."""
        noted = len(self.reader.reasons)
        number = self.whole("replicate", at_least=1)
        if len(self.reader.reasons) == noted:
            return number or 1
        own = identity_of("replicate", *(echo(value) for value in self.fields.values("replicate")))
        return 1 + int(own.replace("-", ""), 16) % _MOST_REPLICATES

    def time(self, ours: str) -> int | None:
        """Return a time in ns UTC; a date alone is no instant, and is flagged."""
        if ours not in self.fields.names:
            return None
        if not self._agreed(ours, _as_time):
            return None
        name = self.fields.name(ours)
        value = self.fields.document.get(name)
        if isinstance(value, str) and is_date(value):
            self.reader.flags.append(DATE_ONLY)
            return None
        return self.reader.time(name)

    def test(self, analytes: Mapping[str, str]) -> str | None:
        """Return the laboratory's name of the test.

        An id and a name of it may differ where the configuration knows one of them as an analyte, or both as the same.
        """
        names = [normalised(str(as_text(value))) for value in self.fields.values("test_id")]
        if len({name_key(name) for name in names}) > 1:
            ours = {configured(analytes, name) for name in names} - {None}
            if len(ours) != 1:
                self._contradicts("test_id")
        return self.reader.text(self.fields.name("test_id"), required=True)

    def analyte(self, analytes: Mapping[str, str], test_id: str) -> str:
        """Return our name of what was measured."""
        names = [as_text(value) for value in self.fields.values("test_id")]
        known = (configured(analytes, normalised(name)) for name in names if isinstance(name, str))
        return next((ours for ours in known if ours is not None), test_id)

    def lots(self) -> tuple[str, ...]:
        """Return every lot that the message names, in its order."""
        lots = dict[str, None]()
        sets = set[frozenset[str]]()
        for name in self.fields.names.get("material_lot_id", ()):
            here = _lots_in(self.fields.document[name])
            if here is None:
                self.reader.refuse(
                    Refusal.WRONG_TYPE,
                    f"{name} must be the name of a lot or a list of names, but is {echo(self.fields.document[name])}.",
                    field=name,
                    found=echo(self.fields.document[name]),
                )
                lots |= dict.fromkeys(_texts_within(self.fields.document[name]))
                continue
            sets.add(frozenset(here))
            lots |= dict.fromkeys(here)
            self._note_perhaps_several(name, here, lots)
        if len(sets) > 1:
            self._contradicts("material_lot_id")
        return self._bounded(lots)

    def _note_perhaps_several(self, name: str, here: list[str], lots: dict[str, None]) -> None:
        """Take each lot that a name such as ``L-1 & L-2`` could be of, and note that a person must say which."""
        several = [part for lot in here for part in perhaps_several(lot)]
        if several:
            lots |= dict.fromkeys(several)
            text = f"{name} is {echo(self.fields.document[name])}, which could be several lots; "
            text += "send a list, or separate them by commas."
            self.reader.refuse(Refusal.WRONG_TYPE, text, field=name, found=echo(self.fields.document[name]))

    def _bounded(self, lots: Mapping[str, None]) -> tuple[str, ...]:
        name = self.fields.name("material_lot_id")
        fit = tuple(lot for lot in lots if self.reader.checked_text(name, lot) is not None)
        if len(fit) > MOST_LOTS:
            text = f"{name} has {len(fit)} lots; at most {MOST_LOTS} are read."
            self.reader.refuse(Refusal.OUT_OF_RANGE, text, field=name)
        return fit[:MOST_LOTS]

    def control(self) -> str | None:
        """Return the control material that was measured; what says that there is none is absent."""
        given = self.fields.values("control_id")
        said = [value for value in given if _word(value) not in NO]
        if not said:
            return None
        if len(said) < len(given):
            self._contradicts("control_id")
            return None
        return self.name("control_id")

    def status(self, assume: ResultStatus | None) -> ResultStatus:
        """Return how far the result has come; a word that is not known is never taken for another."""
        name, values = self.fields.name("status"), self.fields.values("status")
        if not values:
            if assume is None:
                self.reader.refuse(Refusal.MISSING, f"{name} is missing.", field=name)
            return assume or ResultStatus.ENTERED
        known = {status_of(value) for value in values}
        status = known.pop() if len(known) == 1 else None
        if known:
            self._contradicts("status")
        elif status is None:
            choices = ", ".join(member.value for member in ResultStatus)
            text = f"{name} is {echo(values[0])}; it must be one of {choices}, or a word for one that is known."
            self.reader.refuse(Refusal.NOT_A_CHOICE, text, field=name, found=echo(values[0]))
        return status or ResultStatus.ENTERED

    def value(self, *, lod: float | None, loq: float | None, unit: str | None) -> tuple[str, WrittenValue]:
        """Return (text as sent, what it says); with a qualifier the number is the limit, not the value."""
        names = self.fields.names.get("value", [])
        if not names:
            self.reader.refuse(Refusal.MISSING, f"{self.fields.name('value')} is missing.", field="value")
            return "", WrittenValue(number=None)
        text, beside = value_text(self.fields.document[names[0]]), self._qualifier()
        read = [self._written(name, lod=lod, loq=loq, unit=unit) for name in names]
        said = [each for each in read if each is not None]
        if len(said) < len(read) or beside is None:
            return text, WrittenValue(number=None)
        written = _merged(said, beside)
        if written is None:
            self._contradicts("value", *self.fields.names.get("qualifier", ()))
            return text, WrittenValue(number=None)
        self.reader.flags += written.flags
        return f"{written.qualifier}{text}" if written.qualifier and not said[0].qualifier else text, written

    def _written(self, name: str, *, lod: float | None, loq: float | None, unit: str | None) -> WrittenValue | None:
        """Return what one field says as a value; None where it says nothing, with the reason noted."""
        value = self.fields.document[name]
        if not isinstance(value, str):
            number = self.reader.number(name)
            return None if number is None else WrittenValue(number=number)
        if self.reader.checked_text(name, value) is None:
            return None
        written = written_value(value, decimal_comma=self.decimal_comma, lod=lod, loq=loq, unit=unit)
        if written is None:
            text = f"{name} is {echo(value)!a}, which is neither a number nor a limit such as <0.05, "
            text += "or could be two numbers."
            self.reader.refuse(Refusal.NOT_A_NUMBER, text, field=name, found=echo(value))
        return written

    def _qualifier(self) -> str | None:
        """Return the comparator that stands beside a value, ``""`` for none; None where it is not understood."""
        meanings = set[str]()
        for name in self.fields.names.get("qualifier", ()):
            value = self.fields.document[name]
            meaning = comparator(value) if isinstance(value, str) else None
            if meaning is None:
                text = f"{name} is {echo(value)}; it must be <, <=, > or >=, or a word for one that is known."
                self.reader.refuse(Refusal.NOT_A_CHOICE, text, field=name, found=echo(value))
                return None
            meanings.add(meaning)
        if len(meanings) > 1:
            self._contradicts("qualifier")
            return None
        return next(iter(meanings), "")

    def specification(self, analyte: str, unit: str | None) -> Specification | None:
        """Return the limits that came with the result, or None where none came or none is understood."""
        for name in self.fields.names.get("specification", ()):
            # its fields are located already; what is no object is noted here
            if self.reader.nested(name) is not None and not self._has_limits(name):
                self.reader.refuse(Refusal.SPECIFICATION_EMPTY, f"{name} has neither lower nor upper.", field=name)
        lower, upper = self.number("lower"), self.number("upper")
        if lower is None and upper is None:
            return None
        if lower is not None and upper is not None and lower > upper:
            text = f"The specification's lower limit {lower:g} is above its upper limit {upper:g}."
            self.reader.refuse(Refusal.SPECIFICATION_REVERSED, text, lower=lower, upper=upper)
            return None
        inclusive = self.reader.flag(self.fields.name("inclusive"), default=True)
        return Specification(
            analyte=analyte,
            lower=lower,
            upper=upper,
            unit=self.name("specification_unit") or unit,
            version=self.name("specification_version"),
            inclusive=inclusive,
            lower_inclusive=self._side("lower_inclusive"),
            upper_inclusive=self._side("upper_inclusive"),
        )

    def _has_limits(self, name: str) -> bool:
        limits = (*self.fields.names.get("lower", ()), *self.fields.names.get("upper", ()))
        return any(limit.startswith(f"{name}.") for limit in limits)

    def _side(self, ours: str) -> bool | None:
        """Return whether one limit is inside, or None where the message does not say it of one alone."""
        return self.reader.flag(self.fields.name(ours), default=True) if ours in self.fields.names else None

    def _as_number(self, value: Any) -> Any:
        written = written_number(value, decimal_comma=self.decimal_comma) if isinstance(value, str) else None
        return written.value if written is not None else value if isinstance(value, int | float) else echo(value)

    def _agreed(self, ours: str, compared: Callable[[Any], Any]) -> bool:
        """Return whether all names that the message has for a field say the same; else the reason is noted."""
        values = self.fields.values(ours)
        if len(values) < 2 or len({compared(value) for value in values}) == 1:  # noqa: PLR2004
            return True
        self._contradicts(ours)
        return False

    def _contradicts(self, ours: str, *others: str) -> None:
        names = [*self.fields.names[ours], *others]
        said = ", ".join(f"{echo(name)} is {echo(self.fields.document[name])}" for name in names)
        text = f"The message contradicts itself: {said}."
        self.reader.refuse(Refusal.CONTRADICTS, text, field=ours, names=[echo(name) for name in names])


def configured(analytes: Mapping[str, str], test: str) -> str | None:
    """Return our analyte of a laboratory's test, whatever its case and spaces, or None where none is configured."""
    if test in analytes:
        return analytes[test]
    wanted = name_key(test)
    return next((ours for theirs, ours in analytes.items() if name_key(theirs) == wanted), None)


def value_text(value: Any) -> str:
    """Return a value as it was sent, bounded and always encodable."""
    text = value.strip() if isinstance(value, str) else repr(value) if type(value) in {int, float} else echo(value)
    return text.encode("utf-8", "backslashreplace").decode()[:LONGEST_TEXT]


def _merged(said: list[WrittenValue], beside: str) -> WrittenValue | None:
    """Return the one value that several fields state, with the comparator beside them; None where they contradict."""
    numbers = {each.number for each in said}
    qualifiers = {each.qualifier for each in said if each.qualifier} | ({beside} if beside else set())
    words = {each.words for each in said}
    if len(numbers) > 1 or len(qualifiers) > 1 or len(words) > 1:
        return None
    if words == {True} and qualifiers:
        return None
    flags = tuple(dict.fromkeys(flag for each in said for flag in each.flags))
    return WrittenValue(number=said[0].number, qualifier=next(iter(qualifiers), None), flags=flags, words=said[0].words)


def _lots_in(value: Any) -> list[str] | None:
    """Return the lots that a field names, or None where it names something else."""
    values = value if isinstance(value, list) else [value]
    names = [as_text(each) for each in values if each is not None]
    if not all(isinstance(each, str) for each in names):
        return None
    return [lot for name in names for lot in lot_names(name)]


def _texts_within(value: Any) -> list[str]:
    """Return every text in something that should have been the name of a lot: each could be one."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    texts = [text for each in inner for text in _texts_within(each)]
    return (texts + (lot_names(value) if isinstance(value, str) else []))[:_MOST_TEXTS]


def _about(mapping: ResultMapping, payload: bytes, source: str) -> ResultReference | None:
    about = mapping.reference(payload)
    return None if about is None else replace(about, source=source)


def _word(value: Any) -> str:
    return normalised(value).casefold() if isinstance(value, str) else str(as_text(value)).casefold()


def _as_time(value: Any) -> Any:
    try:
        return parse_rfc3339(value) if isinstance(value, str) else echo(value)
    except ValueError:
        return echo(value)
