"""The Debian package, really installed by dpkg, on a root of the test's own: the whole life of an installation."""

import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
from contextlib import contextmanager
from itertools import pairwise

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from deploy.packaging.build import debian_version, maintainer
from deploy.packaging.wheels import PackagingError
from simulator.broker import free_port
from tests.fixtures.machine import machine
from tests.fixtures.packages import NEWER
from tests.fixtures.real_parts import missing
from tests.fixtures.secured_broker import running_mosquitto

ROOT_TOPIC = "acme/lyon/polymers/line-1/quality"
CONFIGURATION = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "/var/lib/labline/line-1"

[mqtt]
host = "127.0.0.1"
port = {port}
tls = false
client_id = "labline-line-1"

[lims.analytes]
"pH" = "ph"

[[specification]]
product = "FG-200"
analyte = "ph"
lower = 6.5
upper = 7.5
unit = ""
version = "1"
"""
STORE, EXAMPLE = "/var/lib/labline/line-1/state.db", "/etc/labline/example.toml"
INSTALLED = (
    EXAMPLE, "/usr/lib/systemd/system/labline@.service", "/usr/share/man/man1/labline.1.gz",
    "/usr/share/bash-completion/completions/labline", "/usr/share/doc/labline/labline.cdx.json",
    "/usr/share/doc/labline/html/index.html",
)  # fmt: skip
PATIENCE_SECONDS = 90


@contextmanager
def dispositions(port):
    """Yield what sends a result and returns the disposition that follows."""
    arrived = queue.Queue()
    client = Client(CallbackAPIVersion.VERSION2, client_id="observer")
    client.on_connect = lambda own, *_arguments: own.subscribe(f"{ROOT_TOPIC}/disposition/#", qos=1)
    client.on_subscribe = lambda *_arguments: arrived.put(None)
    client.on_message = lambda _client, _data, message: arrived.put(json.loads(message.payload or "null"))
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert arrived.get(timeout=PATIENCE_SECONDS) is None

    def judged(sample):
        result = {"sample_id": sample, "test_id": "pH", "value": 7.0, "material_lot_id": f"LOT-{sample}",
                  "status": "approved", "result_version": 1}  # fmt: skip
        client.publish("lims/results/qc", json.dumps(result), qos=1).wait_for_publish(PATIENCE_SECONDS)
        while True:
            disposition = arrived.get(timeout=PATIENCE_SECONDS)
            if disposition and disposition["material_lot_id"] == f"LOT-{sample}":
                return disposition

    try:
        yield judged
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def plant(tmp_path, release):
    if shutil.which("dpkg") is None or os.geteuid() != 0:
        missing("dpkg, or the rights of root")
    port = free_port()
    with (
        running_mosquitto(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true\n", port),
        machine(tmp_path / "machine", seen=release.folder) as own,
    ):
        own.port = port
        yield own


def test_a_version_before_a_release_comes_before_it_for_dpkg_too():
    order = [debian_version(version) for version in ("0.2.0.dev1", "0.2.0rc1", "0.2.0", "0.2.1")]
    for earlier, later in pairwise(order):
        subprocess.run(["dpkg", "--compare-versions", earlier, "lt", later], check=True)


def test_whoever_builds_the_package_is_named_in_it(release):
    assert maintainer({}) == '"Labline <nobody@labline.invalid>"'
    assert (
        maintainer({"DEBFULLNAME": "Acme \u00e4 IT", "DEBEMAIL": "it@acme.example"})
        == '"Acme \u00e4 IT <it@acme.example>"'
    )
    for wrong in ("it", "it@acme.example\nDepends: x", "a@b>"):
        with pytest.raises(PackagingError):
            maintainer({"DEBEMAIL": wrong})
    told = subprocess.run(
        ["dpkg-deb", "--field", release.package, "Maintainer"], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == json.loads(maintainer(os.environ))


def version(plant):
    return plant.works("/usr/bin/labline", "--version").split()[1]


def test_a_package_is_installed_runs_is_upgraded_goes_back_and_leaves(release, plant):
    installed(plant, release)
    with plant.gateway("line-1") as process, dispositions(plant.port) as judged:
        assert judged("S-1")["recommendation"] == "review"
        an_upgrade_that_fails_leaves_the_version_in_use(plant, release)
        upgraded(plant)
        assert process.poll() is None  # it is systemd that restarts it
    assert process.returncode == 0
    with plant.gateway("line-1"), dispositions(plant.port) as judged:
        assert judged("S-2")["recommendation"] == "review"
    goes_back(plant, release)
    another_python_is_said_in_one_sentence(plant)
    leaves(plant, release)


def installed(plant, release):
    plant.works("dpkg", "-i", release.package)
    assert version(plant) == release.version
    assert plant.path("/etc/labline/credentials").stat().st_mode & 0o777 == 0o700
    for file in INSTALLED:
        assert plant.path(file).stat().st_size > 0
    plant.path("/etc/labline/line-1.toml").write_text(CONFIGURATION.format(port=plant.port))
    plant.works("labline", "check", "--config", "/etc/labline/line-1.toml")
    plant.path("/var/lib/labline/line-1").mkdir(parents=True, mode=0o700)
    with plant.path(EXAMPLE).open("a") as example:
        example.write("# ours\n")
    plant.asked_of_systemd()


def an_upgrade_that_fails_leaves_the_version_in_use(plant, release):
    where = plant.works("/opt/labline/current/bin/python3", "-c", "import ensurepip; print(ensurepip.__file__)").strip()
    ensurepip = plant.path(where)
    ensurepip.rename(ensurepip.with_name("away"))
    failed = plant.run("dpkg", "-i", release.newer_package)
    ensurepip.with_name("away").rename(ensurepip)
    assert failed.returncode != 0
    assert "the version before stays in use" in failed.stderr
    assert version(plant) == release.version
    assert not [line for line in plant.asked_of_systemd() if line.startswith(("restart", "stop"))]


def upgraded(plant):
    before = plant.path("/etc/labline/line-1.toml").read_bytes()
    plant.works("dpkg", "--configure", "labline")
    assert version(plant) == NEWER
    asked = plant.asked_of_systemd()
    assert "restart labline@line-1.service" in asked
    assert not any("restart labline@bench" in line or line.startswith("start") for line in asked)
    assert plant.path("/etc/labline/line-1.toml").read_bytes() == before
    assert plant.path(EXAMPLE).read_text().endswith("# ours\n")


def goes_back(plant, release):
    plant.works("dpkg", "-i", release.package)
    assert version(plant) == release.version
    assert "restart labline@line-1.service" in plant.asked_of_systemd()
    for sample in ("S-1", "S-2"):  # what both versions have recorded
        lot = plant.run("labline", "lot", f"LOT-{sample}", "--config", "/etc/labline/line-1.toml", "--json")
        assert json.loads(lot.stdout)["recommendation"] == "review"
    set_schema(plant, +1)  # as a newer version would have left it
    before = plant.path(STORE).read_bytes()
    refused = plant.run("labline", "run", "--config", "/etc/labline/line-1.toml")
    assert refused.returncode == 2
    assert "it was written by a newer version" in refused.stderr.replace("\n", " ")
    assert plant.path(STORE).read_bytes() == before
    set_schema(plant, -1)


def set_schema(plant, step):
    script = (
        f"import sqlite3; c = sqlite3.connect({STORE!r}); (v,) = c.execute('PRAGMA user_version').fetchone(); "
        f"c.execute(f'PRAGMA user_version = {{v + {step}}}'); c.close()"
    )
    plant.works("python3", "-c", script)


def another_python_is_said_in_one_sentence(plant):
    """The system's Python has changed, and there are no wheels for it: the upgrade of the system goes on."""
    plant.path("/opt/labline/current/python-minor").write_text("3.99\n")
    pythons = plant.path("/usr/share/labline/wheels/pythons")
    fitting = pythons.read_text()
    pythons.write_text("3.99 none\n")
    plant.works("dpkg-trigger", "--by-package=labline", "/usr/bin/python3")
    said = plant.works("dpkg", "--triggers-only", "labline")
    assert "install the package of Labline for this Python" in said.replace("\n", " ")
    started = plant.run("labline", "run", "--config", "/etc/labline/line-1.toml")
    assert started.returncode == 78
    assert len(re.findall(r"^labline: ", started.stderr, re.MULTILINE)) == 1
    pythons.write_text(fitting)


def leaves(plant, release):
    configuration = plant.path("/etc/labline/line-1.toml").read_bytes()
    store = hashlib.sha256(plant.path(STORE).read_bytes()).digest()
    plant.asked_of_systemd()
    plant.works("dpkg", "--remove", "labline")
    assert "stop labline@*.service" in plant.asked_of_systemd()
    assert not plant.path("/opt/labline").exists()
    assert not plant.path("/usr/bin/labline").exists()
    assert plant.path("/etc/labline/line-1.toml").read_bytes() == configuration
    assert "stay in /var/lib/labline" in plant.works("dpkg", "--purge", "labline")
    assert not plant.path("/etc/labline").exists()
    assert hashlib.sha256(plant.path(STORE).read_bytes()).digest() == store
    script = subprocess.run(
        ["dpkg-deb", "--info", release.package, "postrm"], check=True, capture_output=True, text=True
    )
    plant.works("sh", "-c", script.stdout, "postrm", "purge", PURGE_LABLINE_STORE="yes")
    assert not plant.path("/var/lib/labline").exists()
