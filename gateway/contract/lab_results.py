"""A laboratory's JSON message to a ``LabResult``, by one of the mappings, or every reason why not.

One table names each field in the full canonical form and in the plain one
(``{"sample_id": ..., "test_name": ..., "result": 9.8, "spec_min": ..., "spec_max": ...}``).
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.contract.identity import result_identity
from gateway.contract.lab_values import WrittenValue, written_value
from gateway.contract.mapping import ResultMapping, mapping_named
from gateway.contract.reading import LONGEST_TEXT, FieldReader, Refusal, parse_object
from gateway.records import LabResult, ResultStatus, Specification

CANONICAL = mapping_named("canonical")

# our field: its names, the canonical one first
NAMES: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("sample_id",),
    "test_id": ("test_id", "test_name"),
    "value": ("value", "value_text", "result"),
    "lower": ("lower", "spec_min"),
    "upper": ("upper", "spec_max"),
    "material_lot_id": ("material_lot_id", "material_lot"),
    "job_order_id": ("job_order_id", "work_order"),
    "material_definition_id": ("material_definition_id", "product"),
}


def lab_result(
    payload: bytes,
    *,
    source: str,
    now_ns: int,
    analytes: Mapping[str, str],
    assume_status: ResultStatus | None,
    mapping: ResultMapping = CANONICAL,
    decimal_comma: bool = False,
) -> LabResult:
    """Return the result in a message; raises MessageRefusedError with every reason.

    Args:
        payload: the message's bytes.
        source: which laboratory interface it came from; part of the result's identity.
        now_ns: the gateway's wall time, against which times in the message are checked.
        analytes: the laboratory's test names to ours.
        assume_status: the status of a message without one; None refuses such a message.
        mapping: how the laboratory names things.
        decimal_comma: whether it writes numbers in texts with a comma.
    """
    mapped = mapping.canonical(parse_object(payload))
    reader = FieldReader(mapped.document, now_ns, flags=list(mapped.flags))
    sample_id = reader.text("sample_id", required=True)
    test_id = reader.text(*NAMES["test_id"], required=True)
    replicate = reader.whole("replicate", at_least=1) or 1
    version = reader.whole("result_version", at_least=1)
    lod, loq = reader.number("lod"), reader.number("loq")
    value_text, written = _value(reader, decimal_comma=decimal_comma, lod=lod, loq=loq)
    status = reader.choice(ResultStatus, "status", default=assume_status)
    control_id, lot = reader.text("control_id"), reader.text(*NAMES["material_lot_id"])
    if control_id is not None and lot is not None:
        reader.flags.append("CONTROL_OF_NO_LOT")
    unit = reader.text("unit")
    sampled_ns = reader.time("sampled_at")
    result = LabResult(
        result_id=""
        if version is None
        else result_identity(
            source=source,
            sample_id=sample_id or "",
            test_id=test_id or "",
            replicate=replicate,
            result_version=version,
        ),
        source=source,
        sample_id=sample_id or "",
        test_id=test_id or "",
        analyte=reader.text("analyte") or analytes.get(test_id or "", test_id or ""),
        replicate=replicate,
        value_text=value_text,
        value=None if written.qualifier else written.number,
        qualifier=written.qualifier,
        censored_at=written.number if written.qualifier else None,
        unit=unit,
        status=status or ResultStatus.ENTERED,
        result_version=version,
        lod=lod,
        loq=loq,
        retest_of=reader.text("retest_of"),
        sampled_ns=sampled_ns,
        received_ns=reader.time("received_at"),
        analysed_ns=reader.time("analysed_at"),
        approved_ns=reader.time("approved_at"),
        material_lot_id=lot if control_id is None else None,
        job_order_id=reader.text(*NAMES["job_order_id"]),
        material_definition_id=reader.text(*NAMES["material_definition_id"]),
        equipment_id=reader.text("equipment_id"),
        client_id=reader.text("client_id"),
        study_id=reader.text("study_id"),
        analyst=reader.text("analyst"),
        instrument_id=reader.text("instrument_id"),
        method_id=reader.text("method_id"),
        supplier=reader.text("supplier"),
        control_id=control_id,
        run_id=reader.text("run_id"),
        foreign_id=mapped.foreign_id,
        specification=_specification(reader, analytes.get(test_id or "", test_id or ""), unit),
        flags=tuple(dict.fromkeys([*reader.flags, *([] if sampled_ns is not None else ["NO_SAMPLED_AT"])])),
    )
    reader.finish()
    return result


def _value(
    reader: FieldReader, *, decimal_comma: bool, lod: float | None, loq: float | None
) -> tuple[str, WrittenValue]:
    """Return (text as sent, what it says); with a qualifier the number is the limit, not the value."""
    name, found = reader.find(NAMES["value"])
    if not isinstance(found, str):
        number = reader.number(*NAMES["value"])
        if found is None:
            reader.refuse(Refusal.MISSING, f"{name} is missing.", field=name)
        qualifier = _qualifier(reader)
        return "" if number is None else f"{qualifier or ''}{found!r}", WrittenValue(number=number, qualifier=qualifier)
    written = _written(reader, name, found, decimal_comma=decimal_comma, lod=lod, loq=loq)
    if written.qualifier is None and _qualifier(reader) is not None:
        written = replace(written, qualifier=_qualifier(reader))
        found = f"{written.qualifier}{found.strip()}"
    reader.flags += written.flags
    if written.number is not None:
        reader.finite(name, written.number)
    return found.strip(), written


def _qualifier(reader: FieldReader) -> str | None:
    """Return the operand that stands beside a value, or None."""
    found = reader.document.get("qualifier")
    return found if found in ("<", ">") else None


def _written(
    reader: FieldReader, name: str, text: str, *, decimal_comma: bool, lod: float | None, loq: float | None
) -> WrittenValue:
    """Return what a text says; of one that says nothing, the reason is noted."""
    if len(text) > LONGEST_TEXT:
        reader.refuse(Refusal.TOO_LONG, f"{name} has {len(text)} characters; at most {LONGEST_TEXT} are accepted.")
        return WrittenValue(number=None)
    if not text.strip():
        reader.refuse(Refusal.MISSING, f"{name} is empty.", field=name)
        return WrittenValue(number=None)
    written = written_value(text, decimal_comma=decimal_comma, lod=lod, loq=loq)
    if written is None:
        reader.refuse(
            Refusal.NOT_A_NUMBER,
            f"{name} is {text[:80]!a}, which is neither a number nor a limit such as <0.05, or could be two numbers.",
            field=name,
            found=text[:80].encode("ascii", "backslashreplace").decode(),
        )
    return written or WrittenValue(number=None)


def _specification(reader: FieldReader, analyte: str, unit: str | None) -> Specification | None:
    """Return the limits that came with the result, or None where none came."""
    within = reader.nested("specification")
    fields = within if within is not None else reader
    lower, upper = fields.number(*NAMES["lower"]), fields.number(*NAMES["upper"])
    if lower is None and upper is None:
        if within is not None:
            reader.refuse(Refusal.SPECIFICATION_EMPTY, "specification has neither lower nor upper.")
        return None
    if lower is not None and upper is not None and lower > upper:
        reader.refuse(
            Refusal.SPECIFICATION_REVERSED,
            f"The specification's lower limit {lower:g} is above its upper limit {upper:g}.",
            lower=lower,
            upper=upper,
        )
        return None
    return Specification(
        analyte=analyte,
        lower=lower,
        upper=upper,
        unit=unit,
        version=within.text("version") if within is not None else None,
        inclusive=within.flag("inclusive", default=True) if within is not None else True,
        lower_inclusive=_side(within, "lower_inclusive"),
        upper_inclusive=_side(within, "upper_inclusive"),
    )


def _side(within: FieldReader | None, name: str) -> bool | None:
    """Return whether one limit is inside, or None where the message does not say it of one alone."""
    if within is None or within.document.get(name) is None:
        return None
    return within.flag(name, default=True)
