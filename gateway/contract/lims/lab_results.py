"""A laboratory's JSON message to a ``LabResult``, by one of the mappings.

If a message names its sample and test, it becomes a result, however bad the rest is: fields that were not understood
are listed in ``unread``, and its lots are for review by a person. Otherwise it is refused, with the lots that it names.
``field_spellings`` lists the names of our fields.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.contract.field_reader import FieldReader
from gateway.contract.identity import identity_of, result_identity
from gateway.contract.json_documents import echo, parse_object
from gateway.contract.lims.canonical import Agreed
from gateway.contract.lims.field_spellings import NO
from gateway.contract.lims.mapping import ResultMapping, mapping_named
from gateway.contract.lims.message_fields import MessageFields, word
from gateway.contract.lims.names import folded
from gateway.contract.lims.result_fields import located
from gateway.contract.lims.stated_analyte import analyte_of, stated_test
from gateway.contract.lims.stated_limits import stated_limits
from gateway.contract.lims.stated_lots import stated_lots
from gateway.contract.lims.stated_value import stated_value
from gateway.contract.lims.statuses import status_of
from gateway.contract.lims.unmapped_values import note_other_values, note_unread_lots
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal_text
from gateway.records.laboratory import LabResult, ResultReference, ResultStatus

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


@dataclass(frozen=True, kw_only=True, slots=True)
class LimsInterface:
    """How the messages of one laboratory interface are read.

    Attributes:
        source: its name; part of each result's identity.
        analytes: the laboratory's test names to ours.
        assume_status: the status of a message without one; with None such a message is not understood.
        mapping: how the laboratory names things.
        decimal_comma: whether it writes numbers in texts with a comma.
        ignore: names of fields that do not matter, whatever they say.
    """

    source: str
    analytes: Mapping[str, str]
    assume_status: ResultStatus | None
    mapping: ResultMapping = CANONICAL
    decimal_comma: bool = False
    ignore: Collection[str] = ()


def lab_result(payload: bytes, interface: LimsInterface, *, now_ns: int) -> LabResult:
    """Return the result in a message; raises MessageRefusedError if it does not name its sample and test.

    ``now_ns``: the gateway's wall time, against which times in the message are checked.
    """
    return read_result(payload, interface, now_ns=now_ns).result


def read_result(payload: bytes, interface: LimsInterface, *, now_ns: int) -> ReadResult:
    """Return the result in a message and the names of its fields that nothing has read; as ``lab_result``."""
    source, mapping = interface.source, interface.mapping
    ignored = frozenset(folded(name) for name in interface.ignore)
    foreign = _parsed(payload, mapping=mapping, source=source)
    mapped = mapping.canonical(foreign, Agreed(ignore=ignored, decimal_comma=interface.decimal_comma))
    fields = located(mapped.document, ignore=ignored if mapped.document is foreign else ())
    message = MessageFields(
        located=fields,
        reader=FieldReader(fields.document, now_ns, [*mapped.reasons, *fields.reasons], list(mapped.flags)),
        decimal_comma=interface.decimal_comma,
    )
    sample_id, test_id = message.name("sample_id", required=True), stated_test(message, interface.analytes)
    control_id = _control(message)
    note_unread_lots(message, foreign, control_id=control_id, ignore=ignored)
    lots = stated_lots(message)
    if sample_id is None or test_id is None:
        lots = lots or _lots_within(payload, mapping)
        raise _without_identity(message, source=source, lots=lots, sample_id=sample_id, test_id=test_id)
    unused = (*mapped.unused, *fields.unused)
    note_other_values(message, foreign, unused)
    result = _result(
        message,
        interface=interface,
        sample_id=sample_id,
        test_id=test_id,
        lots=lots,
        control_id=control_id,
        foreign_id=mapped.foreign_id,
    )
    return ReadResult(result=result, unused=unused)


def _parsed(payload: bytes, *, mapping: ResultMapping, source: str) -> dict[str, Any]:
    """Return the object in a message; raises MessageRefusedError with what can be seen of its lots all the same."""
    try:
        return parse_object(payload)
    except MessageRefusedError as error:
        about = mapping.reference(payload)
        raise MessageRefusedError(
            error.reasons, about=None if about is None else replace(about, source=source)
        ) from error


def _lots_within(payload: bytes, mapping: ResultMapping) -> tuple[str, ...]:
    """Return the lots named in parts of the message that are not read otherwise."""
    within = mapping.reference(payload)
    return () if within is None else within.lots


def _without_identity(
    message: MessageFields, *, source: str, lots: tuple[str, ...], sample_id: str | None, test_id: str | None
) -> MessageRefusedError:
    """Return the refusal of a message that does not name its sample and test."""
    about = ResultReference(
        source=source,
        lots=lots,
        sample_id=sample_id,
        test_id=test_id,
        job_order_id=message.name("job_order_id"),
        equipment_id=message.name("equipment_id"),
        sampled_ns=message.time("sampled_at"),
    )
    return MessageRefusedError(tuple(message.reader.reasons), about=about)


def _result(
    message: MessageFields,
    *,
    interface: LimsInterface,
    sample_id: str,
    test_id: str,
    lots: tuple[str, ...],
    control_id: str | None,
    foreign_id: str | None,
) -> LabResult:
    """Return the result of that sample and test with everything else that can be read of it."""
    source, replicate = interface.source, _replicate(message)
    version, measured = message.whole("result_version", at_least=1), _measured(message)
    analyte = message.name("analyte") or analyte_of(message, interface.analytes, test_id)
    status, limits = _status(message, interface.assume_status), stated_limits(message, analyte, measured["unit"])
    retest_of = None if message.says_no("retest_of") else message.name("retest_of")
    times: dict[str, Any] = {f"{name}_ns": message.time(f"{name}_at") for name in _TIMES}
    others: dict[str, Any] = {name: message.name(name) for name in _OTHERS}
    identity: dict[str, Any] = {"source": source, "sample_id": sample_id, "test_id": test_id, "replicate": replicate}
    return LabResult(
        # without a version the store counts
        result_id="" if version is None else result_identity(**identity, result_version=version),
        analyte=analyte,
        status=status,
        result_version=version,
        retest_of=retest_of,
        material_lot_id=lots[0] if lots else None,
        other_lots=lots[1:],
        control_id=control_id,
        foreign_id=foreign_id,
        specification=limits,
        unread=tuple(message.reader.reasons[:_MOST_REASONS]),
        flags=_flags(message.reader.flags, times, control_id=control_id, lots=lots),
        **identity,
        **measured,
        **times,
        **others,
    )


def _measured(message: MessageFields) -> dict[str, Any]:
    """Return what was measured: the value with its unit, and the limits of detection and quantification."""
    lod, loq, unit = message.number("lod"), message.number("loq"), message.name("unit")
    value_text, written = stated_value(message, lod=lod, loq=loq, unit=unit)
    return {
        "value_text": value_text,
        "value": None if written.qualifier else written.number,
        "qualifier": written.qualifier,
        "censored_at": written.number if written.qualifier else None,
        "unit": unit,
        "lod": lod,
        "loq": loq,
    }


_TIMES = ("sampled", "received", "analysed", "approved")
_OTHERS = (
    "job_order_id", "material_definition_id", "equipment_id", "client_id", "study_id", "analyst", "instrument_id",
    "method_id", "supplier", "run_id",
)  # fmt: skip


def _flags(
    noted: list[str], times: Mapping[str, int | None], *, control_id: str | None, lots: tuple[str, ...]
) -> tuple[str, ...]:
    sampled_ns = times["sampled_ns"]
    flags = list(noted)
    if control_id is not None and lots:
        flags.append(CONTROL_OF_NO_LOT)
    if sampled_ns is None:
        flags.append("NO_SAMPLED_AT")
    elif any(at_ns is not None and at_ns < sampled_ns for at_ns in times.values()):
        flags.append(BEFORE_SAMPLED)
    return tuple(dict.fromkeys(flags))


def _replicate(message: MessageFields) -> int:
    """Return which determination it is; one whose number is not understood is another than the others."""
    noted = len(message.reader.reasons)
    number = message.whole("replicate", at_least=1)
    if len(message.reader.reasons) == noted:
        return number or 1
    own = identity_of("replicate", *(echo(value) for value in message.located.values("replicate")))
    return 1 + int(own.replace("-", ""), 16) % _MOST_REPLICATES


def _control(message: MessageFields) -> str | None:
    """Return the control material that was measured; a text that says "none" counts as absent."""
    stated = message.located.values("control_id")
    naming_a_control = [value for value in stated if word(value) not in NO]
    if not naming_a_control:
        return None
    if len(naming_a_control) < len(stated):
        message.contradicts("control_id")
        return None
    return message.name("control_id")


def _status(message: MessageFields, assume: ResultStatus | None) -> ResultStatus:
    """Return how far the result has come; a word that is not known is never taken for another."""
    name, values = message.located.name("status"), message.located.values("status")
    if not values:
        if assume is None:
            message.reader.refuse(Refusal.MISSING, refusal_text(RefusalText.FIELD_MISSING, field=name), field=name)
        return assume or ResultStatus.ENTERED
    known = {status_of(value) for value in values}
    status = known.pop() if len(known) == 1 else None
    if known:
        message.contradicts("status")
    elif status is None:
        choices = ", ".join(member.value for member in ResultStatus)
        text = refusal_text(RefusalText.NOT_A_STATUS, field=name, value=echo(values[0]), choices=choices)
        message.reader.refuse(Refusal.NOT_A_CHOICE, text, field=name, found=echo(values[0]))
    return status or ResultStatus.ENTERED
