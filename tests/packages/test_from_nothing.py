"""A plant brought up from nothing by the documents' own commands, each part in a network namespace of its own.

An OPC UA server that others wrote (node-opcua), the broker of ``deploy/mosquitto/plant.conf``, a laboratory, and the
gateway from its Debian package, under the limits of its unit. Then a wire is pulled.
"""

import csv
import json
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.fixtures import talker
from tests.fixtures.documents import blocks
from tests.fixtures.machine import machine
from tests.fixtures.networks import network
from tests.fixtures.node import running_node
from tests.fixtures.real_parts import REPOSITORY, missing
from tests.fixtures.secured_broker import certificate_pair, running_mosquitto

PLC, BROKER, LABORATORY, OFFICE, GATEWAY = "10.0.0.5", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9"
QUALITY = "acme/lyon/polymers/line-1/quality"
CONFIGURATION, SECRETS = "/etc/labline/line-1.toml", "/etc/labline/credentials/line-1"
PASSWORD = "the-password-of-labline"  # as it stands in the document
PATIENCE_SECONDS, CUT_SECONDS, HISTORY_MINUTES = 240.0, 12.0, 30
VARIABLES = [
    {"folder": "R1", "name": name, "value": value, "swing": swing, "unit": unit, "range": limits}
    for name, value, swing, unit, limits in (
        ("Reactor temperature", 78.0, 0.3, ("CEL", "°C"), (60, 95)),
        ("Reactor temperature setpoint", 78.0, 0.0, ("CEL", "°C"), (70, 85)),
        ("Feed purity", 96.0, 0.2, ("P1", "%"), (0, 100)),
        ("Initiator flow", 60.0, 0.2, ("40", "mL/s"), (0, 100)),
    )
]
TABLES = """
[[specification]]
product = "FG-100"
analyte = "ph"
lower = 6.5
upper = 7.5
unit = "pH"
version = "1"

[[model]]
bundle = "/etc/labline/models/viscosity/1.0.0"
equipment = "R1"
every = "1s"
stage = "advise"
expires_after = "10m"
"""


class Talker:
    """A client of the broker in a host of its own; ``came``: all that has come."""

    def __init__(self, process):
        self._process, self.came = process, []
        self._arrived = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        assert self._arrived.get(timeout=PATIENCE_SECONDS) is None

    def _read(self):
        for line in self._process.stdout:
            document = json.loads(line)
            if document is not None:
                self.came.append(document)
            self._arrived.put(document)

    def publish(self, topic, document):
        self._process.stdin.write(json.dumps([topic, document]) + "\n")
        self._process.stdin.flush()

    def until(self, condition):
        """Wait until some message (topic, document) fulfils a condition; return its document."""
        until, at = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < until:
            for topic, document in self.came[at:]:
                if document is not None and condition(topic, document):
                    return document
            at = len(self.came)
            while len(self.came) == at and time.monotonic() < until:
                time.sleep(0.05)
        kinds = sorted({topic.removeprefix(QUALITY) for topic, _document in self.came})
        raise AssertionError(f"it did not come in {PATIENCE_SECONDS:g} s; these did: {kinds}")


@contextmanager
def talking(plant, host, user, *topics):
    command = [*plant.network.on(host), sys.executable, talker.__file__, BROKER, str(plant.certificates), user, *topics]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Talker(process)
        finally:
            process.kill()


class Plant:
    """The parts that stand before a gateway is installed."""

    def __init__(self, folder, wires):
        self.network, self.folder = wires, folder
        self.certificates, self.plc = folder / "certificates", folder / "plc"
        self.certificates.mkdir()
        authority = certificate_pair(self.certificates, "ca")
        certificate_pair(self.certificates, "broker", issuer=authority, host="broker.local", address=BROKER)
        for user in ("labline-line-1", "lims", "dashboard"):
            certificate_pair(self.certificates, user, issuer=authority)

    def broker(self):
        folder = self.folder / "broker"
        folder.mkdir()
        for name in ("ca.pem", "broker.pem", "broker.key"):
            shutil.copy(self.certificates / name, folder)
        shutil.copy(REPOSITORY / "deploy" / "mosquitto" / "rules.acl", folder)
        (folder / "rules.acl").chmod(0o600)
        text = (REPOSITORY / "deploy" / "mosquitto" / "plant.conf").read_text()
        text = text.replace("/etc/mosquitto/labline", str(folder)).replace("/var/lib/mosquitto/", f"{folder}/")
        return running_mosquitto(folder, text, under=self.network.on("broker"))

    def server(self):
        """Run the OPC UA server; it makes its certificate where it has none."""
        given = {"host": PLC, "port": 4840, "folder": str(self.plc), "users": {"labline": PASSWORD},
                 "variables": VARIABLES, "history_minutes": HISTORY_MINUTES}  # fmt: skip
        return running_node("opcua_server.js", json.dumps(given), under=self.network.on("plc"),
                            log=self.folder / "plc.log")  # fmt: skip


