"""The log in systemd's journal: fields by name, one datagram a line, and a message id that stays."""

import re
import socket
import struct
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from gateway.operations.journal import Journal, datagram, goes_to_journal, message_id
from tests.fixtures.real_parts import REPOSITORY


def fields_of(sent):
    """Read a datagram as the journal does."""
    fields, rest = {}, sent
    while rest:
        head, _, rest = rest.partition(b"\n")
        if b"=" in head:
            name, _, value = head.partition(b"=")
        else:
            (length,) = struct.unpack("<Q", rest[:8])
            name, value, rest = head, rest[8 : 8 + length], rest[8 + length + 1 :]
        fields[name.decode()] = value.decode()
    return fields


def test_a_line_is_one_datagram_with_its_fields_a_priority_and_the_id_of_its_kind(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        with closing(Journal(tmp_path / "socket")) as ours:
            ours.write({"event": "hold", "level": "warning", "lot": "LOT-1\nMESSAGE=forged", "codes": ["A", "B"],
                        "analyte": None})  # fmt: skip
        fields = fields_of(journal.recv(65536))
    assert fields["LABLINE_LOT"] == "LOT-1\nMESSAGE=forged"
    assert fields["MESSAGE"].startswith("hold lot=LOT-1")
    assert fields["PRIORITY"] == "4"
    assert fields["LABLINE_CODES"] == '["A", "B"]'
    assert fields["MESSAGE_ID"] == message_id("hold")
    assert fields["SYSLOG_IDENTIFIER"] == "labline"


@given(line=st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.none()), max_size=5))
def test_whatever_is_in_a_line_it_forges_no_field(line):
    fields = fields_of(datagram({**line, "event": "hold"}))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in fields)
    assert fields["MESSAGE_ID"] == message_id("hold")


def test_a_journal_that_is_away_loses_no_line(tmp_path, capsys):
    with closing(Journal(tmp_path / "nothing")) as ours:
        ours.write({"event": "hold", "lot": "LOT-1"})
    assert "LOT-1" in capsys.readouterr().err


def test_only_standard_error_of_the_journal_goes_there():
    assert not goes_to_journal({})
    assert not goes_to_journal({"JOURNAL_STREAM": "1:1"})


def test_the_page_names_the_ids_as_they_are():
    page = (REPOSITORY / "docs" / "monitoring.md").read_text()
    named = re.findall(r"^\| ([a-z][^|]*) \| `([0-9a-f]{32})` \|$", page, re.MULTILINE)
    assert len(named) > 5
    assert all(message_id(kind) == identity for kind, identity in named)
