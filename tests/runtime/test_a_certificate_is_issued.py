"""A running gateway from a lot that completes to its paper, by the commands of the document for newcomers.

It is drafted, signed, printed, told and mailed.
"""

import asyncio
import email
import getpass
import hashlib
import json
import shlex
import shutil
import subprocess
import time

from gateway.contract.times import rfc3339
from simulator.bench.load import bare_configuration
from simulator.broker import free_port
from simulator.mqtt import Participant
from simulator.rest_systems import RestSystem, serving
from tests.fixtures.commands import labline
from tests.fixtures.console import PASSWORD, Browser
from tests.fixtures.documents import blocks
from tests.fixtures.mail_server import mail_server
from tests.fixtures.real_parts import Line

WITHIN_SECONDS = 180.0
LOT = {"material_lot_id": "LOT-1", "job_order_id": "WO-1", "equipment_id": "R1", "material_definition_id": "FG-100"}
REQUIREMENT, TABLE, CHECK, MAYS, STEPS = blocks("first-plant.md", "6. The first certificate")
FIRST_USER = blocks("first-plant.md", "4. Run it (5 minutes)")[-1]
STEP = STEPS.splitlines()
MAIL = 'email = ["qa@acme.example"]\n'


def configuration(line, *, system, console, mail):
    return f"""{bare_configuration(line.folder, line.broker)}
[console]
listen = "127.0.0.1:{console}"
{TABLE}mail = "office"
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


async def certificate_of(browser, *, gaps):
    """Return the certificate once it has so many gaps."""

    async def shown():
        lines = (await browser.get("/api/certificates")).document["lines"]
        if not lines or lines[0]["gaps"] != gaps:
            return None
        return (await browser.get(f"/api/certificates/{lines[0]['certificate_id']}")).document

    return await until(shown)


async def run(line, *commands, exits=(0,)):
    """Run commands as they stand in the document, with the paths and the account of this test."""
    own = {"labline.toml": str(line.configuration), "certificates": str(line.folder / "papers"),
           "anna": getpass.getuser()}  # fmt: skip
    for command in commands:
        given = [own.get(word, word) for word in shlex.split(command.removeprefix("$ labline "))]

        async def worked(given=given):
            ended = await asyncio.to_thread(labline, *given)
            if ended.code not in exits and "judged" in ended.error:  # a person runs it again, too
                return None
            assert ended.code in exits, (given, ended.output, ended.error)
            return ended

        await until(worked)


async def made(line):
    """Have a lot made and measured."""
    at = time.time_ns()
    for event, ago in (("order_started", 60), ("lot_started", 50), ("lot_ended", 10)):
        await line.publish("mes/context/R1", {"event": event, **LOT, "at": rfc3339(at - ago * 10**9)})
    await line.result(sample_id="S-1", test_id="Viscosity", value=100.24, unit="mPa.s", **LOT,
                      sampled_at=rfc3339(at - 30 * 10**9))  # fmt: skip
    await line.result(sample_id="S-1", test_id="pH", value=7.0, unit="pH", **LOT, sampled_at=rfc3339(at - 30 * 10**9))


async def signed(browser, line):
    """Have the lot released and its certificate signed, as the document says; return the certificate."""
    await certificate_of(browser, gaps=1)
    await run(line, *STEP[:3], exits=(0, 1))  # 1: something is to be looked at
    await run(line, STEP[3])
    draft = await certificate_of(browser, gaps=0)
    await run(line, *STEP[4:6])
    return draft["certificate_id"]


async def test_a_lot_completes_and_its_certificate_reaches_the_mes_and_the_customer(tmp_path, broker, monkeypatch):
    line, system, console = Line(tmp_path, broker, None), RestSystem(), free_port()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "acme.toml").write_text(MAIL + REQUIREMENT)
    for name in ("user_password", "new_user_password"):
        (tmp_path / name).write_text(PASSWORD)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    sender = Participant("sender", port=broker.port, version_5=True)
    async with serving(system), mail_server() as box, sender as line.sender:
        line.write_configuration(configuration(line, system=system.port, console=console, mail=box.port))
        await run(line, CHECK.strip())
        async with line.gateway():
            await run(line, FIRST_USER.strip(), *MAYS.splitlines())
            browser = Browser(console)
            await browser.sign_in("a.miller")
            await made(line)
            certificate_id = await signed(browser, line)

            async def told():
                kinds = {call.headers["x-labline-kind"]: json.loads(call.body) for call in system.calls}
                return kinds if {"release", "certificate"} <= kinds.keys() and box.mails else None

            kinds = await until(told)
            document = kinds["certificate"]["document"]
            served = await browser.get(document["path"])
            await run(line, STEP[6])
    assert kinds["release"]["flags"] == [] or "AWAITS_CERTIFICATE" not in kinds["release"]["flags"]
    assert (kinds["certificate"]["state"], kinds["certificate"]["certificate_id"]) == ("signed", certificate_id)
    assert hashlib.sha256(served.body).hexdigest() == document["sha256"]
    message = email.message_from_string(box.mails[0])
    attached = next(part for part in message.walk() if part.get_filename())
    assert (message["To"], attached.get_payload(decode=True)) == ("qa@acme.example", served.body)
    assert served.body.startswith(b"%PDF-")
    assert [file.read_bytes() for file in (tmp_path / "papers").iterdir()] == [served.body]
    (tmp_path / "paper.pdf").write_bytes(served.body)
    if reader := shutil.which("pdftotext"):  # part of what a developer's machine may lack
        read = subprocess.run([reader, "-layout", tmp_path / "paper.pdf", "-"], capture_output=True, check=True).stdout
        assert "100.2" in read.decode()
        assert "Anna Miller" in read.decode()
        assert "NOT VALID" not in read.decode()
