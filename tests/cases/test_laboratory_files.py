"""``labline lab import`` and ``labline lims try``: what they say of files, and what they send."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli import app, lab
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.records.laboratory import ResultStatus
from tests.fixtures.building import NOW_NS

CONFIGURATION = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"
[store]
directory = "store"
[mqtt]
host = "127.0.0.1"
port = 1
client_id = "line-1"
[lims]
assume_status = "validated"
"""


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Return a function that imports a file; ``sent`` are the messages that it would have sent."""
    sent = []

    async def send(messages, _settings, _told):
        sent.extend(messages)
        return len(messages)

    monkeypatch.setattr(lab, "_send", send)

    def run(content, *options, lims="", code=0):
        sent.clear()
        file, config = tmp_path / "results.csv", tmp_path / "labline.toml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        config.write_text(CONFIGURATION + lims)
        done = CliRunner().invoke(app, ["lab", "import", str(file), "--config", str(config), "--json", *options])
        if code == 2:
            assert done.exception is not None
            return str(done.exception) + done.output
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    run.sent = sent
    return run


def read(message, *, decimal_comma=False):
    """Return what the gateway reads of a message."""
    return lab_result(
        message,
        LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.VALIDATED, decimal_comma=decimal_comma),
        now_ns=NOW_NS,
    )


def test_laboratory_01_rows_that_cannot_be_read_are_sent_with_only_good_so_that_their_lots_are_for_review(imported):
    text = 'sample_id,test_id,value,lot\nS-1,pH,7.1,L\nS-1,Visc,,L\nS-1,Fe,"1,234",L\n,Zn,3,L\nS-1,pH,9.9,L\n'
    assert imported(text, code=1)["sent"] == 0
    told = imported(text, "--only-good", code=1)
    assert (told["rows"], told["readable"], told["sent"], told["for_review"]) == (5, 1, 5, 4)
    assert [each["line"] for each in told["refused"]] == [3, 4, 5, 6]
    good, *bad = [message for message in imported.sent if b'"sample_id"' in message]
    assert read(good).unread == ()
    assert all(read(message).unread and read(message).lots == ("L",) for message in bad)


@pytest.mark.parametrize("gateway_comma", [True, False])
@pytest.mark.parametrize("option", ["--decimal-comma", "--decimal-point"])
def test_laboratory_16_what_the_import_says_is_readable_the_gateway_reads_alike(imported, gateway_comma, option):
    lims = "decimal_comma = true\n" if gateway_comma else ""
    cells = ("9,8", "<0,05", "1.234,5") if option == "--decimal-comma" else ("9.8", "<0.05", "1,234.5")
    rows = "".join(f"S-{at};pH;{cell};{cells[0]}\n" for at, cell in enumerate(cells))
    told = imported("sample_id;test_id;value;upper\n" + rows.replace(f"{cells[2]};{cells[0]}", f"{cells[2]};"), option,
                    lims=lims)  # fmt: skip
    assert told["readable"] == told["sent"] == 3
    plain, limit, grouped = (read(message, decimal_comma=gateway_comma) for message in imported.sent)
    assert (plain.value, plain.specification.upper) == (9.8, 9.8)
    assert (limit.qualifier, limit.censored_at, grouped.value) == ("<", 0.05, 1234.5)


def test_laboratory_16_the_configurations_decimal_comma_holds_for_files(imported):
    text = "sample_id;test_id;value\nS-1;pH;9,8\n"
    assert imported(text, lims="decimal_comma = true\n")["readable"] == 1
    assert read(imported.sent[0], decimal_comma=True).value == 9.8
    assert imported(text, code=1)["readable"] == 0


@pytest.mark.parametrize("cell", ["0.100", "1.500", "9.8"])
@pytest.mark.parametrize("column", ["value", "upper"])
def test_laboratory_15_a_point_in_a_file_with_decimal_commas_is_no_thousands(imported, cell, column):
    other = "upper" if column == "value" else "value"
    told = imported(f"sample_id;test_id;{column};{other}\nS-1;pH;{cell};0,250\n", "--decimal-comma", "--only-good",
                    code=1)  # fmt: skip
    assert told["readable"] == 0
    (message,) = imported.sent
    result = read(message)
    assert [reason.code for reason in result.unread] == ["NOT_A_NUMBER"]
    assert None in (result.value, result.specification)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('S-1;V;100;"see pipe 5\nS-2;V;120;\nS-3;V;9.9;\n', "line 2"),
        ('S-1;V;100;"see pipe 5\nS-2;V;120;pipe 5"\nS-3;V;9.9;\n', "line 2"),
        ('S-1;V;100;\nS-2;V;120;"a "quoted" word"\n', "line 3"),
        ('S-1;"V;100;x\nS-2;V";120;x\n', "line 2"),
    ],
)
def test_laboratory_17_quotes_that_do_not_balance_are_refused_with_the_line(imported, rows, line):
    told = imported("sample_id;test_id;value;remark\n" + rows, "--only-good", code=2)
    assert line in told
    assert imported.sent == []


def test_laboratory_17_lines_and_rows_are_counted_and_a_quoted_remark_may_have_lines(imported):
    told = imported('sample_id;test_id;value;remark\nS-1;V;100;"two\nlines; ""quoted"""\nS-2;V;120;\n')
    assert (told["lines"], told["rows"], told["readable"]) == (4, 2, 2)


