"""What a plant's person stumbled over who had nothing but README.md and docs/: each command says what to do next."""

import asyncio
import io
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from asyncua import ua

from gateway.cli import check, lab, opcua
from gateway.cli import output as presentation
from gateway.cli.broker_probes import REFUSED, Finding
from gateway.cli.check import _show_findings
from gateway.cli.opcua import _show_toml
from gateway.cli.output import SafeConsole
from gateway.config.tables import TagTable
from gateway.errors import SourceUnavailableError
from gateway.store.database import read_state
from gateway.store.statements import SQL
from gateway.transport.opcua_browse import BrowsedNode
from gateway.transport.opcua_client import make_client
from gateway.transport.opcua_failures import cause_of
from tests.cases.test_first_plant_lot import Plant, unread
from tests.fixtures.commands import labline

CONFIGURATION = """
[site]
enterprise = "acme"
site = "ulm"
area = "mixing"
line = "mix-1"
[store]
directory = "store"
[mqtt]
host = "127.0.0.1"
port = 1
tls = false
client_id = "mix-1"
[lims]
topic = "lims/results/#"
assume_status = "validated"
"""


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """A folder with a configuration, which is the working directory."""
    (tmp_path / "mix.toml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- help


@pytest.mark.parametrize("group", [(), ("audit",), ("buffer",), ("model",), ("lims",)])
def test_first_plant_07_the_list_of_commands_has_whole_sentences(group):
    assert "..." not in labline(*group, "--help").output.partition("Commands:")[2]


# --- browsing for tags


def _node(data_type, value="1.0"):
    return BrowsedNode(path="/Mixer/TI-01", node="nsu=urn:m;s=TI", data_type=data_type, value=value, writable=False)


@pytest.mark.parametrize(
    ("data_type", "active", "index"),
    [("Double", True, False), ("Int64", True, False), ("Boolean", True, False), ("Float[3]", True, True),
     ("String", False, False), ("DateTime", False, False), ("String[2]", False, True), ("-", False, False)],
)  # fmt: skip
def test_what_browse_gives_to_paste_can_be_a_tag_or_is_commented_out(capsys, data_type, active, index):
    _show_toml([_node(data_type)], source="plc")
    printed = capsys.readouterr().out
    tables = tomllib.loads(printed).get("tags", {})
    assert bool(tables) is active
    assert ("index = 0" in printed) is index
    for table in tables.values():
        TagTable.model_validate(table)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:4840", "opc.https://plc:4840"])
def test_first_plant_08_what_is_no_address_of_an_opc_ua_server_is_called_so(url):
    with pytest.raises(SourceUnavailableError, match=r"is no address: it begins with opc\.tcp://"):
        make_client(url, request_timeout_seconds=1.0, application_uri="urn:x")


@pytest.mark.parametrize("security", ["Basic256Sha256", "Aes128Sha256/Sign", "Basic256Sha256/Encrypt", "/Sign", ""])
def test_first_plant_08_an_unknown_security_names_the_policies_and_modes(security):
    ended = labline("opcua", "browse", "opc.tcp://127.0.0.1:1", "--security", security)
    assert ended.code == 2
    assert "Aes128Sha256RsaOaep" in ended.error
    assert "Sign, SignAndEncrypt" in ended.error


@pytest.mark.parametrize("missing", ["--certificate", "--key", "--server-certificate"])
def test_first_plant_02_a_certificate_or_key_that_is_not_there_is_called_so(tmp_path, missing):
    files = {option: tmp_path / option[2:] for option in ("--certificate", "--key", "--server-certificate")}
    for option, file in files.items():
        if option != missing:
            file.touch()
    options = [part for option in files.items() for part in option]
    ended = labline("opcua", "browse", "opc.tcp://127.0.0.1:1", "--security", "Basic256Sha256/Sign", *options)
    assert (ended.code, ended.error.startswith(f"{missing} {files[missing]} is not there")) == (2, True)


def test_first_plant_02_a_server_that_wants_security_is_not_said_to_be_down():
    what, hint = cause_of(ua.UaError("No matching endpoints: 1, http://opcfoundation.org/UA/SecurityPolicy#None"))
    assert what == "offers no connection without security"
    assert "labline opcua server-certificate" in hint


def test_first_plant_08_without_a_configuration_a_refused_password_names_the_option(monkeypatch):
    async def refused(server, **_options):
        await asyncio.sleep(0)
        what, hint = cause_of(ua.UaStatusCodeError(ua.StatusCodes.BadUserAccessDenied))
        raise SourceUnavailableError(f"{server.url} {what}", hint=hint.replace("<name>", server.name))

    monkeypatch.setattr(opcua, "browse_server", refused)
    ended = labline("opcua", "browse", "opc.tcp://plc", "--username", "op", "--password", "x")
    assert "is --password or LABLINE_OPCUA_PASSWORD right?" in ended.error


# --- check --connect


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("file", [io.StringIO, _Terminal])
def test_first_plant_03_07_findings_are_one_line_each_and_say_where_the_rights_are_listed(monkeypatch, file):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    console = SafeConsole()
    console.file = file()
    monkeypatch.setattr(presentation, "out", console)
    monkeypatch.setattr(check, "out", console)
    topic = "publish acme/ulm/mixing/mix-1/quality/board"
    _show_findings([Finding(subject=topic, ok=True, found="allowed"),
                    Finding(subject="publish acme/x", ok=False, found=f"{REFUSED} (reason code 0x87)")])  # fmt: skip
    lines = console.file.getvalue().splitlines()
    assert lines[1] == f"ok      {topic}: allowed"
    assert lines[2].startswith("FAILED  publish acme/x: refused by the broker")
    assert "docs/operations.md" in "".join(lines[3:])
    assert all(len(line) <= 80 for line in lines) or file is io.StringIO


# --- check


@pytest.mark.parametrize(("assumed", "warned"), [("validated", True), ("entered", True), ("approved", False)])
def test_a_lot_that_would_wait_for_ever_for_an_approved_result_is_warned_of(plant, assumed, warned):
    specification = '[[specification]]\nproduct = "P"\nanalyte = "ph"\nlower = 6.5\nrequired = true\n'
    text = CONFIGURATION.replace('"validated"', f'"{assumed}"') + specification
    Path("mix.toml").write_text(text, encoding="utf-8")
    ended = labline("check", "--config", "mix.toml")
    assert ended.code == 0
    assert ("lots stay pending" in ended.output) is warned


# --- files of the laboratory


ROWS = "sample_id;test_id;value;unit;lot\nS-1;pH;7.1;pH;L-1\nS-2;pH;7.2;pH;L-2\n"


def _broker_takes(monkeypatch, how_many):
    async def send(_messages, _settings, _told):
        await asyncio.sleep(0)
        return how_many

    monkeypatch.setattr(lab, "_send", send)


def test_first_plant_03_an_import_that_the_broker_refuses_names_the_right_that_is_missing(plant, monkeypatch):
    _broker_takes(monkeypatch, 0)
    Path("rows.csv").write_text(ROWS + "S-3;pH;high;pH;L-3\n", encoding="utf-8")
    ended = labline("lab", "import", "rows.csv", "--config", "mix.toml", "--only-good")
    assert ended.code == 1
    assert "refused 3 of the messages" in ended.output
    assert "the right to write to lims/results/import" in ended.output
    assert "with --only-good" not in ended.output


def test_an_import_that_sends_nothing_for_a_row_says_so_and_a_trial_does_not(plant, monkeypatch):
    _broker_takes(monkeypatch, 2)
    Path("rows.csv").write_text(ROWS + ";pH;7;pH;L-3\n", encoding="utf-8")
    told = [labline("lab", "import", "rows.csv", "--config", "mix.toml", *more).output for more in ((), ("--dry-run",))]
    assert ["nothing was sent" in each for each in told] == [True, False]
    assert all("1 row cannot be read" in each for each in told)


def test_first_plant_14_a_time_that_cannot_be_read_is_repeated(plant):
    Path("rows.csv").write_text(
        ROWS.replace(";lot", ";sampled_at").replace("L-1", "31.02.2026 15:00"), encoding="utf-8"
    )
    assert "31.02.2026 15:00" in labline("lab", "import", "rows.csv", "--config", "mix.toml", "--dry-run").output


def test_an_empty_file_is_called_empty(plant):
    Path("rows.csv").write_text("", encoding="utf-8")
    ended = labline("lab", "import", "rows.csv", "--config", "mix.toml")
    assert (ended.code, "is empty" in ended.error) == (2, True)


def test_lims_try_sends_a_table_to_the_import(plant):
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    assert "labline lab import rows.csv" in labline("lims", "try", "canonical", "rows.csv").error


# --- what a person does about a parked message, a lot's deviation, a point


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of a plant with lots on hold and for review, and two messages that the broker has refused."""
    folder = tmp_path_factory.mktemp("recorded")
    with closing(Plant(folder)) as bench:
        bench.result("pH", 9.8, "LOT 1", sample_id="S-1")
        unread(bench, "LOT 1", "S-2")
        bench.wait()
        for seq in (1, 2):
            bench.connection.execute(SQL["park"], {"seq": seq, "reason": "refused by the broker"})
    return folder


def _asked(folder, *arguments):
    return labline(*arguments, "--config", folder / "labline.toml")


def test_first_plant_03_all_that_was_parked_for_want_of_a_right_is_sent_again_by_one_command(recorded):
    assert _asked(recorded, "buffer", "retry").code == 2
    ids = [each["message_id"] for each in _asked(recorded, "buffer", "parked", "--json").document["parked"]]
    assert _asked(recorded, "buffer", "retry", ids[0], "nothing").code == 2  # all or none
    told = _asked(recorded, "buffer", "retry", "--parked").lines
    assert told == [f"{each} will be sent again" for each in reversed(ids)]
    assert _asked(recorded, "buffer", "parked", "--json").document["parked"] == []
    assert _asked(recorded, "buffer", "retry", "--parked").output == "no message is parked\n"
    with closing(read_state(recorded / "store")) as connection:
        who = connection.execute(
            "SELECT count(*) FROM audit WHERE kind = 'message_unparked' AND body LIKE '%\"Q. Head\"%'"
        )
        assert who.fetchone()[0] == len(ids)


def test_a_deviation_is_shown_by_its_lot(recorded):
    assert "# Deviation (draft): pH 9.8" in _asked(recorded, "deviation", "show", " LOT 1").output
    assert "labline deviation list" in _asked(recorded, "deviation", "show", "LOT").error


def test_first_plant_07_how_to_settle_a_point_is_said_with_the_lot_as_a_shell_takes_it(recorded):
    assert "labline lot 'LOT 1' --settle POINT" in _asked(recorded, "lot", "LOT 1").output


def test_first_plant_06_a_lot_without_a_specification_says_to_check_the_names(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        bench.result("Colour", 1.0, "L-9", sample_id="S-9", product="FG 100")
        assert "check the names of product and test" in bench.lot("L-9").output
