"""Started by systemd, ``labline run`` ends with 78 where only a person can help, and is not started again and again."""

import os

import pytest

from gateway import cli
from gateway.cli.run import EX_CONFIG
from tests.fixtures.real_parts import REPOSITORY

BARE = """[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "{store}"

[mqtt]
host = "127.0.0.1"
port = 9
tls = false
client_id = "labline"
"""


@pytest.fixture
def exit_code(tmp_path, monkeypatch):
    def run(command, text):
        file = tmp_path / "labline.toml"
        if text is not None:
            file.write_text(text.format(store=tmp_path / "store"))
        monkeypatch.setattr("sys.argv", ["labline", command, "--config", str(file)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code

    return run


@pytest.mark.parametrize("text", [
    None,  # no file
    "site = [",
    BARE + "nonsense = 1\n",
    BARE + '[[model]]\nbundle = "models/none"\nequipment = "R1"\n',
    BARE + 'username = "labline"\n',  # its credential is missing, which is met as the parts are built
    BARE + '[sinks.mes]\nurl = "https://mes.example.com"\nmessages = ["hold"]\nuser = "labline"\n',
], ids=["no file", "no TOML", "an unknown key", "no bundle", "no credential", "no credential of a sink"])  # fmt: skip
def test_a_wrong_configuration_ends_with_the_code_after_which_systemd_does_not_try_again(exit_code, monkeypatch, text):
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    assert exit_code("run", text) == EX_CONFIG


@pytest.mark.parametrize("of_systemd", [None, "1"])
@pytest.mark.parametrize("command", ["run", "check"])
def test_what_a_person_starts_ends_with_2(exit_code, monkeypatch, command, of_systemd):
    monkeypatch.delenv("SYSTEMD_EXEC_PID", raising=False)
    if of_systemd is not None:  # of the session's manager, as a terminal inherits it
        monkeypatch.setenv("SYSTEMD_EXEC_PID", of_systemd)
    assert exit_code(command, "site = [") == 2


def test_the_unit_does_not_start_again_after_this_code_and_after_any_other_it_does():
    unit = (REPOSITORY / "deploy" / "labline@.service").read_text().splitlines()
    assert f"RestartPreventExitStatus={EX_CONFIG}" in unit
    assert "Restart=always" in unit
