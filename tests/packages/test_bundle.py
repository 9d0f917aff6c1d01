"""The offline bundle: signed, complete, installed without a network, refused where it is damaged."""

import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from deploy.packaging.signing import release_key
from deploy.packaging.wheels import RUN_LOCK, PackagingError, sha256
from tests.fixtures.packages import SYSTEM_PATH
from tests.fixtures.real_parts import missing

REFUSED, NO_PYTHON = 1, 78


def run(*command, **variables):
    quick = {"PATH": SYSTEM_PATH, "PIP_NO_COMPILE": "1", **variables}
    return subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True, env=quick)


@pytest.fixture(scope="module")
def bundle(release, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    with tarfile.open(release.bundle) as archive:
        archive.extractall(folder)  # noqa: S202 - our own; "filter" came with a later 3.11
    (unpacked,) = folder.iterdir()
    return unpacked


def test_every_file_of_a_release_is_signed_as_minisign_wants_it(release, tmp_path):
    if shutil.which("minisign") is None:
        missing("minisign")
    for file in (release.wheel, release.package, release.bundle, release.bill):
        verified = run("minisign", "-Vm", file, "-p", release.folder / "minisign.pub")
        assert verified.returncode == 0, verified.stderr
    changed = tmp_path / release.bill.name
    changed.write_text(release.bill.read_text() + " ")
    shutil.copy(f"{release.bill}.minisig", tmp_path)
    assert run("minisign", "-Vm", changed, "-p", release.folder / "minisign.pub").returncode != 0


def test_a_key_of_another_kind_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(PackagingError, match="openssl genpkey -algorithm ed25519"):
        release_key(tmp_path / "key.pem")


def test_the_bill_of_materials_lists_the_lock_with_the_hashes_of_the_wheels_and_a_licence_for_each(release, bundle):
    bill = json.loads(release.bill.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == release.version
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", RUN_LOCK.read_text(), re.MULTILINE))
    assert {component["name"]: component["version"] for component in bill["components"]} == locked
    assert all(component["licenses"] for component in bill["components"])
    listed = {digest["content"] for part in [bill["metadata"]["component"], *bill["components"]]
              for digest in part["hashes"]}  # fmt: skip
    assert listed == {sha256(wheel) for wheel in (bundle / "wheels").glob("*.whl")}
    assert "://" not in json.dumps(bill["components"])


def test_the_bundle_installs_without_a_network_starts_and_is_made_anew_for_another_python(bundle, tmp_path):
    prefix = tmp_path / "labline"
    installed = run("unshare", "-n", "sh", bundle / "install.sh", "--prefix", prefix)
    assert installed.returncode == 0, installed.stderr
    labline = prefix / "bin" / "labline"
    assert run(labline, "--version").stdout.startswith("labline ")
    assert (prefix / "share" / "labline@.service").exists()

    # the system's Python is another one now, and there are no wheels for it: one sentence, no environment lost
    (prefix / "current" / "python-minor").write_text("3.99\n")
    fitting = (prefix / "wheels" / "pythons").read_text()
    (prefix / "wheels" / "pythons").write_text("3.99 none\n")
    refused = run(labline, "--version")
    assert refused.returncode == NO_PYTHON
    assert "was made for Python 3.99" in refused.stderr
    assert "labline-rebuild" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (prefix / "current").readlink().name == "env-1"

    # with wheels for it the environment is made anew, beside the one before
    (prefix / "wheels" / "pythons").write_text(fitting)
    started = run(labline, "--version")
    assert started.stdout.startswith("labline "), started.stderr
    assert (prefix / "current").readlink().name == "env-2"


@pytest.mark.parametrize("damage", ["wheels/install.lock", "bin/labline-rebuild"])
def test_a_damaged_bundle_changes_nothing(bundle, tmp_path, damage):
    copy = shutil.copytree(bundle, tmp_path / "bundle", copy_function=os.link)
    content = (copy / damage).read_bytes()
    (copy / damage).unlink()
    (copy / damage).write_bytes(content + b"#")
    refused = run("sh", copy / "install.sh", "--prefix", tmp_path / "labline")
    assert refused.returncode == REFUSED
    assert "the bundle is damaged" in refused.stderr
    assert not (tmp_path / "labline").exists()


def test_a_virtual_environment_of_somebody_else_is_left_alone(bundle, tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    refused = run("sh", bundle / "install.sh", "--prefix", tmp_path)
    assert refused.returncode == REFUSED
    assert [path.name for path in tmp_path.iterdir()] == ["pyvenv.cfg"]
