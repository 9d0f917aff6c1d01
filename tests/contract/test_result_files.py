"""Results in CSV files become the messages they would have been, and are read as these."""

from zoneinfo import ZoneInfo

import pytest

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.result_files import FileForm, messages_in
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import parse_rfc3339
from gateway.records.laboratory import ResultStatus
from tests.fixtures.building import NOW_NS

PLAIN = FileForm(columns={})


def results(text, form=PLAIN):
    return [
        lab_result(
            message, LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED), now_ns=NOW_NS
        )
        for _line, message in messages_in(text, form)
    ]


def not_understood(message):
    try:
        return lab_result(
            message, LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED), now_ns=NOW_NS
        ).unread
    except MessageRefusedError as error:
        return error.reasons


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_called_like_fields_are_read_whatever_separates_them(separator):
    text = "sample_id,test_id,value,unit,result_version,lower,upper\nS-1,pH,9.8,pH,2,6.5,7.5\n".replace(",", separator)
    (result,) = results(text)
    assert (result.sample_id, result.value, result.result_version) == ("S-1", 9.8, 2)
    assert (result.specification.lower, result.specification.upper) == (6.5, 7.5)


def test_a_laboratorys_own_columns_decimal_commas_and_local_times_are_read():
    form = FileForm(
        columns={"sample_id": "Probe Nr.", "test_id": "Methode", "value": "Ergebnis", "sampled_at": "Gezogen"},
        decimal_comma=True,
        zone=ZoneInfo("Europe/Berlin"),
    )
    text = "Probe Nr.;Methode;Ergebnis;Gezogen;Bemerkung\nS-1;pH;1.009,8;2026-03-02 08:14:00;\nS-2;Fe;<0,05;;\n"
    first, second = results(text, form)
    assert first.value == 1009.8
    assert first.sampled_ns == parse_rfc3339("2026-03-02T07:14:00Z")
    assert (second.value, second.qualifier, second.censored_at, second.sampled_ns) == (None, "<", 0.05, None)


def test_the_same_row_is_the_same_message_and_empty_rows_are_none():
    text = "sample_id,test_id,value\nS-1,pH,7\n,,\n\nS-1,pH,7\n"
    first, second = messages_in(text, PLAIN)
    assert first[1] == second[1]
    assert (first[0], second[0]) == (2, 5)


@pytest.mark.parametrize("row", ["S-1,pH,1.2.3", ",pH,7", "S-1,pH,NaN"])
def test_what_is_wrong_with_a_row_is_said_by_the_reader_of_messages(row):
    ((_line, message),) = messages_in(f"sample_id,test_id,value\n{row}\n", PLAIN)
    assert not_understood(message)


@pytest.mark.parametrize(("text", "why"), [("", "is empty"), ("\n", "is empty"), ("a,b\n1,2\n", "has no column")])
def test_a_file_without_the_columns_that_were_named_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        list(messages_in(text, FileForm(columns={"sample_id": "Probe"})))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample_id,test_id,value\nS-1,pH,9,8\n", "line 2 has more cells"),
        ("sample_id,test_id,value,value\nS-1,pH,9,8\n", "value in more than one column"),
    ],
)
def test_a_file_that_could_be_read_in_two_ways_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        list(messages_in(text, PLAIN))


def test_a_column_named_to_be_a_field_that_is_there_already_is_refused():
    with pytest.raises(ValueError, match="value in more than one column"):
        list(messages_in("value,Ergebnis\n1,2\n", FileForm(columns={"value": "Ergebnis"})))


@pytest.mark.parametrize(
    ("cell", "value"), [("9,8", 9.8), ("1.009,8", 1009.8), ("1.009", None), ("1.009.000", 1009000.0), ("9.8", None)]
)
def test_a_point_in_a_number_with_a_decimal_comma_separates_thousands_or_is_unreadable(cell, value):
    form = FileForm(columns={}, decimal_comma=True)
    ((_line, message),) = messages_in(f"sample_id;test_id;value\nS-1;pH;{cell}\n", form)
    if value is None:
        assert not_understood(message)
    else:
        assert results(f"sample_id;test_id;value\nS-1;pH;{cell}\n", form)[0].value == value
