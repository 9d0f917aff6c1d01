"""The demo's terminal: its operator and its key are entered at the console, and it signs for that operator."""

import asyncio
from contextlib import closing

from gateway.contract.console_links import link_hash
from gateway.contract.response_tokens import read_token, signature_holds
from gateway.records.people import Act
from gateway.store.database import read_state
from gateway.store.queries.users import keys_of_all
from simulator.gateway_process import ConsoleLink
from simulator.signer import enrolled_at_console
from tests.fixtures.building import line, new_state
from tests.fixtures.console import console_at_work

LINK = "abcd-efgh-jkmn-pqrs"


async def test_the_demos_operator_has_a_key_that_signs_at_their_terminal(tmp_path):
    new_state(tmp_path).close()
    async with console_at_work(tmp_path, line(), demo_link_sha256=link_hash(LINK)) as served:
        console = ConsoleLink(port=served.port, link=LINK)
        signer = await asyncio.to_thread(
            enrolled_at_console, console, "op-1", name="Operator 1", line="root", terminal="T-07"
        )
        with closing(read_state(tmp_path)) as connection:
            (key,) = keys_of_all(connection)
    token = read_token(signer.token("G-1", "acknowledge", None))
    assert (key.key_id, key.user_id, key.label) == (token.key_id, "op-1", "T-07")
    assert signature_holds(token, key.public_key)
    assert (token.guidance_id, token.act, token.terminal, token.line) == ("G-1", Act.ACKNOWLEDGE, "T-07", "root")
