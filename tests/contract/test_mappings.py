"""Each mapping against its examples, which the documentation shows; and what a message of several results does."""

import json
from functools import partial
from pathlib import Path

import pytest

from gateway.cli.lims import document_of
from gateway.config.connection_tables import LimsTable
from gateway.config.connections import result_mapping
from gateway.config.reading import read_lims
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.mapping import MAPPINGS, mapping_named
from gateway.contract.lims.written_values import written_value
from gateway.contract.refusals import MessageRefusedError
from gateway.errors import ConfigurationError
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.messages import Intake
from gateway.lab.disposition import retested
from gateway.lab.specifications import judge
from gateway.records.laboratory import Recommendation, ResultStatus
from gateway.transport.mqtt_messages import Delivery
from tests.fixtures.building import NOW_NS, VISCOSITY, moment, result

EXAMPLES = Path(__file__).parents[2] / "docs" / "mappings"
NAMED = tuple(MAPPINGS)


def examples():
    for file in sorted(EXAMPLES.glob("*.json")):
        for example in json.loads(file.read_text()):
            yield pytest.param(file.stem, example, id=f"{file.stem}: {example['name']}")


def table_of(name):
    if name in NAMED:
        return LimsTable.model_validate({"mapping": name, "assume_status": "validated"})
    return read_lims(EXAMPLES / f"{name}.toml")


def read_part(part, table):
    return lab_result(
        part,
        LimsInterface(
            source="lims",
            analytes=table.analytes,
            assume_status=table.assume_status,
            mapping=result_mapping(table),
            decimal_comma=table.decimal_comma,
        ),
        now_ns=NOW_NS,
    )


@pytest.mark.parametrize(("name", "example"), list(examples()))
def test_each_example_is_understood_as_the_documentation_says(name, example):
    table = table_of(name)
    parts = result_mapping(table).parts(json.dumps(example["message"]).encode())
    if "refused" in example:
        with pytest.raises(MessageRefusedError) as refused:
            read_part(parts[0], table)
        assert [reason.code for reason in refused.value.reasons] == example["refused"]
        return
    found = [document_of(read_part(part, table)) for part in parts]
    assert [each.get("unread") for each in found] == [each.get("unread") for each in example["understood"]]
    assert [
        {name: each.get(name) for name in wanted} for each, wanted in zip(found, example["understood"], strict=True)
    ] == (example["understood"])


def test_a_part_of_a_message_is_read_alone_as_it_was_read_in_it():
    """What is kept of a result is its part, and a replay reads it again."""
    for name, example in ((each.values[0], each.values[1]) for each in examples()):
        mapping = result_mapping(table_of(name))
        for part in mapping.parts(json.dumps(example["message"]).encode()):
            assert mapping.parts(part) == [part]


def understood_and_cut_off():
    """Yield of each example (format, what a result of it is understood as, what can be seen of its message cut off)."""
    for name, example in (case.values for case in examples()):
        reference = result_mapping(table_of(name)).reference(json.dumps(example["message"]).encode()[:-1])
        yield from ((name, result, reference) for result in example.get("understood", ()))


def test_a_message_that_cannot_be_read_speaks_against_the_lots_that_it_names():
    """So each format has its names of lots in its row."""
    named = [(name, result["material_lot_id"], reference) for name, result, reference in understood_and_cut_off()
             if result.get("material_lot_id")]  # fmt: skip
    assert {name for name, _lot, _reference in named} >= {*NAMED} - {"canonical"}
    for name, lot, reference in named:
        assert lot in reference.lots, (name, lot)


def test_a_message_that_cannot_be_read_names_its_sample_in_some_example_of_each_format():
    seen = {name for name, result, reference in understood_and_cut_off()
            if reference is not None and reference.sample_id == result.get("sample_id") is not None}  # fmt: skip
    assert seen >= {*NAMED}


def of_senaite(**fields):
    document = {
        "uid": "c1",
        "review_state": "verified",
        "Keyword": "PH",
        "Result": "7.2",
        "getRequestID": "WB-1",
        **fields,
    }
    return lab_result(
        json.dumps(document).encode(),
        LimsInterface(source="lims", analytes={}, assume_status=None, mapping=mapping_named("senaite")),
        now_ns=NOW_NS,
    )


