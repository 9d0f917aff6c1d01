"""People's acts by their commands beside a gateway that runs: each has taken effect when its command ends."""

import json
import subprocess
import sys

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from simulator.gateway_process import TOPIC_ROOT, ask
from simulator.signer import enrolled
from tests.fixtures.people import ADDED_BY_COMMAND
from tests.fixtures.real_parts import REPOSITORY
from tests.publish.test_refusals import plain_line
from tests.runtime.test_model_versions import labline

WHO = ("--reason", "read by hand")


async def test_acts_go_through_the_running_gateway_and_take_effect_at_once(broker, tmp_path):
    async with plain_line(tmp_path, broker) as line, line.gateway():
        await labline(line, *ADDED_BY_COMMAND)
        await line.lot_result(1, value="1,234")  # which of two numbers it is, nobody can say
        before = await line.disposition_of("S-001")
        await line.publish("lims/results/qc", b"no JSON")
        letter = (await line.until(lambda topic, document: topic == "dead-letter"
                                   and document["reasons"][0]["code"] == "NOT_JSON"))["id"]  # fmt: skip
        points = json.loads(await labline(line, "lot", "LOT-001", "--json", code=1))["open_points"]
        for point in points:
            told = await labline(line, "lot", "LOT-001", "--settle", point["point_id"], *WHO)
            assert "at once by the running gateway" in told
        ((recommendation,),) = line.rows("SELECT recommendation FROM lot WHERE material_lot_id = 'LOT-001'")
        assert (before["recommendation"], recommendation) == ("review", "release")
        await line.until(lambda topic, document: topic == "disposition/LOT-001"
                         and document["recommendation"] == "release")  # fmt: skip
        assert "settled already: Q. Head" in await labline(
            line, "lot", "LOT-001", "--settle", points[0]["point_id"], *WHO, code=2
        )
        await labline(line, "buffer", "retry", letter)
        await line.until_rows("SELECT tried_ns IS NOT NULL FROM retry", [(1,)])
        assert "no alarm STORE_DAMAGED stands" in await labline(
            line, "audit", "acknowledge", "STORE_DAMAGED", *WHO, code=2
        )
        assert "lines archived" in await labline(
            line, "audit", "archive", "--before", "2999-01-01", "--to", tmp_path / "archive"
        )
    assert (await ask("audit", "verify", "--config", str(line.configuration)))["audit"] == "ok"


async def test_a_terminal_signs_its_responses_and_an_unsigned_one_is_refused(broker, tmp_path):
    async with plain_line(tmp_path, broker) as line, line.gateway():
        await labline(line, *ADDED_BY_COMMAND)
        signer = await enrolled("q.head", configuration=line.configuration, line=TOPIC_ROOT, terminal="T-07")
        await line.lot_result(1, value=9.9)
        hold = await line.until(lambda _topic, document: document.get("kind") == "hold")
        key = tmp_path / "T-07.pem"
        key.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for act, outcome in (("reject", "SIGNATURE_REQUIRED"), ("acknowledge", "ACKNOWLEDGED")):
            words = {"key": key, "kid": signer.key_id, "root": TOPIC_ROOT, "terminal": "T-07", "guidance": hold["id"],
                     "act": act, "reason": "seen"}  # fmt: skip
            signed = subprocess.run(
                [sys.executable, REPOSITORY / "deploy" / "sign_response.py",
                 *(str(part) for name, word in words.items() for part in (f"--{name}", word))],
                capture_output=True, check=True, timeout=30,
            )  # fmt: skip
            await line.publish(f"{TOPIC_ROOT}/response/T-07", signed.stdout)
            response = json.loads(signed.stdout)["id"]
            answered = await line.until(
                lambda _topic, document, response=response: document.get("response_id") == response
            )
            assert (answered["outcome"], answered["person"], answered["identified"]) == (outcome, "Q. Head", True)
        unsigned = {"id": "r-1", "guidance_id": hold["id"], "act": "approve", "terminal": "T-07", "person": "Q. Head"}
        await line.publish(f"{TOPIC_ROOT}/response/T-07", unsigned)
        refused = await line.until(lambda _topic, document: document.get("response_id") == "r-1")
        assert (refused["outcome"], refused["identified"]) == ("SIGNATURE_REQUIRED", False)
    assert (await ask("audit", "verify", "--config", str(line.configuration)))["audit"] == "ok"
