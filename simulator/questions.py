"""An operator at a terminal asks, and the terminal shows the answer; the time is from publishing to its arrival."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from simulator.mqtt import Publishes, Received
from simulator.observer import Observer, spread

_EVERY_SECONDS, _LOOK_SECONDS, _PATIENCE_SECONDS = 5.0, 0.5, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A question with its answer."""

    question: str
    answer: str
    outcome: str
    sources: tuple[str, ...]  # records
    titles: tuple[str, ...]  # of them
    milliseconds: float


class Questions:
    """Asks one question after the other on ``ask/{terminal}``."""

    def __init__(self, root: str, terminal: str, observer: Observer) -> None:
        self._topic = f"{root}/ask/{terminal}"
        self._observer = observer
        self._waiting: dict[str, tuple[str, float, asyncio.Event]] = {}
        self.participant: Publishes | None = None
        self.asked = 0
        self.answered: list[Answered] = []

    def received(self, message: Received) -> None:
        """Take a message of ``answer/{terminal}``."""
        document = json.loads(message.payload) if message.payload else {}
        if document.get("schema") != "labline.answer/1" or document.get("question_id") not in self._waiting:
            return
        question, at, arrived = self._waiting.pop(document["question_id"])
        self.answered.append(
            Answered(
                question=question,
                answer=document["text"],
                outcome=document["outcome"],
                sources=tuple(source["record"] for source in document["sources"]),
                titles=tuple(source["title"] or source["record"] for source in document["sources"]),
                milliseconds=round((message.at - at) * 1000, 1),
            )
        )
        arrived.set()

    async def run(self) -> None:
        """Ask from time to time, from the first judged result on, until cancelled."""
        while not self._observer.lots:
            await asyncio.sleep(_LOOK_SECONDS)
        for question in cycle((self._ph, self._held, self._missing)):
            await self._ask(question())
            await asyncio.sleep(_EVERY_SECONDS)

    async def _ask(self, question: str) -> None:
        if self.participant is None:
            return
        identity, arrived = str(uuid.uuid4()), asyncio.Event()
        self._waiting[identity] = (question, time.perf_counter(), arrived)
        self.asked += 1
        await self.participant.publish(self._topic, json.dumps({"id": identity, "question": question}).encode())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await arrived.wait()
        except TimeoutError:  # counted as asked and not answered
            self._waiting.pop(identity, None)

    def _ph(self) -> str:
        return f"What is the pH of lot {list(self._observer.lots)[-1]}?"

    def _held(self) -> str:
        held = [lot for lot, recommendation in self._observer.lots.items() if recommendation == "hold"]
        return f"Why is lot {held[-1]} on hold?" if held else "Show me the procedure for the pH test"

    def _missing(self) -> str:
        return f"What is missing for the release of {next(iter(self._observer.lots))}?"

    def summary(self) -> dict[str, Any]:
        """Return how many were asked and answered, how many with a source, how fast, and the last one."""
        last = self.answered[-1] if self.answered else None
        return {
            "asked": self.asked,
            "answered": sum(item.outcome == "answered" for item in self.answered),
            "with_source": sum(bool(item.sources) for item in self.answered),
            "ms": spread([item.milliseconds for item in self.answered]),
            "last": None if last is None else {"question": last.question, "answer": last.answer,
                                               "sources": list(last.sources)},
        }  # fmt: skip