def test_laboratory_17_a_row_that_is_cut_off_is_for_review(imported):
    told = imported("sample_id;test_id;value;lot;unit\nS-1;V;100;L;pH\nS-2;V;12\n", "--only-good", code=1)
    assert (told["readable"], told["refused"][0]["line"]) == (1, 3)
    assert "the row has 3 cells" in told["refused"][0]["why"]
    assert read(imported.sent[1]).unread


def test_laboratory_18_columns_count_however_they_are_spelled_and_unused_ones_are_named(imported):
    text = "Sample ID;Test Name;Result;RESULT_LETTER;Status;Upper;Lot No.;Remark\nS-1;pH;7.1;>;Cancelled;7.5;L;x\n"
    assert imported(text)["unused_columns"] == ["Remark"]
    result = read(imported.sent[0])
    assert (result.qualifier, result.status, result.specification.upper) == (">", ResultStatus.REJECTED, 7.5)
    assert result.lots == ("L",)


def test_laboratory_18_a_column_that_could_speak_against_a_release_is_said_unless_it_is_ignored(imported):
    text = "sample_id;test_id;value;Pass/Fail\nS-1;pH;7.1;fail\n"
    assert "Pass/Fail is fail" in imported(text, code=1)["refused"][0]["why"]
    assert imported(text, "--ignore", "pass/fail")["readable"] == 1
    assert imported(text, lims='ignore = ["Pass/Fail"]\n')["readable"] == 1


@pytest.mark.parametrize(
    ("encoding", "options"),
    [("utf-8-sig", ()), ("utf-16", ()), ("cp1252", ("--encoding", "cp1252")), ("latin-1", ("--encoding", "latin-1"))],
)
def test_laboratory_31_files_are_read_in_their_encoding(imported, encoding, options):
    text = "sep=;\r\nsample_id;test_id;value;lot\r\nS-1;pH;7.1;Lös-1\r\n"
    assert imported(text.encode(encoding), *options)["readable"] == 1
    assert read(imported.sent[0]).lots == ("Lös-1",)


def test_laboratory_31_a_file_of_an_unknown_encoding_says_which_option_to_use(imported):
    told = imported("sample_id;test_id;value\nS-ä;pH;7\n".encode("latin-1"), code=2)
    assert "line 2 is not UTF-8" in told
    assert "--encoding" in told
    assert "no encoding nonsense" in imported("sample_id\nx\n", "--encoding", "nonsense", code=2)


def test_laboratory_31_usual_spellings_of_numbers_are_read_in_files_too(imported):
    told = imported("sample_id;test_id;value\nS-1;pH;.5\nS-2;pH;≤ 5\nS-3;pH;= 5\n")
    assert told["readable"] == 3
    assert [read(message).value for message in imported.sent] == [0.5, None, 5.0]


