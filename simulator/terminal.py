"""An operator at a terminal: acknowledges guidance and, when told to, follows setpoint suggestions.

With a signer the operator is identified by each answer. A suggestion of a model in stage ``approve`` is then approved,
or rejected with a reason, and the gateway writes it; what stage ``automatic`` has approved needs nobody. In stage
``advise`` following means that the operator moves the setpoint by hand; the gateway only sees the tag move.

One look at the terminal takes in all that was shown by then, and all that belongs to the same call.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from gateway.contract.times import rfc3339
from gateway.contract.topics import Topics
from simulator.habits import Habits
from simulator.mqtt import Publishes, Received
from simulator.signer import Signer

TERMINAL = "T-07"
OPERATOR, OPERATOR_NAME = "op-8821", "Operator 8821"
_LONGEST_QUEUE = 1000
_APPROVED_HERE = frozenset({"approve", "automatic"})
_OPEN = frozenset({"proposed", "acknowledged"})  # what still waits for an answer

MoveByHand = Callable[[str, float], Awaitable[None]]


class Terminal:
    """Reads guidance, answers, and moves setpoints."""

    def __init__(
        self,
        *,
        topics: Topics,
        habits: Habits,
        follows: bool,
        signer: Signer | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._topics = topics
        self._habits = habits
        self._follows = follows
        self._now_ns = now_ns
        self._arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_LONGEST_QUEUE)
        self._states: dict[str, str] = {}
        self.signer = signer
        self.participant: Publishes | None = None
        self.followed = 0
        self.refused = 0

    def received(self, message: Received) -> None:
        """Take a message of ``guidance/#``."""
        document = json.loads(message.payload) if message.payload else {}
        if document.get("schema") != "labline.guidance/1":
            return
        self._states[document["id"]] = document["state"]
        if document["state"] == "proposed":
            self._arrived.put_nowait(document)

    async def run(self, move: MoveByHand) -> None:
        """Work through what arrives until cancelled; ``move``: how a setpoint is moved at the plant."""
        while True:
            seen = [await self._arrived.get(), *self._waiting()]
            await asyncio.sleep(self._habits.reaction_seconds())
            calls = {guidance["group"] or guidance["id"] for guidance in seen}
            for later in self._waiting():
                if (later["group"] or later["id"]) in calls:
                    seen.append(later)
                else:
                    self._arrived.put_nowait(later)
            for guidance in seen:
                await self._handle(guidance, move)

    def _waiting(self) -> list[dict[str, Any]]:
        waiting = []
        with suppress(asyncio.QueueEmpty):
            while True:
                waiting.append(self._arrived.get_nowait())
        return waiting

    async def _handle(self, guidance: dict[str, Any], move: MoveByHand) -> None:
        if self._states[guidance["id"]] not in _OPEN:
            return  # taken back, or over, before anybody looked
        await self._answer(guidance, "acknowledge")
        suggestion = guidance["suggestion"]
        if not self._follows or suggestion is None:
            return
        refusal = self._habits.refusal()
        approved_here = self.signer is not None and guidance["stage"] in _APPROVED_HERE
        if refusal is not None:
            self.refused += 1
            if self.signer is not None:
                await self._answer(guidance, "reject", refusal)
            return
        if approved_here:
            await self._answer(guidance, "approve")
        else:
            await move(suggestion["tag"], suggestion["proposed"])
        self.followed += 1

    async def _answer(self, guidance: dict[str, Any], act: str, reason: str | None = None) -> None:
        if self.participant is None:
            return
        answer = {
            "schema": "labline.response/1", "id": str(uuid.uuid4()), "guidance_id": guidance["id"], "act": act,
            "reason": reason, "terminal": TERMINAL, "person": OPERATOR, "at": rfc3339(self._now_ns()),
            "token": None if self.signer is None else self.signer.token(guidance["id"], act, reason),
        }  # fmt: skip
        await self.participant.publish(self._topics.response(TERMINAL), json.dumps(answer).encode())