def test_a_retest_takes_the_place_of_the_analysis_it_names_and_not_of_its_own_test():
    first, retest = of_senaite(), of_senaite(uid="c2", RetestOf="c1")
    assert first.replicate != retest.replicate
    assert retested(first, (first, retest))
    assert not retested(retest, (first, retest))


class _Session:
    def __init__(self):
        self.acknowledged = []

    def acknowledge(self, delivery):
        self.acknowledged.append(delivery.payload)
        return True

    def pause(self): ...

    def resume(self): ...


async def test_a_message_of_several_results_is_acknowledged_when_all_of_them_are_committed():
    mapping, inbox = mapping_named("senaite"), EventQueue()
    understand = understand_results(LimsInterface(source="lims", analytes={}, assume_status=None, mapping=mapping))
    intake = Intake(inbox=inbox, urgency=Urgency.INBOUND, routes={"lims/#": understand}, now=partial(moment, NOW_NS),
                    splits={"lims/#": mapping.parts})  # fmt: skip
    intake.session = session = _Session()
    items = [{"uid": f"u{at}", "review_state": "verified", "Keyword": "PH", "Result": value, "getRequestID": "WB-1"}
             for at, value in enumerate(["7.1", "1,234", "7.3"])]  # fmt: skip
    payload = json.dumps({"items": items}).encode()
    intake.take(
        Delivery(session="s", topic="lims/x", payload=payload, message_number=1, redelivered=False, qos=1, generation=0)
    )
    waiting = await inbox.take(most=20)
    assert [len(each.event.result.unread) for each in waiting] == [0, 1, 0]
    for pending in waiting:
        assert session.acknowledged == []
        pending.committed()
    assert session.acknowledged == [payload]


@pytest.mark.parametrize(
    ("text", "number", "qualifier"),
    [
        ("9.8", 9.8, None),
        (" <0.05 ", 0.05, "<"),
        ("1 234.5", 1234.5, None),
        ("1\u202f234", 1234.0, None),
        ("1'234'567.25", 1234567.25, None),
        (">1,234.5", 1234.5, ">"),
        ("N.D.", 0.01, "<"),
        ("< LOD", 0.01, "<"),
    ],
)
def test_values_are_read_as_they_were_meant(text, number, qualifier):
    found = written_value(text, lod=0.01)
    assert found is not None
    assert (found.number, found.qualifier) == (number, qualifier)


@pytest.mark.parametrize(
    "text", ["", "-", "1,234", "1.234.567", "12,34", "1,23,456.0", "0x10", "1e", "--1", "<", "~5", "ca. 5", "٣"]
)
def test_what_is_no_number_or_could_be_two_is_refused(text):
    assert written_value(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("9,8", 9.8), ("1.234,5", 1234.5), ("1 234,5", 1234.5), ("<0,05", 0.05), ("1234", 1234.0)]
)
def test_with_a_decimal_comma_points_are_thousands(text, number):
    found = written_value(text, decimal_comma=True)
    assert found is not None
    assert found.number == number
    assert written_value("1.234", decimal_comma=True) is None


def test_a_value_that_says_no_number_is_a_review():
    unknown = result(value=None, value_text="not detected", qualifier="<")
    assert judge(unknown, VISCOSITY)[0] is Recommendation.REVIEW
    assert judge(unknown, VISCOSITY)[1].code == "VALUE_UNKNOWN"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[lims]\nmapping = "sap"\n', "mapping"),
        ('[lims.mapping.paths]\nsample = "x"\n', "did you mean sample_id"),
        ('[lims.mapping.paths]\nsample_id = "x"\n', "has no test_id"),
        ('[lims.mapping.paths]\nsample_id = "a..b"\ntest_id = "t"\nvalue = "v"\n', "is no path"),
        ("nonsense", "is not TOML"),
    ],
)
def test_a_mapping_that_cannot_work_is_told(tmp_path, text, message):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(ConfigurationError) as error_info:
        read_lims(tmp_path / "m.toml")
    assert message in "; ".join(f"{each.key} {each.message}" for each in error_info.value.problems)


