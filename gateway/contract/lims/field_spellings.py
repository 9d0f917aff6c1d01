"""The names that laboratories have for our fields, and those of fields that could speak against a release.

Names are folded before they are compared: case, spaces, ``_``, ``-``, ``.`` and ``/`` do not matter.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gateway.contract.lims.names import folded, plainly_spoken

_LOWER = (
    "lower", "spec_min", "spec_low", "spec_lower", "lower_limit", "limit_low", "low_limit", "lsl", "min_limit",
    "lower_spec", "lower_spec_limit", "spec_lower_limit", "lower_specification_limit",
)  # fmt: skip
_UPPER = (
    "upper", "spec_max", "spec_high", "spec_upper", "upper_limit", "limit_high", "high_limit", "usl", "max_limit",
    "upper_spec", "upper_spec_limit", "spec_upper_limit", "upper_specification_limit",
)  # fmt: skip

# our field: its names, the canonical one first
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("sample_id", "sample_no", "sample_number"),
    "test_id": ("test_id", "test_name", "test_code"),
    "analyte": ("analyte",),
    "replicate": ("replicate", "replicate_no", "replicate_number", "replicate_id"),
    "value": ("value", "value_text", "result", "result_value", "result_text"),
    "qualifier": (
        "qualifier", "qualifier_text", "comparator", "value_qualifier", "value_comparator", "result_qualifier",
        "result_comparator", "result_operator", "result_modifier", "result_letter", "result_sign", "result_prefix",
        "result_symbol", "value_operator", "value_sign", "value_prefix", "value_symbol", "numeric_operator",
        "numeric_qualifier", "inequality", "operand", "detection_limit_operand",
    ),
    "unit": ("unit", "units", "uom", "unit_of_measure", "result_unit", "result_units", "value_unit"),
    "status": ("status", "result_status", "test_status", "review_state"),
    "result_version": ("result_version", "result_revision"),
    "retest_of": ("retest_of", "retest_of_id", "retest_of_result", "repeat_of"),
    "lod": ("lod", "limit_of_detection"),
    "loq": ("loq", "limit_of_quantification", "limit_of_quantitation"),
    "lower": _LOWER,
    "upper": _UPPER,
    "specification": ("specification", "spec", "limits"),
    "specification_version": ("specification_version", "spec_version"),
    "sampled_at": ("sampled_at",),
    "received_at": ("received_at",),
    "analysed_at": ("analysed_at", "analyzed_at"),
    "approved_at": ("approved_at",),
    "material_lot_id": (
        "material_lot_id", "material_lot", "material_lots", "material_lot_ids", "lot", "lots", "lot_id", "lot_ids",
        "lot_no", "lot_number", "lot_name", "lot_code",
    ),
    "job_order_id": ("job_order_id", "work_order", "work_order_id", "job_order", "production_order", "process_order"),
    "material_definition_id": (
        "material_definition_id", "product", "product_code", "product_id", "material_definition",
    ),
    "equipment_id": ("equipment_id",),
    "client_id": ("client_id",),
    "study_id": ("study_id",),
    "analyst": ("analyst",),
    "instrument_id": ("instrument_id",),
    "method_id": ("method_id",),
    "supplier": ("supplier",),
    "control_id": ("control_id", "control", "control_material", "control_name"),
    "run_id": ("run_id",),
}  # fmt: skip

# read where the message has none of the names above
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "material_lot_id": ("batch", "batch_id", "batch_no", "batch_number", "batch_name"),
    "material_definition_id": (
        "product_no", "product_number", "material", "material_id", "material_code", "material_no", "material_number",
        "article", "article_no", "article_number", "item_code", "sku",
    ),
    "job_order_id": (
        "work_order_no", "work_order_number", "production_order_no", "production_order_number", "production_order_id",
        "process_order_no", "process_order_number", "process_order_id", "manufacturing_order", "order", "order_id",
        "order_no", "order_number",
    ),
    "equipment_id": ("equipment", "equipment_no", "equipment_name", "machine", "machine_id"),
    "client_id": ("client", "client_no", "client_code", "customer", "customer_id", "customer_no", "customer_code"),
}  # fmt: skip

# within an object of limits
WITHIN_SPECIFICATION: Mapping[str, tuple[str, ...]] = {
    "lower": (*_LOWER, "min", "minimum", "low"),
    "upper": (*_UPPER, "max", "maximum", "high"),
    "specification_version": ("version", "specification_version", "spec_version"),
    "specification_unit": ("unit", "units", "uom"),
    "inclusive": ("inclusive",),
    "lower_inclusive": ("lower_inclusive",),
    "upper_inclusive": ("upper_inclusive",),
}

# a comparator, where what stands in it is one; else a person's name, or whatever it may be
MAY_COMPARE = frozenset({"operator", "sign", "prefix", "modifier", "letter", "relation", "symbol", "censor"})

# fields that must not be overlooked
CRITICAL = frozenset(
    {"value", "qualifier", "status", "lower", "upper", "specification", "material_lot_id", "control_id", "retest_of",
     "result_version"}
)  # fmt: skip

# what says that there is none of something, or that something does not hold
NO = frozenset(
    {"", "n", "no", "0", "false", "f", "none", "null", "n/a", "na", "-", "--", "off", "nein", "kein", "keine", "non",
     "aucun", "aucune", "faux", "falso", "ninguno", "ninguna", "nessuno", "nessuna", "nee", "geen", "nie", "brak"}
)  # fmt: skip
# what says so in the place of a name: "N", "no" or "0" may well be a lot's
NO_NAME = frozenset({"none", "null", "n/a", "-", "--"})
WELL = frozenset(
    {"pass", "passed", "ok", "okay", "yes", "y", "true", "t", "1", "accept", "accepted", "conform", "conforms",
     "conforming", "complies", "compliant", "within", "within spec", "within limits", "in spec", "within specification",
     "in specification", "release", "released", "approved", "valid", "meets", "meets specification",
     "meets requirements", "satisfactory", "good", "io", "in ordnung", "bestanden", "konform", "ja", "gut",
     "unauffallig", "freigegeben", "spezifikationskonform", "conforme", "oui", "satisfaisant", "reussi", "ras",
     "cumple", "si", "apto", "satisfactorio", "idoneo", "superato", "goed", "voldoet", "akkoord", "goedgekeurd",
     "zgodny", "zgodne", "zgodna", "tak", "spelnia", "pozytywny", "n/a", "na", "", "none", "null"}
)  # fmt: skip


_NORMAL = frozenset({"n", "normal", "ok", "in range", "within range", "no", "none", "0", "false"})


def _folded_word(value: Any) -> str:
    return plainly_spoken(value) if isinstance(value, str) else str(value).casefold()


def _always(_value: Any) -> bool:
    return True


def _unless_no(value: Any) -> bool:
    return _folded_word(value) not in NO


def _unless_well(value: Any) -> bool:
    return _folded_word(value) not in WELL


def _unless_normal(value: Any) -> bool:
    return _folded_word(value) not in _NORMAL


# which values of a field speak against a release: of limits and versions any, of a withdrawal all but "no",
# of a judgement all but "well", of a mark for abnormal values all but "normal"
_SPEAKS_AGAINST: Mapping[Callable[[Any], bool], tuple[str, ...]] = {
    _always: (
        "min", "minimum", "max", "maximum", "low", "high", "range", "spec_range", "reference_range", "limit",
        "limit_text", "spec_text", "acceptance_criteria", "acceptance_limits", "version", "revision",
        "import_problem",
    ),
    _unless_no: (
        "retest", "is_retest", "retest_flag", "repeat", "superseded", "cancelled", "canceled", "rejected", "deleted",
        "void", "voided", "invalid", "retracted", "withdrawn", "oos", "out_of_spec", "out_of_specification",
        "out_of_limits", "out_of_range", "oot", "failed", "fail",
    ),
    _unless_well: (
        "valid", "is_valid", "pass", "passed", "pass_fail", "in_spec", "within_spec", "conform", "conforms",
        "conformity", "compliant", "conclusion", "verdict", "assessment", "evaluation", "judgement", "judgment",
        "disposition", "usage_decision", "ud_code", "vcode",
    ),
    _unless_normal: ("abnormal", "abnormal_flag", "result_flag", "interpretation"),
}  # fmt: skip
NEAR: Mapping[str, Callable[[Any], bool]] = {
    folded(name): speaks for speaks, names in _SPEAKS_AGAINST.items() for name in names
}


def by_folded_name(spellings: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    """Return our field for each folded name."""
    return {folded(name): ours for ours, names in spellings.items() for name in names}


@cache
def spellings_of(ours: str) -> tuple[str, ...]:
    """Return the folded names of one of our fields, the canonical one first."""
    return tuple(folded(name) for name in (*SPELLINGS.get(ours, ()), *FALLBACKS.get(ours, ())))


def is_field(name: str) -> bool:
    """Return whether a name is one of our fields, in any of its spellings."""
    return folded(name) in _FIELDS


_FIELDS = frozenset({*by_folded_name(SPELLINGS), *by_folded_name(FALLBACKS)})
