"""An operator at a terminal: acknowledges guidance and, when told to, follows setpoint suggestions.

With a signer the operator is identified by each answer. A suggestion of a model in stage ``approve`` or ``automatic``
is then approved, and the gateway writes it. Otherwise following means that the operator writes the setpoint at the
plant itself, through an OPC UA client of the terminal's own; the gateway only sees the tag move.
"""

import asyncio
import json
import time
import uuid
from typing import Any

from asyncua import Client, ua

from gateway.contract.times import rfc3339
from gateway.contract.topics import Topics
from simulator.mqtt import Participant, Received
from simulator.opcua_server import NAMESPACE
from simulator.scenarios import Pace
from simulator.signer import Signer

TERMINAL = "T-07"
OPERATOR, OPERATOR_NAME = "op-8821", "Operator 8821"
_LONGEST_QUEUE = 1000
_APPROVED_HERE = frozenset({"approve", "automatic"})


class Terminal:
    """Reads guidance, answers, and moves setpoints."""

    def __init__(
        self, *, plant_url: str, topics: Topics, pace: Pace, follows: bool, signer: Signer | None = None
    ) -> None:
        self._plant_url = plant_url
        self._topics = topics
        self._pace = pace
        self._follows = follows
        self._arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_LONGEST_QUEUE)
        self.signer = signer
        self.participant: Participant | None = None
        self.followed = 0

    def received(self, message: Received) -> None:
        """Take a message of ``guidance/#``."""
        document = json.loads(message.payload) if message.payload else {}
        if document.get("schema") == "labline.guidance/1" and document["state"] == "proposed":
            self._arrived.put_nowait(document)

    async def run(self) -> None:
        """Work through what arrives until cancelled."""
        async with Client(self._plant_url) as plant:
            index = await plant.get_namespace_index(NAMESPACE)
            while True:
                guidance = await self._arrived.get()
                await asyncio.sleep(self._pace.reaction_seconds)
                await self._answer(guidance, "acknowledge")
                suggestion = guidance["suggestion"]
                if not self._follows or suggestion is None:
                    continue
                if self.signer is not None and guidance["stage"] in _APPROVED_HERE:
                    await self._answer(guidance, "approve")
                else:
                    node = plant.get_node(ua.NodeId(suggestion["tag"], index))
                    await node.write_value(ua.DataValue(ua.Variant(suggestion["proposed"], ua.VariantType.Double)))
                self.followed += 1

    async def _answer(self, guidance: dict[str, Any], act: str) -> None:
        if self.participant is None:
            return
        answer = {
            "schema": "labline.response/1", "id": str(uuid.uuid4()), "guidance_id": guidance["id"], "act": act,
            "reason": None, "terminal": TERMINAL, "person": OPERATOR, "at": rfc3339(time.time_ns()),
            "token": None if self.signer is None else self.signer.token(guidance["id"], act, None),
        }  # fmt: skip
        await self.participant.publish(self._topics.response(TERMINAL), json.dumps(answer).encode())