def test_the_status_of_a_message_is_never_guessed():
    (reason,) = of_senaite(review_state="somewhere").unread
    assert "status" in reason.text
    assert of_senaite(review_state="assigned").status is ResultStatus.ENTERED
    assert of_senaite(review_state="retracted").status is ResultStatus.SUPERSEDED


def test_the_same_parameter_by_two_methods_is_two_results():
    items = [
        {"paramid": "pH", "paramlistid": each, "enteredtext": "7", "releasedflag": "Y"} for each in ("M1", "M2", "M1")
    ]
    mapping = mapping_named("labvantage")
    parts = mapping.parts(json.dumps({"sampleid": "S", "dataitems": items}).encode())
    table = table_of("labvantage")
    first, other, again = (read_part(part, table).replicate for part in parts)
    assert first != other
    assert first == again


def test_the_same_result_found_by_two_searches_is_the_same_message():
    item = {"uid": "a", "review_state": "verified", "Keyword": "PH", "Result": "7.2", "getRequestID": "WB-1"}
    mapping = mapping_named("senaite")
    found = {mapping.parts(json.dumps({"count": 1, "_runtime": at, "items": [item]}).encode())[0] for at in (0.1, 0.2)}
    assert len(found) == 1


@pytest.mark.parametrize("value", ["NaN", '"\\ud800"', "1e999"])
def test_a_value_that_is_none_costs_only_its_own_result(value):
    text = '{"items": [{"uid": "a", "review_state": "verified", "Keyword": "PH", "Result": "7", "getRequestID": "W"}, '
    text += f'{{"uid": "b", "review_state": "verified", "Keyword": "PH", "Result": {value}, "getRequestID": "W"}}]}}'
    mapping, table = mapping_named("senaite"), table_of("senaite")
    good, bad = mapping.parts(text.encode())
    assert read_part(good, table).value == 7.0
    assert [reason.code for reason in read_part(bad, table).unread] in (["NOT_A_NUMBER"], ["NOT_TEXT"])


@pytest.mark.parametrize(
    "message",
    [
        {"items": [0] * 501},
        {"sampleid": "S", "remark": "x" * 100_000, "dataitems": [{"paramid": "pH", "enteredtext": "7"}] * 200},
    ],
)
def test_a_message_that_would_become_very_many_is_refused_whole(message):
    name = "senaite" if "items" in message else "labvantage"
    with pytest.raises(MessageRefusedError, match=r"at most|more than"):
        mapping_named(name).parts(json.dumps(message).encode())


async def test_a_message_that_cannot_be_parted_is_one_dead_letter_and_stops_nothing():
    def broken(_payload):
        raise RuntimeError("whatever")

    understand = understand_results(LimsInterface(source="lims", analytes={}, assume_status=None))
    inbox = EventQueue()
    intake = Intake(inbox=inbox, urgency=Urgency.INBOUND, routes={"lims/#": understand}, now=partial(moment, NOW_NS),
                    splits={"lims/#": broken})  # fmt: skip
    intake.session = _Session()
    intake.take(
        Delivery(session="s", topic="lims/x", payload=b"{}", message_number=1, redelivered=False, qos=1, generation=0)
    )
    (pending,) = await inbox.take(most=20)
    assert [reason.code for reason in pending.event.reasons] == ["DECISION_FAILED"]


def linked(**links):
    """Results of one test by their own ids; each names what it is a retest of, if anything."""
    return {name: result(sample_id="S", foreign_id=name, replicate=at, retest_of=of, status=status)
            for at, (name, (of, status)) in enumerate(links.items(), start=1)}  # fmt: skip


def standing(found):
    return {name for name, each in found.items() if not retested(each, tuple(found.values()))}


def test_a_chain_of_retests_leaves_the_last_and_a_ring_leaves_all():
    approved, gone = ResultStatus.APPROVED, ResultStatus.SUPERSEDED
    assert standing(linked(a=(None, approved), b=("a", gone), c=("b", approved))) == {"c"} | set()
    assert standing(linked(a=(None, approved), b=("a", gone))) == {
        "a",
        "b",
    }  # a retest that is withdrawn replaces nothing
    assert standing(linked(a=("b", approved), b=("a", approved))) == {"a", "b"}