def trust_rejected(server, of):
    """Have the server trust whom it has rejected, as its administrator does; return how many."""
    server.stdin.write(f"{of}\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with network(plc=PLC, broker=BROKER, laboratory=LABORATORY, office=OFFICE, gateway=GATEWAY) as wires:
        yield Plant(tmp_path_factory.mktemp("plant"), wires)


@pytest.fixture(scope="module")
def gateway_machine(plant, release):
    """A machine in the network, on which nothing of the gateway is."""
    if shutil.which("dpkg") is None:
        missing("dpkg")
    with machine(plant.folder / "machine", seen=release.folder, network=plant.network.on("gateway")) as own:
        with own.path("/etc/hosts").open("a") as hosts:
            hosts.write(f"{BROKER} broker.local\n")
        given = own.path("/root/given")  # what the administrator was given for this line
        given.mkdir(parents=True)
        shutil.copy(plant.certificates / "ca.pem", given)
        shutil.copy(plant.certificates / "labline-line-1.pem", given / "line-1.pem")
        shutil.copy(plant.certificates / "labline-line-1.key", given / "line-1.key")
        yield own


def test_a_plant_is_brought_up_from_nothing_by_the_documents_and_loses_nothing_when_a_wire_is_pulled(
    plant, gateway_machine, release
):
    installed(gateway_machine, release)
    with ExitStack() as stack:
        stack.enter_context(plant.broker())
        with plant.server() as (server, presented):
            configured(server, gateway_machine, presented["sha256"])
            checked(gateway_machine)
            every_security_and_identity_is_accepted(server, gateway_machine)
        laboratory = stack.enter_context(talking(plant, "laboratory", "lims"))
        office = stack.enter_context(
            talking(
                plant, "office", "dashboard", f"{QUALITY}/disposition/#", f"{QUALITY}/prediction/#", f"{QUALITY}/status"
            )
        )
        (plant.plc / "clients" / "own" / "certs" / "certificate.pem").unlink()  # the server's is renewed
        with plant.server() as (_process, renewed), gateway_machine.gateway("line-1") as process:
            assert renewed["sha256"] != presented["sha256"]
            the_renewed_certificate_is_trusted_by_a_command(gateway_machine, renewed["sha256"])
            results_are_judged_and_predictions_come(laboratory, office)
            history_of_before_the_first_connection_is_there(gateway_machine)
            nothing_is_lost_while_a_wire_is_pulled(plant, gateway_machine, laboratory, office)
        assert process.returncode == 0
    gateway_machine.works("labline", "audit", "verify", "--config", CONFIGURATION)


def installed(own, release):
    (commands,) = blocks("installation.md", "Debian package")
    name = re.search(r"labline_\S+?\.deb", commands)[0]
    done = own.steps(release.folder, commands.replace(name, release.package.name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"labline {release.version}"


def until_it_works(own, folder, commands):
    """Run commands until the server has noticed whom it trusts: it looks into its folders now and then."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (done := own.steps(folder, commands)).returncode != 0:
        assert time.monotonic() < until, done.stdout + done.stderr
        time.sleep(1)
    return done


def configured(server, own, fingerprint):
    """The way in, with its two stops: who trusts whom."""
    commands, *_ = blocks("first-plant.md", "A plant that checks everybody")
    stopped = own.steps("/root/given", commands)
    assert stopped.returncode == 2
    assert "nobody has trusted its certificate" in stopped.stderr
    assert f"--trust {fingerprint}" in stopped.stderr
    trusting = f"{commands.rstrip()} --trust {fingerprint}"
    stopped = own.steps("/root/given", trusting)
    assert stopped.returncode == 2
    assert "the server has to trust /etc/labline/line-1.der" in " ".join(stopped.stderr.split())
    assert trust_rejected(server, "clients") == 1
    done = until_it_works(own, "/root/given", trusting)
    assert "4 tags" in done.stdout
    assert "cannot be entered" not in done.stdout
    own.path("/etc/labline/models").mkdir()
    shutil.copytree(REPOSITORY / "models" / "viscosity", own.path("/etc/labline/models/viscosity"))
    text = own.path(CONFIGURATION).read_text().replace('# history = "30d"', 'history = "30d"')
    text = text.replace("[lims.analytes]  # the laboratory's names -> ours", '[lims.analytes]\n"pH" = "ph"')
    own.path(CONFIGURATION).write_text(text + TABLES)


def checked(own):
    own.path("/var/lib/labline/line-1").mkdir(parents=True, mode=0o750)  # the unit's StateDirectory
    commands = blocks("first-plant.md", "A plant that checks everybody")[1]
    done = own.steps("/root/given", commands)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    (service,) = blocks("installation.md", "The service")
    done = own.steps("/root", service)
    assert done.returncode == 0, done.stderr
    assert "enable --now labline@line-1" in own.asked_of_systemd()


def every_security_and_identity_is_accepted(server, own):
    """Each policy and mode by user name; then the certificate of a person instead of one."""
    check = f"CREDENTIALS_DIRECTORY={SECRETS} labline check --config %s --connect"
    text = own.path(CONFIGURATION).read_text()
    (before,) = re.findall(r'^security = "(.*)"', text, re.MULTILINE)
    assert before == "Aes256Sha256RsaPss/SignAndEncrypt"
    policies = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
    for security in (f"{policy}/{mode}" for policy in policies for mode in ("Sign", "SignAndEncrypt")):
        own.path("/etc/labline/tried.toml").write_text(text.replace(before, security))
        done = own.steps("/root", check % "/etc/labline/tried.toml")
        assert done.returncode == 0, f"{security}: {done.stdout}{done.stderr}"
    own.works("labline", "opcua", "certificate", "--out", "/root/user")
    shutil.copy(own.path("/root/user/labline.der"), own.path("/etc/labline/user.der"))
    shutil.copy(own.path("/root/user/labline_key.pem"), own.path(f"{SECRETS}/opcua_plc1_user_key.pem"))
    by_certificate = re.sub(r"^username = .*$", 'user_certificate = "user.der"', text, flags=re.MULTILINE)
    own.path("/etc/labline/tried.toml").write_text(by_certificate)
    assert own.steps("/root", check % "/etc/labline/tried.toml").returncode == 1  # the server does not know it yet
    assert trust_rejected(server, "users") == 1
    until_it_works(own, "/root", check % "/etc/labline/tried.toml")
    own.path(f"{SECRETS}/opcua_plc1_user_key.pem").unlink()


def the_renewed_certificate_is_trusted_by_a_command(own, fingerprint):
    listing, trusting = blocks("first-plant.md", "A plant that checks everybody")[2].splitlines()
    until = time.monotonic() + PATIENCE_SECONDS
    while fingerprint not in own.steps("/root", listing).stdout:
        assert time.monotonic() < until, "the gateway has kept no rejected certificate"
        time.sleep(0.5)
    done = own.steps("/root", trusting.replace("FINGERPRINT", fingerprint))
    assert done.returncode == 0, done.stderr


def a_result(sample):
    return {"sample_id": sample, "test_id": "pH", "value": 7.0, "unit": "pH", "material_lot_id": f"LOT-{sample}",
            "material_definition_id": "FG-100", "status": "approved", "result_version": 1}  # fmt: skip


def judged(topic, document, sample):
    return topic.startswith(f"{QUALITY}/disposition/") and document["material_lot_id"] == f"LOT-{sample}"


def predicted(topic, document):
    return topic.startswith(f"{QUALITY}/prediction/") and document["value"] is not None


def results_are_judged_and_predictions_come(laboratory, office):
    prediction = office.until(predicted)
    assert prediction["low"] < prediction["value"] < prediction["high"]
    laboratory.publish("lims/results/qc", a_result("S-0"))
    disposition = office.until(lambda topic, document: judged(topic, document, "S-0"))
    assert disposition["recommendation"] in {"release", "review"}


def times_on_record(own, start, end):
    """Return the source times of one tag between two instants, in seconds, as history export writes them."""
    file = f"/root/history-{time.monotonic_ns()}.csv"
    span = ("--from", f"{start:%Y-%m-%dT%H:%M:%SZ}", "--until", f"{end:%Y-%m-%dT%H:%M:%SZ}")
    done = own.run("labline", "history", "export", "--config", CONFIGURATION, "--tag", "reactor_temperature", *span,
                   "--to", file)  # fmt: skip
    if done.returncode != 0:
        return []
    with own.path(file).open() as lines:
        return sorted(datetime.fromisoformat(row["source_time"]).timestamp() for row in csv.DictReader(lines))


def until_on_record(own, start, end, *, without_holes_of):
    """Wait until the history between two instants has no hole of so many seconds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        times = [start.timestamp(), *times_on_record(own, start, end), end.timestamp()]
        longest = max(after - before for before, after in pairwise(times))
        if longest < without_holes_of:
            return
        time.sleep(1)
    raise AssertionError(f"a hole of {longest:.1f} s between {start} and {end}")


def history_of_before_the_first_connection_is_there(own):
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=HISTORY_MINUTES - 5), now - timedelta(minutes=5)
    until_on_record(own, start, end, without_holes_of=5.0)


def nothing_is_lost_while_a_wire_is_pulled(plant, own, laboratory, office):
    samples = [f"S-{number}" for number in range(1, 7)]
    pulled_at = datetime.now(UTC)
    with plant.network.pulled("gateway"):
        for sample in samples:
            laboratory.publish("lims/results/qc", a_result(sample))
            time.sleep(CUT_SECONDS / len(samples))
        so_far = len(office.came)
    for sample in samples:
        office.until(lambda topic, document, sample=sample: judged(topic, document, sample))
    mended_at = datetime.now(UTC)
    office.until(lambda topic, document: predicted(topic, document) and [topic, document] not in office.came[:so_far])
    by_id = {}
    for topic, document in office.came:
        if document is not None and "/disposition/" in topic:
            assert by_id.setdefault(document["id"], document) == document
    until_on_record(own, pulled_at - timedelta(seconds=5), mended_at, without_holes_of=3.0)
