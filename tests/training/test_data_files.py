"""Files as newcomers bring them: each is read with what is odd counted, or refused with place and what to do."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gateway.errors import LablineError
from gateway.training.file_recording import read_files
from gateway.training.files.instants import NEVER
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.data import DataTable, LaboratoryTable
from gateway.training.rows import file_rows

SECOND = 10**9


def recorded(folder, content, *, data=None, laboratory=None, columns=("a", "b")):
    """What the files record; ``content``: of data.csv, or the files by name."""
    files = content if isinstance(content, dict) else {"data.csv": content}
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_files(
        DataTable.model_validate({"file": "data.csv", "period_seconds": 60, **(data or {})}),
        LaboratoryTable.model_validate({"column": "y", "delay_rows": 1, **(laboratory or {})}),
        columns=columns,
        folder=folder,
    )


GOOD = "a,b,y\n1,2,3\n4,5,6\n"


# --- what is handled and counted


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (GOOD, {}),
        (b"\xef\xbb\xbf" + GOOD.encode(), {}),
        (GOOD.encode("utf-16"), {}),
        (GOOD.replace("\n", "\r\n"), {}),
        (GOOD.replace("\n", "\r"), {}),
        (GOOD.replace("\n", ",\n"), {}),
        (GOOD.replace(",", ";"), {"separator": ";"}),
        (GOOD.replace(",", "\t"), {"separator": "tab"}),
        ("a;b;y\n1,0;2,0;3,0\n4,0;5;6\n", {"separator": ";", "decimal": ","}),
        ("a,b,y\n[degC],[bar],[%]\n1,2,3\n4,5,6\n", {"lines_after_header": 1}),
        ("exported 2026\n\na,b,y\n1,2,3\n4,5,6\n", {"skip_lines": 2}),
        ("a,note,b,y\n1,start-up,2,3\n4,,5,6\n", {}),
        ("when,a,b,y\n01.02.2026 10:00,1,2,3\n01.02.2026 10:01,4,5,6\n", {}),
        (GOOD + ",,\n\n", {}),
        (GOOD.replace("a,b,y", ' a , b ,"y"'), {}),
        ("note,a,b,y\nT=20 \xb0C,1,2,3\n,4,5,6\n".encode("cp1252"), {"encoding": "cp1252"}),
    ],
)
def test_what_does_not_matter_is_read_over(tmp_path, content, data):
    read = recorded(tmp_path, content, data=data)
    assert [read.columns[name].values.tolist() for name in "ab"] == [[1, 4], [2, 5]]
    assert read.samples.values.tolist() == [3, 6]


def test_what_is_no_value_is_counted_by_column_and_text(tmp_path):
    texts = ["", "nan", "NaN", "NULL", "-", "#N/A", "Bad", "I/O Timeout", "[-11059] No Good Data", "-9999", "inf"]
    rows = "".join(f'"{text}",{number},1\n' for number, text in enumerate(texts))
    read = recorded(tmp_path, "a,b,y\n" + rows, data={"no_value": ["-9999"]})
    assert np.isnan(read.columns["a"].values).all()
    assert [at for at in range(len(texts)) if read.columns["a"].bad[at]] == [6, 7, 8, 10]
    assert read.odd['"NULL" in a'] == 1
    assert sum(count for what, count in read.odd.items() if what.endswith(" in a")) == len(texts)
    assert not any(what.endswith(" in b") for what in read.odd)


def test_grouped_numbers_are_read_only_as_they_are_declared(tmp_path):
    table = {"separator": ";", "decimal": ",", "thousands": "."}
    assert recorded(tmp_path, "a;b;y\n1.234.567,5;2;1\n", data=table).columns["a"].values.tolist() == [1234567.5]
    with pytest.raises(LablineError, match=r'"1\.23"'):  # a group has three digits
        recorded(tmp_path, "a;b;y\n1.23;2;1\n", data=table)
    with pytest.raises(LablineError) as told:
        recorded(tmp_path, "a;b;y\n1.234,5;2;1\n", data={"separator": ";"})
    assert told.value.hint == 'set [data] decimal = "," and thousands = "."'


# --- times


def times(folder, *texts, **data):
    rows = "".join(f'"{text}",{number},0,1\n' for number, text in enumerate(texts))
    return recorded(folder, "t,a,b,y\n" + rows, data={"time_column": "t", **data})


def instant(*of):
    return int(datetime(*of, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("first", "second", "data"),
    [
        ("2026-02-01T10:00:00Z", "2026-02-01T10:01:00Z", {}),
        ("2026-02-01 10:00:00", "2026-02-01 10:01:00.000", {}),
        ("2026-02-01T11:00:00+01:00", "2026-02-01T10:01:00+00:00", {}),
        ("01.02.2026 10:00", "01.02.2026 10:01", {}),
        ("01.02.26 10:00:00", "01.02.26 10:01:00", {}),
        ("2026/02/01 10:00", "2026/02/01 10:01", {}),
        ("01-Feb-26 10:00:00", "01-Feb-26 10:01:00", {}),
        ("2/1/2026 10:00 AM", "2/1/2026 10:01 AM", {"time_format": "%m/%d/%Y %I:%M %p"}),
        ("1769940000", "1769940060", {}),
        ("1769940000000", "1769940060000", {}),
        ("46054.416666666664", "46054.41736111111", {"time_format": "excel_days"}),
        ("01.02.2026 11:00", "01.02.2026 11:01", {"time_zone": "Europe/Paris"}),
    ],
)
def test_times_are_read_in_the_usual_forms(tmp_path, first, second, data):
    assert times(tmp_path, first, second, **data).at_ns.tolist() == [
        instant(2026, 2, 1, 10, 0),
        instant(2026, 2, 1, 10, 1),
    ]


def test_the_order_of_day_and_month_is_told_by_the_whole_column_or_asked_for(tmp_path):
    assert times(tmp_path, "01/02/2026 10:00", "13/02/2026 10:00").at_ns[0] == instant(2026, 2, 1, 10)
    assert times(tmp_path, "01/02/2026 10:00", "01/13/2026 10:00").at_ns[1] == instant(2026, 1, 13, 10)
    with pytest.raises(LablineError, match="may be %d/%m/%Y or %m/%d/%Y"):
        times(tmp_path, "01/02/2026 10:00", "01/03/2026 10:00")


def test_midnight_without_a_clock_is_midnight(tmp_path):
    read = times(tmp_path, "31.01.2026 23:59", "01.02.2026", "01.02.2026 00:01")
    assert np.diff(read.at_ns).tolist() == [60 * SECOND, 60 * SECOND]


def test_rows_are_put_in_the_order_of_time_and_doubles_counted(tmp_path):
    read = times(tmp_path, "2026-02-01T10:02", "2026-02-01T10:00", "2026-02-01T10:01", "2026-02-01T10:01", "")
    assert read.columns["a"].values.tolist() == [1, 3, 0]  # the later line of two counts
    assert read.odd["rows without a time"] == 1
    assert read.odd["steps back in time, put in order"] == 1
    assert read.odd["rows at the instant of a later line, which counts"] == 1


def test_a_file_that_begins_with_its_newest_row_is_read_backwards(tmp_path):
    read = times(tmp_path, "2026-02-01T10:02", "2026-02-01T10:01", "2026-02-01T10:00")
    assert read.columns["a"].values.tolist() == [2, 1, 0]
    assert read.odd["the file begins with its newest row"] == 1
    assert "steps back in time, put in order" not in read.odd


@pytest.mark.parametrize("backwards", [False, True])
def test_the_hour_that_comes_twice_is_told_apart_by_its_order(tmp_path, backwards):
    local = [f"2026-10-25 {hour:02}:{minute:02}" for hour in (1, 2, 2, 3) for minute in (0, 30)]
    texts = local[::-1] if backwards else local
    read = times(tmp_path, *texts, time_zone="Europe/Paris", period_seconds=1800)
    assert set(np.diff(read.at_ns).tolist()) == {1800 * SECOND}
    assert len(read) == 8
    assert read.odd["times in the second of two hours of the same name (end of daylight saving)"] == 2


def test_an_hour_that_does_not_exist_is_counted(tmp_path):
    read = times(tmp_path, "2026-03-29 01:30", "2026-03-29 02:30", time_zone="Europe/Paris")
    assert read.odd["times in the hour that daylight saving skips"] == 1


def test_a_period_that_is_not_that_of_the_file_and_holes_are_told(tmp_path):
    read = times(tmp_path, *(f"2026-02-01T10:{minute:02}" for minute in (0, 6, 12, 18, 59)))
    assert read.odd["rows are 360 s apart in the median, period_seconds is 60"] == 1
    assert read.odd["holes of more than 300 s between rows"] == 4


# --- the laboratory


def test_a_column_with_blanks_has_a_result_where_it_has_a_value(tmp_path):
    read = recorded(tmp_path, "a,b,y\n1,1,\n2,2,5\n3,3,-\n4,4,7\n", laboratory={"delay_rows": 2})
    assert read.samples.rows.tolist() == [1, 3]
    assert read.samples.values.tolist() == [5, 7]
    assert (read.samples.arrives_ns - read.samples.at_ns).tolist() == [120 * SECOND] * 2


def test_a_result_below_or_above_what_the_method_can_tell_is_no_number_and_is_counted(tmp_path):
    read = recorded(tmp_path, "a,b,y\n1,1,<0.5\n2,2,5\n3,3,> 12\n4,4,\u22640.5\n", laboratory={"delay_rows": 2})
    assert read.samples.values.tolist() == [5]
    for text in ("<0.5", "> 12", "\u22640.5"):
        assert read.odd[f'results "{text}", which are no numbers, left out'] == 1


def test_every_so_many_rows_a_column_with_values_everywhere_has_a_result(tmp_path):
    read = recorded(tmp_path, "a,b,y\n" + "1,1,1\n" * 6, laboratory={"every_rows": 3, "delay_rows": 1})
    assert (read.samples.arrives_ns != NEVER).tolist() == [True, False, False, True, False, False]


def test_results_of_a_file_of_their_own_have_their_own_times(tmp_path):
    files = {
        "data.csv": "t,a,b\n2026-02-01T10:00,1,1\n2026-02-01T10:01,2,2\n",
        "lab.csv": "drawn;known;y\n01.02.2026 10:00:30;01.02.2026 11:00;1,5\n"
        "01.02.2026 10:01:30;01.02.2026 11:00;2,5\n01.02.2026 10:01:30;01.02.2026 11:30;3,5\n"
        "01.02.2026 10:02;01.02.2026 11:00;<1\n",
    }
    laboratory = {"file": "lab.csv", "time_column": "drawn", "arrival_column": "known", "delay_rows": None,
                  "separator": ";", "decimal": ","}  # fmt: skip
    read = recorded(tmp_path, files, data={"time_column": "t"}, laboratory=laboratory)
    assert read.samples.values.tolist() == [1.5, 3.0]
    assert read.samples.at_ns.tolist() == [instant(2026, 2, 1, 10, 0, 30), instant(2026, 2, 1, 10, 1, 30)]
    assert read.samples.arrives_ns.tolist() == [instant(2026, 2, 1, 11), instant(2026, 2, 1, 11, 30)]
    assert read.odd["laboratory: results without a number"] == 1
    assert read.odd["laboratory: further results of a sample's instant, of which the mean is taken"] == 1


def test_no_result_is_known_as_its_sample_is_drawn(tmp_path):
    read = recorded(tmp_path, GOOD, laboratory={"delay_rows": 0})
    assert (read.samples.arrives_ns > read.samples.at_ns).all()


# --- what is refused, with place and what to do


@pytest.mark.parametrize(
    ("content", "data", "problem", "hint"),
    [
        ("", {}, "has no rows", "skip_lines"),
        ("a,b,y\n", {}, "has no rows", "skip_lines"),
        (GOOD.replace("4", "vier"), {}, 'line 3, column a: "vier"', "mend the cells"),
        ("a,b,y\nx,y,3\n4,z,6\n", {}, 'column b: "y"; line 3, column b: "z"', "no_value"),
        ("a;b;y\n1;2;3\n", {}, "no column a, b", 'separator = ";"'),
        ("a b y\n1 2 3\n", {}, "no column a, b", 'separator = "whitespace"'),
        ("1,2,3\n4,5,6\n", {}, "no column a, b", "header = false"),
        ("a,b,y\ndegC,bar,%\n1,2,3\n", {}, 'line 2, column a: "degC"', "lines_after_header = 1"),
        ("a;b;y\n1,5;2,5;3,5\n", {"separator": ";"}, '"1,5"', 'set [data] decimal = ","'),
        ("a;b;y\n1,5;2,5;<3\n1,5;x;4,5\n" + "1,5;2,5;3\n" * 9, {"separator": ";"}, '"1,5"', 'decimal = ","'),
        ("a;b;y\n1,5;2,5;3,5\n", {}, "line 2: 4 cells for 1 columns", 'set [data] separator = ";"'),
        ("a\tb\ty\n1,5\t2,5\t3,5\n", {}, "line 2: 4 cells for 1 columns", 'set [data] separator = "tab"'),
        ("a,b,y\n1,5,2,5,3,5\n", {}, "line 2: 6 cells for 3 columns", "decimal"),
        ("a,b,y\n1,2,3\n4,5", {}, "line 3: 2 cells for 3 columns", "cut off"),
        ("report\na,b,y\n1,2,3\n", {}, "line 2: 3 cells for 1 columns", "skip_lines"),
        ('a,b,y\n"1,2,3\n4,5,6\n', {}, "line 2: a quotation mark is not closed", "close it"),
        ("a,b,y\n1,2,\xb0\n".encode("cp1252"), {}, "line 2: the bytes there are not utf-8", "cp1252"),
        (b"PK\x03\x04xlsx", {}, "is a workbook", "CSV"),
        (b"PAR1 no parquet", {}, "is damaged Parquet", "export it again"),
        (b"a,b,y\n1,\x00,2\n", {}, "line 2: it is no text", "UTF-8"),
        ("a,a,b,y\n1,1,2,3\n", {}, "has several columns a", "rename"),
        ("a,b,c\n1,2,3\n", {}, "has no column y", "it has a, b, c"),
        ("1 2 3\n", {"header": False, "columns": ["a", "b"], "separator": "whitespace"}, "3 cells for 2", "columns"),
        ("t,a,b,y\nsoon,1,2,3\n", {"time_column": "t"}, 'line 2, column t: "soon" is no time', "time_format"),
        ("t,a,b,y\n2026-01-01,1,2,3\nlater,1,2,3\n", {"time_column": "t"}, "line 3", "mend"),
        ("t,a,b,y\n,1,2,3\n", {"time_column": "t"}, "there is no time", "time_column"),
        ("t,a,b,y\n0,1,2,3\n60,1,2,3\n", {"time_column": "t"}, "may be seconds that have passed", "elapsed_seconds"),
        ("t,a,b,y\n20260101,1,2,3\n", {"time_column": "t"}, "may be seconds", "%Y%m%d"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(tmp_path, content, data, problem, hint):
    with pytest.raises(LablineError) as told:
        recorded(tmp_path, content, data=data)
    assert problem in str(told.value)
    assert "data.csv" in str(told.value)
    assert hint in (told.value.hint or "")


def test_a_result_known_before_its_sample_is_refused(tmp_path):
    content = "t,k,a,b,y\n2026-02-01T10:00,2026-02-01T09:00,1,2,3\n"
    with pytest.raises(LablineError, match="line 2, column k: results known before their samples were drawn: 1"):
        recorded(tmp_path, content, data={"time_column": "t"}, laboratory={"arrival_column": "k", "delay_rows": None})


@pytest.mark.parametrize(
    ("laboratory", "problem"),
    [
        ({"delay_rows": None}, "how late results are"),
        ({"delay_seconds": 5.0}, "how late results are"),
        ({"file": "lab.csv"}, "time_column"),
        ({"file": "lab.csv", "time_column": "t", "every_rows": 2}, "every_rows"),
        ({"time_zone": "Mars"}, "no time zone"),
        ({"decimal": ",", "thousands": ","}, "decimal and thousands"),
    ],
)
def test_a_laboratory_that_is_told_in_two_ways_or_none_is_refused(laboratory, problem):
    with pytest.raises(ValueError, match=problem):
        LaboratoryTable.model_validate({"column": "y", "delay_rows": 1, **laboratory})


def test_a_parquet_file_is_read_like_a_text(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    at = [datetime(2026, 2, 1, 10, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(2)]
    pq.write_table(pa.table({"t": at, "a": [1.0, None], "b": [2, 5], "y": [3.5, 6.0]}), tmp_path / "data.csv")
    read = recorded(tmp_path, {}, data={"time_column": "t"})
    assert read.at_ns.tolist() == [instant(2026, 2, 1, 10, 0), instant(2026, 2, 1, 10, 1)]
    assert np.isnan(read.columns["a"].values).tolist() == [False, True]


# --- rows


def rows_of(folder, content, **data):
    (folder / "data.csv").write_text(content)
    document = {
        "name": "m", "version": "1", "intended_use": "Tests.",
        "data": {"file": "data.csv", "period_seconds": 60, **data}, "laboratory": {"column": "y", "delay_rows": 1},
        "split": {"train": 0.5}, "output": {"analyte": "y", "unit": "1", "valid": [0, 9]},
        "inputs": [{"tag": "a", "unit": "1"}], "candidates": {"kinds": ["ridge"]},
    }  # fmt: skip
    return file_rows(Recipe.model_validate(document), folder=folder)


def test_a_value_holds_over_blanks_for_the_longest_gap_and_not_over_a_bad_reading(tmp_path):
    cells = ["1", "", "", "", "5", "Bad", "", "8"]
    rows = rows_of(tmp_path, "a,y\n" + "".join(f"{cell},1\n" for cell in cells), longest_gap_seconds=120)
    assert rows.at.tolist() == [0, 1, 2, 4, 7]
    assert rows.features[:, 0].tolist() == [1, 1, 1, 5, 8]
    assert rows.odd["left out: rows without a"] == 3


def test_a_hole_between_rows_is_as_long_as_it_is(tmp_path):
    content = "t,a,y\n0,1,\n60,2,\n3600,,7\n3660,4,8\n"
    rows = rows_of(tmp_path, content, time_column="t", time_format="elapsed_seconds")
    assert rows.at.tolist() == [3]
    assert rows.odd["left out: rows without a"] == 1
    assert rows.timing.at_ns.tolist() == [3660 * SECOND]


def test_a_result_of_its_own_file_sees_what_was_known_at_its_instant(tmp_path):
    (tmp_path / "data.csv").write_text("t,a\n2026-02-01T10:00,1\n2026-02-01T10:10,2\n")
    (tmp_path / "lab.csv").write_text("t,y\n2026-02-01T10:04,3\n2026-02-01T10:10,4\n2026-02-01T12:00,5\n")
    document = {
        "name": "m", "version": "1", "intended_use": "Tests.",
        "data": {"file": "data.csv", "period_seconds": 600, "time_column": "t"},
        "laboratory": {"file": "lab.csv", "time_column": "t", "column": "y", "delay_seconds": 30},
        "split": {"train": 0.5}, "output": {"analyte": "y", "unit": "1", "valid": [0, 9]},
        "inputs": [{"tag": "a", "unit": "1"}], "candidates": {"kinds": ["ridge"]},
    }  # fmt: skip
    rows = file_rows(Recipe.model_validate(document), folder=tmp_path)
    assert rows.features[:, 0].tolist() == [1, 2]
    assert rows.values.tolist() == [3, 4]
    assert rows.odd["left out: rows without a"] == 1
