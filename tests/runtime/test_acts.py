"""People's acts by their commands beside a gateway that runs: each has taken effect when its command ends."""

import json

from simulator.gateway_process import ask
from tests.fixtures.people import ADDED_BY_COMMAND
from tests.publish.test_refusals import plain_line
from tests.runtime.test_model_versions import labline

WHO = ("--reason", "read by hand")


async def test_acts_go_through_the_running_gateway_and_take_effect_at_once(broker, tmp_path):
    async with plain_line(tmp_path, broker) as line, line.gateway():
        await labline(line, *ADDED_BY_COMMAND)
        await line.lot_result(1, value="1,234")  # which of two numbers it is, nobody can say
        before = await line.disposition_of("S-001")
        await line.publish("lims/results/qc", b"no JSON")
        await line.until(lambda topic, _document: topic == "dead-letter")
        ((letter,),) = line.rows("SELECT dead_letter_id FROM dead_letter")
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
