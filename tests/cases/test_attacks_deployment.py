"""How a line is installed: the service's sandbox, a lock without the demo's broker, the notices of what it brings."""

import re
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_UNIT = (_ROOT / "deploy" / "labline@.service").read_text(encoding="utf-8")


def pinned(name):
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (_ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    "setting", ["UMask=0077", "MemoryDenyWriteExecute=yes", "PrivateUsers=yes", "PrivateMounts=yes"]
)
def test_attacks_23_the_unit_has_the_settings_that_were_seen_to_work(setting):
    assert setting in _UNIT.splitlines()


def test_attacks_23_the_unit_leaves_out_what_breaks_the_start():
    assert not any(line.startswith("ProcSubset") for line in _UNIT.splitlines())


def test_attacks_23_the_production_lock_is_the_demos_without_its_broker_and_has_every_dependency():
    run, demo = pinned("run.lock"), pinned("demo.lock")
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.match(r"[\w.-]+", each)[0].lower() for each in project["dependencies"]}
    assert needed <= run.keys()
    assert "amqtt" not in run
    assert run.items() < demo.items()
    text = (_ROOT / "requirements" / "run.lock").read_text("utf-8")
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(run)


def test_attacks_23_the_notices_name_every_package_of_the_lock_with_its_licence():
    text = (_ROOT / "THIRD_PARTY_NOTICES.md").read_text("utf-8").partition("\nLabline ships a copy")[0]
    rows = {tuple(cell.strip() for cell in line.split("|")[1:4]) for line in text.splitlines() if line.startswith("| ")}
    named = {(name, version) for name, version, licence in rows if licence}
    assert named - {("package", "version")} == set(pinned("run.lock").items())
