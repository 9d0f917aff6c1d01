"""The one reader of laboratory messages: each case of ``reader_cases.toml``, through the mapping it is of."""

import json
import tomllib
from pathlib import Path

import pytest

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.mapping import mapping_named
from gateway.contract.times import rfc3339
from gateway.records.laboratory import ResultStatus
from tests.fixtures.building import NOW_NS

RULES = tomllib.loads((Path(__file__).parent / "reader_cases.toml").read_text())["rule"]
PAYLOADS = Path(__file__).parents[2] / "docs" / "payloads.md"
FROM, TO = "<!-- made of tests/cases/reader_cases.toml -->\n", "<!-- until here -->"

MESSAGES = {
    "canonical": {"sample_id": "S-1", "test_id": "pH", "result": 7.0, "unit": "pH", "material_lot": "L-1",
                  "status": "approved"},
    "senaite": {"uid": "a", "portal_type": "Analysis", "review_state": "verified", "Keyword": "PH", "Result": "7",
                "getRequestID": "W-1", "ClientReference": "L-1"},
    "labvantage": {"sampleid": "S-1", "batchid": "L-1",
                   "dataitems": [{"paramid": "pH", "enteredtext": "7", "s_datasetstatus": "Completed"}]},
}  # fmt: skip
READ = {
    "value": lambda result: result.value,
    "qualifier": lambda result: result.qualifier,
    "censored_at": lambda result: result.censored_at,
    "unit": lambda result: result.unit,
    "status": lambda result: result.status.value,
    "version": lambda result: result.result_version,
    "lots": lambda result: list(result.lots),
    "product": lambda result: result.material_definition_id,
    "control_id": lambda result: result.control_id,
    "upper": lambda result: None if result.specification is None else result.specification.upper,
    "sampled_at": lambda result: None if result.sampled_ns is None else rfc3339(result.sampled_ns),
}


def message_of(rule, written):
    """Return the rule's message with what is written in it."""
    mapping = rule.get("mapping", "canonical")
    fields = written if isinstance(written, dict) and "field" not in rule else {rule["field"]: written}
    message = dict(MESSAGES[mapping])
    if mapping == "labvantage":
        return {**message, "dataitems": [{**message["dataitems"][0], **fields}]}
    if "value" in fields and "result" not in fields:
        del message["result"]
    return {**message, **fields}


def read(message, *, mapping="canonical", **options):
    return lab_result(
        json.dumps(message).encode(),
        LimsInterface(
            source="lims", analytes={}, assume_status=ResultStatus.APPROVED, mapping=mapping_named(mapping), **options
        ),
        now_ns=NOW_NS,
    )


def cases():
    for rule in RULES:
        for written, *expected in rule["cases"]:
            yield pytest.param(rule, written, expected, id=f"{rule['what']}: {written}")


@pytest.mark.parametrize(("rule", "written", "expected"), list(cases()))
def test_each_case_is_read_as_its_rule_says(rule, written, expected):
    result = read(message_of(rule, written), mapping=rule.get("mapping", "canonical"),
                  decimal_comma=rule.get("decimal_comma", False))  # fmt: skip
    wanted = dict(zip(rule["expect"], expected, strict=True))
    codes = [reason.code for reason in result.unread]
    unread = wanted.pop("unread", "")
    assert set(codes) == ({unread} if unread else set())
    flag = wanted.pop("flag", None)
    assert flag is None or flag in result.flags
    assert {name: READ[name](result) for name in wanted} == {
        name: None if value == "none" else value for name, value in wanted.items()
    }


def _shown(rule, written):
    """Return what is written as the table shows it."""
    if isinstance(written, str):
        return (
            f"`{written}`"
            if written.isprintable() and written.strip() == written
            else ascii(written).strip("'").join("``")
        )
    text = json.dumps(written, ensure_ascii=False)
    return f"`{text[1:-1] if isinstance(written, dict) and 'field' not in rule else text}`"


def table():
    """Return the table of what is read, for people."""
    rows = ["| what | written like | read as |", "|---|---|---|"]
    for rule in RULES:
        shown = ", ".join(_shown(rule, written) for written, *_expected in rule["cases"]).replace("|", "\\|")
        rows.append(f"| {rule['what']} | {shown} | {rule['read_as']} |")
    return "\n".join(rows) + "\n"


def test_the_table_in_the_documentation_is_made_of_the_cases():
    text = PAYLOADS.read_text()
    assert text.partition(FROM)[2].partition(TO)[0] == table()


if __name__ == "__main__":
    begun, _, rest = PAYLOADS.read_text().partition(FROM)
    PAYLOADS.write_text(begun + FROM + table() + TO + rest.partition(TO)[2])
