"""A running gateway from a lot that completes to its paper: drafted, signed, printed, told and mailed."""

import asyncio
import email
import hashlib
import json
import shutil
import subprocess
import time

from gateway.contract.times import rfc3339
from simulator.bench.load import bare_configuration
from simulator.broker import free_port
from simulator.mqtt import Participant
from simulator.rest_systems import RestSystem, serving
from tests.fixtures.building import new_state
from tests.fixtures.console import PASSWORD, Browser, users_of_each_role
from tests.fixtures.mail_server import mail_server
from tests.fixtures.real_parts import Line

WITHIN_SECONDS = 180.0
LOT = {"material_lot_id": "LOT-1", "job_order_id": "WO-1", "equipment_id": "R1", "material_definition_id": "FG-100"}
REQUIREMENT = """customer = "C-1"
name = "Acme Paints"
product = "FG-100"
email = ["qa@acme.example"]
specification = "AP-77"
release_needs_certificate = true
[[test]]
analyte = "viscosity"
unit = "mPa.s"
decimals = 1
lower = 95
upper = 105
"""


def configuration(line, *, system, console, mail):
    return f"""{bare_configuration(line.folder, line.broker)}
[console]
listen = "127.0.0.1:{console}"
[certificates]
requirements = "requirements"
plant_name = "Bench Resins"
mail = "office"
[notify.office]
kind = "email"
host = "127.0.0.1"
port = {mail}
security = "none"
to = ["office@bench.example"]
[sinks.mes]
url = "http://127.0.0.1:{system}/labline"
messages = ["release", "certificate"]
"""


async def until(look):
    """Return what comes, once it has come."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.1)


async def acted(browser, act, parameters, reason=""):
    """Do an act, signed; it is asked for again where the lot is about to be judged."""

    async def done():
        answer = (await browser.post("/api/acts", {
            "act": act, "parameters": parameters, "reason": reason,
            "sign_in": {"user": "quality", "password": PASSWORD, "code": ""},
        })).document  # fmt: skip
        return answer if answer["outcome"] == "done" else None

    return await until(done)


async def certificate_of(browser, *, gaps):
    """Return the certificate once it has so many gaps."""

    async def shown():
        lines = (await browser.get("/api/certificates")).document["lines"]
        if not lines or lines[0]["gaps"] != gaps:
            return None
        return (await browser.get(f"/api/certificates/{lines[0]['certificate_id']}")).document

    return await until(shown)


async def made(line):
    """Have a lot made and measured."""
    at = time.time_ns()
    for event, ago in (("order_started", 60), ("lot_started", 50), ("lot_ended", 10)):
        await line.publish("mes/context/R1", {"event": event, **LOT, "at": rfc3339(at - ago * 10**9)})
    await line.result(sample_id="S-1", test_id="Viscosity", value=100.24, unit="mPa.s", **LOT,
                      sampled_at=rfc3339(at - 30 * 10**9))  # fmt: skip
    await line.result(sample_id="S-1", test_id="pH", value=7.0, unit="pH", **LOT, sampled_at=rfc3339(at - 30 * 10**9))


async def signed(browser):
    """Have the lot released and its certificate signed; return the certificate."""
    await certificate_of(browser, gaps=1)
    lot = (await browser.get("/api/lots/LOT-1")).document
    await acted(browser, "decide_lot", {"material_lot_id": "LOT-1", "verdict": "release", "over_open_points": 0,
                                        "basis_sha256": lot["basis_sha256"]}, reason="inspected")  # fmt: skip
    draft = await certificate_of(browser, gaps=0)
    of = {"certificate_id": draft["certificate_id"], "version": 1}
    await acted(browser, "sign_certificate", {**of, "sha256": draft["versions"][0]["sha256"]})
    return draft["certificate_id"]


async def test_a_lot_completes_and_its_certificate_reaches_the_mes_and_the_customer(tmp_path, broker):
    line, system, console = Line(tmp_path, broker, None), RestSystem(), free_port()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "c-1.toml").write_text(REQUIREMENT)
    (tmp_path / "store").mkdir()
    new_state(tmp_path / "store").close()
    users_of_each_role(tmp_path / "store")
    sender = Participant("sender", port=broker.port, version_5=True)
    async with serving(system), mail_server() as box, sender as line.sender:
        line.write_configuration(configuration(line, system=system.port, console=console, mail=box.port))
        async with line.gateway():
            browser = Browser(console)
            await browser.sign_in("quality")
            await made(line)
            certificate_id = await signed(browser)

            async def told():
                kinds = {call.headers["x-labline-kind"]: json.loads(call.body) for call in system.calls}
                return kinds if {"release", "certificate"} <= kinds.keys() and box.mails else None

            kinds = await until(told)
            document = kinds["certificate"]["document"]
            served = await browser.get(document["path"])
    assert kinds["release"]["flags"] == [] or "AWAITS_CERTIFICATE" not in kinds["release"]["flags"]
    assert (kinds["certificate"]["state"], kinds["certificate"]["certificate_id"]) == ("signed", certificate_id)
    assert hashlib.sha256(served.body).hexdigest() == document["sha256"]
    message = email.message_from_string(box.mails[0])
    attached = next(part for part in message.walk() if part.get_filename())
    assert (message["To"], attached.get_payload(decode=True)) == ("qa@acme.example", served.body)
    assert served.body.startswith(b"%PDF-")
    (tmp_path / "paper.pdf").write_bytes(served.body)
    if reader := shutil.which("pdftotext"):  # part of what a developer's machine may lack
        read = subprocess.run([reader, "-layout", tmp_path / "paper.pdf", "-"], capture_output=True, check=True).stdout
        assert "100.2" in read.decode()
        assert "Person Quality" in read.decode()
        assert "NOT VALID" not in read.decode()