def test_laboratory_14_a_date_in_a_file_is_no_instant(imported):
    text = "sample_id;test_id;value;sampled_at\nS-1;pH;7;2026-03-02\nS-2;pH;7;20260302\nS-3;pH;7;2026-W10-1\n"
    told = imported(text, "--time-zone", "Europe/Berlin")
    assert told["flags"] == {"DATE_ONLY": 3}
    assert all(read(message).sampled_ns is None for message in imported.sent)


def test_first_plant_14_a_german_time_is_refused_clearly_and_read_with_its_form(imported):
    text = "sample_id;test_id;value;sampled_at\nS-1;pH;7;29.11.2025 15:00\n"
    why = imported(text, "--time-zone", "Europe/Berlin", code=1)["refused"][0]["why"]
    assert "2026-03-02T08:14:07Z" in why
    assert "--time-format" in why
    form = ("--time-format", "%d.%m.%Y %H:%M")
    assert "time zone" in imported(text, *form, code=1)["refused"][0]["why"]
    assert imported(text, *form, "--time-zone", "Europe/Berlin")["readable"] == 1
    assert b'"2025-11-29T15:00:00+01:00"' in imported.sent[0]
    assert imported(text.replace(" 15:00", ""), "--time-format", "%d.%m.%Y")["flags"] == {"DATE_ONLY": 1}


@pytest.mark.parametrize("at", ["2025-10-26 02:30", "2025-03-30 02:30"])
def test_first_plant_14_an_hour_that_comes_twice_or_never_is_not_read(imported, at):
    text = f"sample_id;test_id;value;sampled_at\nS-1;pH;7;{at}\n"
    assert imported(text, "--time-zone", "Europe/Berlin", code=1)["readable"] == 0


def tried(tmp_path, mapping, content, *options):
    file = tmp_path / "messages.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return CliRunner().invoke(app, ["lims", "try", mapping, str(file), *options])


def test_first_plant_06_lims_try_names_the_fields_that_nothing_reads(tmp_path):
    message = {"sample_id": "S-1", "test_name": "pH", "result": 7.1, "product_code": "FG-100", "colour": "blue"}
    done = tried(tmp_path, "canonical", message, "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert (result["material_definition_id"], result["unused"]) == ("FG-100", ["colour"])
    assert done.exit_code == 0
    assert "fields that are not read: colour" in tried(tmp_path, "canonical", message).output


def test_laboratory_01_lims_try_shows_what_is_read_and_what_is_not(tmp_path):
    message = {"sample_id": "S-1", "test_name": "pH", "result": "1,234", "material_lot": "L-1, L-2"}
    done = tried(tmp_path, "canonical", message, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["refused"]) == (1, 1)
    assert (told["results"][0]["unread"], told["results"][0]["other_lots"]) == (["NOT_A_NUMBER"], ["L-2"])
    assert "not understood, for review: result is '1,234'" in tried(tmp_path, "canonical", message).output


def test_laboratory_29_lims_try_shows_that_a_list_is_not_whole(tmp_path):
    page = {"count": 250, "page": 1, "pages": 10, "items": [{"uid": "a", "review_state": "verified", "Keyword": "PH",
                                                             "Result": "7.1", "getRequestID": "W-1"}]}  # fmt: skip
    assert "PARTIAL_LISTING" in tried(tmp_path, "senaite", page).output


def test_connections_21_lims_try_reads_a_byte_order_mark_and_numbers_without_a_zero(tmp_path):
    content = b'\xef\xbb\xbf{"sample_id": "S-1",\n "test_name": "pH",\n "result": .5}'
    assert json.loads(tried(tmp_path, "canonical", content, "--json").stdout)["results"][0]["value"] == 0.5


def test_laboratory_14_midnight_in_a_file_is_how_a_spreadsheet_writes_a_date(imported):
    text = "sample_id;test_id;value;sampled_at\nS-1;pH;7;2026-03-02 00:00:00\nS-2;pH;7;2026-03-02 00:01\n"
    assert imported(text, "--time-zone", "Europe/Berlin")["flags"] == {"DATE_ONLY": 1}


def test_a_column_that_is_named_to_be_no_field_is_refused(imported):
    assert "a result has no such field" in imported("a\nx\n", "--column", "nonsense=a", code=2)
