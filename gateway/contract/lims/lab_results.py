"""A laboratory's JSON message to a ``LabResult``, by one of the mappings.

Where a message says of which sample and test it speaks, a result comes of it, however bad the rest is: what could not
be understood stands in its ``unread``, and its lots are for a person. Where it does not, it is refused, with the lots
that it names. Which names our fields have, ``field_spellings`` says.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.contract.identity import identity_of, result_identity
from gateway.contract.json_documents import as_text, echo, parse_object
from gateway.contract.lims.canonical import Agreed
from gateway.contract.lims.field_spellings import NO
from gateway.contract.lims.lab_values import WrittenValue, says_the_same
from gateway.contract.lims.mapping import ResultMapping, mapping_named
from gateway.contract.lims.message_fields import MessageFields, word
from gateway.contract.lims.names import folded, name_key, normalised
from gateway.contract.lims.result_fields import located, unmapped
from gateway.contract.lims.stated_lots import stated_lots, texts_within
from gateway.contract.lims.stated_value import plain_value, stated_value
from gateway.contract.lims.statuses import status_of
from gateway.contract.lims.unread_fields import is_unit, is_upper_end, lots_nobody_reads, named_within, other_values
from gateway.contract.reading import FieldReader
from gateway.contract.refusals import MessageRefusedError, Refusal
from gateway.records.laboratory import LabResult, ResultReference, ResultStatus, Specification

CANONICAL = mapping_named("canonical")
BEFORE_SAMPLED = "BEFORE_SAMPLED"
CONTROL_OF_NO_LOT = "CONTROL_OF_NO_LOT"
_MOST_REPLICATES = 2**31 - 2
_MOST_REASONS = 50


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
    message = MessageFields(
        located=fields,
        reader=FieldReader(fields.document, now_ns, [*mapped.reasons, *fields.reasons], list(mapped.flags)),
        decimal_comma=decimal_comma,
    )
    sample_id, test_id = message.name("sample_id", required=True), _test(message, analytes)
    control_id = _control(message)
    _note_lots_nobody_reads(message, foreign, control_id=control_id, ignore=ignored)
    lots = stated_lots(message)
    if sample_id is None or test_id is None:
        # a lot that is named within something that nothing reads is named all the same
        within = mapping.reference(payload) if not lots else None
        lots = lots if within is None else within.lots
        about = ResultReference(
            source=source,
            lots=lots,
            sample_id=sample_id,
            test_id=test_id,
            job_order_id=message.name("job_order_id"),
            equipment_id=message.name("equipment_id"),
            sampled_ns=message.time("sampled_at"),
        )
        raise MessageRefusedError(tuple(message.reader.reasons), about=about)
    unused = (*mapped.unused, *fields.unused)
    _note_other_values(message, foreign, unused)
    result = _result(message, source=source, sample_id=sample_id, test_id=test_id, lots=lots, control_id=control_id,
                     analytes=analytes, assume_status=assume_status, foreign_id=mapped.foreign_id)  # fmt: skip
    return ReadResult(result=result, unused=unused)


def _note_lots_nobody_reads(
    message: MessageFields, foreign: Mapping[str, Any], *, control_id: str | None, ignore: Collection[str]
) -> None:
    """Take the lots that stand in fields that nothing reads, and note that a person must look: none is overlooked."""
    if control_id is not None:
        return
    given = message.located.values("material_lot_id")
    known = {name for value in given for name in texts_within(value)}
    for name, value in lots_nobody_reads(foreign, named=bool(known), ignore=ignore):
        if name in message.located.names.get("material_lot_id", ()) or known >= {*texts_within(value)}:
            continue
        message.located.take("material_lot_id", name, value)
        message.reader.reasons.append(unmapped(name, value))


def _note_other_values(message: MessageFields, foreign: Mapping[str, Any], unused: Collection[str]) -> None:
    """Note fields that nothing reads and that are called like the value, where they say another one."""
    names = message.located.names.get("value", ())
    stated = None if not names else plain_value(message.located.document[names[0]], decimal_comma=message.decimal_comma)
    if stated is None or stated.words:
        return
    unit = next((normalised(text) for text in message.located.values("unit") if isinstance(text, str)), None)
    for name in unused:
        given = named_within(foreign, name)
        others = [
            (value, plain_value(value, decimal_comma=message.decimal_comma)) for value in other_values(name, given)
        ]
        end = plain_value(given, decimal_comma=message.decimal_comma) if is_upper_end(name) else None
        ends_at, number = None if end is None else end.number, stated.number
        beyond = ends_at is not None and number is not None and number > ends_at
        differs = is_unit(name) and isinstance(given, str) and normalised(given) != (unit or "")
        if beyond or differs or any(_differs(stated, value, other) for value, other in others):
            message.reader.reasons.append(unmapped(name, given))


def _differs(stated: WrittenValue, value: Any, other: WrittenValue | None) -> bool:
    """Return whether a field says another value than the one that is read; a text that cannot be read may."""
    return isinstance(value, str) if other is None else not other.words and not says_the_same(stated, other)


def _result(
    message: MessageFields,
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
    replicate, version = _replicate(message), message.whole("result_version", at_least=1)
    lod, loq, unit = message.number("lod"), message.number("loq"), message.name("unit")
    value_text, written = stated_value(message, lod=lod, loq=loq, unit=unit)
    analyte = message.name("analyte") or _analyte(message, analytes, test_id)
    status, specification = _status(message, assume_status), _specification(message, analyte, unit)
    retest_of = None if message.says_no("retest_of") else message.name("retest_of")
    times = {name: message.time(name) for name in ("sampled_at", "received_at", "analysed_at", "approved_at")}
    others: dict[str, Any] = {name: message.name(name) for name in _OTHERS}
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
        unread=tuple(message.reader.reasons[:_MOST_REASONS]),
        flags=_flags(message.reader.flags, times, control_id=control_id, lots=lots),
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


def _test(message: MessageFields, analytes: Mapping[str, str]) -> str | None:
    """Return the laboratory's name of the test.

    An id and a name of it may differ where the configuration knows one of them as an analyte, or both as the same.
    """
    names = [normalised(str(as_text(value))) for value in message.located.values("test_id")]
    if len({name_key(name) for name in names}) > 1:
        ours = {configured(analytes, name) for name in names} - {None}
        if len(ours) != 1:
            message.contradicts("test_id")
    return message.reader.text(message.located.name("test_id"), required=True)


def _analyte(message: MessageFields, analytes: Mapping[str, str], test_id: str) -> str:
    """Return our name of what was measured."""
    names = [as_text(value) for value in message.located.values("test_id")]
    known = (configured(analytes, normalised(name)) for name in names if isinstance(name, str))
    return next((ours for ours in known if ours is not None), test_id)


def _replicate(message: MessageFields) -> int:
    """Return which determination it is; one whose number is not understood is another than the others."""
    noted = len(message.reader.reasons)
    number = message.whole("replicate", at_least=1)
    if len(message.reader.reasons) == noted:
        return number or 1
    own = identity_of("replicate", *(echo(value) for value in message.located.values("replicate")))
    return 1 + int(own.replace("-", ""), 16) % _MOST_REPLICATES


def _control(message: MessageFields) -> str | None:
    """Return the control material that was measured; what says that there is none is absent."""
    given = message.located.values("control_id")
    naming_a_control = [value for value in given if word(value) not in NO]
    if not naming_a_control:
        return None
    if len(naming_a_control) < len(given):
        message.contradicts("control_id")
        return None
    return message.name("control_id")


def _status(message: MessageFields, assume: ResultStatus | None) -> ResultStatus:
    """Return how far the result has come; a word that is not known is never taken for another."""
    name, values = message.located.name("status"), message.located.values("status")
    if not values:
        if assume is None:
            message.reader.refuse(Refusal.MISSING, f"{name} is missing.", field=name)
        return assume or ResultStatus.ENTERED
    known = {status_of(value) for value in values}
    status = known.pop() if len(known) == 1 else None
    if known:
        message.contradicts("status")
    elif status is None:
        choices = ", ".join(member.value for member in ResultStatus)
        text = f"{name} is {echo(values[0])}; it must be one of {choices}, or a word for one that is known."
        message.reader.refuse(Refusal.NOT_A_CHOICE, text, field=name, found=echo(values[0]))
    return status or ResultStatus.ENTERED


def _specification(message: MessageFields, analyte: str, unit: str | None) -> Specification | None:
    """Return the limits that came with the result, or None where none came or none is understood."""
    for name in message.located.names.get("specification", ()):
        # its fields are located already; what is no object is noted here
        if message.reader.nested(name) is not None and not _has_limits(message, name):
            message.reader.refuse(Refusal.SPECIFICATION_EMPTY, f"{name} has neither lower nor upper.", field=name)
    lower, upper = message.number("lower"), message.number("upper")
    if lower is None and upper is None:
        return None
    if lower is not None and upper is not None and lower > upper:
        text = f"The specification's lower limit {lower:g} is above its upper limit {upper:g}."
        message.reader.refuse(Refusal.SPECIFICATION_REVERSED, text, lower=lower, upper=upper)
        return None
    inclusive = message.reader.flag(message.located.name("inclusive"), default=True)
    return Specification(
        analyte=analyte,
        lower=lower,
        upper=upper,
        unit=message.name("specification_unit") or unit,
        version=message.name("specification_version"),
        inclusive=inclusive,
        lower_inclusive=_side(message, "lower_inclusive"),
        upper_inclusive=_side(message, "upper_inclusive"),
    )


def _has_limits(message: MessageFields, name: str) -> bool:
    limits = (*message.located.names.get("lower", ()), *message.located.names.get("upper", ()))
    return any(limit.startswith(f"{name}.") for limit in limits)


def _side(message: MessageFields, ours: str) -> bool | None:
    """Return whether one limit is inside, or None where the message does not say it of one alone."""
    return message.reader.flag(message.located.name(ours), default=True) if ours in message.located.names else None


def configured(analytes: Mapping[str, str], test: str) -> str | None:
    """Return our analyte of a laboratory's test, whatever its case and spaces, or None where none is configured."""
    if test in analytes:
        return analytes[test]
    wanted = name_key(test)
    return next((ours for theirs, ours in analytes.items() if name_key(theirs) == wanted), None)


def _about(mapping: ResultMapping, payload: bytes, source: str) -> ResultReference | None:
    about = mapping.reference(payload)
    return None if about is None else replace(about, source=source)
