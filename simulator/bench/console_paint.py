"""A real browser with the console's page, and when it has painted what an observer at the broker has seen.

The page's own clock counts from ``performance.timeOrigin``, wall time of the same machine; how far that is from this
process's wall time is measured and taken off. A change counts as painted when the task after the frame has begun in
which the document showed it, or something newer of the same kind.
"""

import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.mqtt import Received

_CHROMIUM = "/usr/bin/chromium"
_ALIGNING_TURNS = 20
_EARLIER_MS = 150.0  # the page may be quicker than the observer at the broker
_NEWER = 3  # a prediction counts as painted with one of the next, too: what is replaced at once is not shown

_RECORD = """() => {
  const painted = window.painted = [];
  const after = new MessageChannel();
  after.port1.onmessage = ({ data }) => painted.push({ ...data, at: performance.timeOrigin + performance.now() });
  const text = (card, selector) => card.querySelector(selector)?.textContent ?? "";
  const look = () => {
    const cards = [...document.querySelectorAll(".card[data-key]")];
    const shown = { predictions: {}, guidance: cards.map((card) => card.dataset.key) };
    for (const card of document.querySelectorAll(".prediction[data-key]"))
      shown.predictions[card.dataset.key] = `${text(card, ".value")} ${text(card, ":scope > p.quiet")}`;
    after.port2.postMessage(shown);
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; look(); });
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
_WRITTEN = """async (predictions) => {
  const [{ measured, share }, { text }] = await Promise.all([import("/js/format.js"), import("/js/texts.js")]);
  return predictions.map(({ value, low, high, coverage }) => {
    const interval = { low: measured(low), high: measured(high), coverage: share(coverage) };
    return `${measured(value)} ${text("guidance.interval", interval)}`;
  });
}"""


class NoBrowserError(Exception):
    """There is no browser, or nothing to drive it with; the message says what is missing."""


@dataclass(slots=True)
class Observed:
    """What an observer at the broker has seen, with wall times in milliseconds."""

    predictions: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    guidance: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    _wall: float = field(default_factory=lambda: time.time() - time.perf_counter())

    def received(self, message: Received) -> None:
        """Take a message of the gateway."""
        if message.retained or not message.payload:
            return
        at, document = (self._wall + message.at) * 1000, json.loads(message.payload)
        if "/prediction/" in message.topic and document["value"] is not None:
            self.predictions.append((at, document))
        elif "/guidance/" in message.topic and document["state"] == "proposed":
            self.guidance.setdefault(document["id"], at)
        elif "/guidance/" in message.topic:
            self.ended.setdefault(document["id"], at)


@dataclass(slots=True)
class BrowserPage:
    """The page in the browser."""

    page: Any
    began_at: float = 0.0

    async def record(self) -> None:
        """Begin to note what is painted, and when."""
        await self.page.evaluate(_RECORD)
        self.began_at = time.time() * 1000

    async def latencies(self, seen: Observed, *, settled_at: float) -> tuple[list[float], int]:
        """Return the milliseconds from the observer to the paint, and how many changes were never painted.

        Counted is what the observer saw between the beginning and ``settled_at``, a wall time in milliseconds.
        """
        frames, offset = await self.page.evaluate("() => window.painted"), await self._offset()
        frames = [{**frame, "at": frame["at"] - offset} for frame in frames]
        taken = [one for one in seen.predictions if self.began_at < one[0] < settled_at]
        written = await self.page.evaluate(_WRITTEN, [document for _at, document in taken])
        opened = [(at, key) for key, at in seen.guidance.items() if self.began_at < at < settled_at]
        painted = [
            *_predictions_painted(
                frames, [(at, document, text) for (at, document), text in zip(taken, written, strict=True)]
            ),
            *_guidance_painted(frames, opened, seen.ended),
        ]
        return [one for one in painted if one is not None], painted.count(None)

    async def _offset(self) -> float:
        """Return how far the page's clock is ahead of ours, in milliseconds, by the quickest of several questions."""
        answers = []
        for _ in range(_ALIGNING_TURNS):
            before = time.time() * 1000
            there = await self.page.evaluate("() => performance.timeOrigin + performance.now()")
            after = time.time() * 1000
            answers.append((after - before, there - (before + after) / 2))
        return float(min(answers)[1])


def _predictions_painted(
    frames: list[dict[str, Any]], taken: list[tuple[float, dict[str, Any], str]]
) -> Iterator[float | None]:
    """Yield the latency of each prediction whose text differs from the one before; None: it was never painted."""
    for path in {_path(document) for _at, document, _text in taken}:
        ours = [(at, text) for at, document, text in taken if _path(document) == path]
        changes = [one for before, one in zip([(0.0, ""), *ours], ours, strict=False) if one[1] != before[1]]
        for number, (at, _text) in enumerate(changes):
            before = changes[number - 1][1] if number else ""
            wanted = {text for _at, text in changes[number : number + _NEWER]} - {before}
            shown = (
                one["at"] for one in frames if one["at"] >= at - _EARLIER_MS and one["predictions"].get(path) in wanted
            )
            painted = next(shown, None)
            yield None if painted is None else max(0.0, painted - at)


def _path(document: dict[str, Any]) -> str:
    return f"/api/trend/{document['equipment_id']}/{document['analyte']}"


def _guidance_painted(
    frames: list[dict[str, Any]], opened: list[tuple[float, str]], ended: dict[str, float]
) -> Iterator[float | None]:
    """Yield the latency of each guidance; what ended before it could be painted counts neither way."""
    for at, key in opened:
        painted = next((frame["at"] for frame in frames if key in frame["guidance"]), None)
        if painted is not None:
            yield max(0.0, painted - at)
        elif key not in ended:
            yield None


@asynccontextmanager
async def browser_page(port: int, *, user: str, password: str) -> AsyncIterator[BrowserPage]:
    """Open Now in a headless Chromium, signed in; raises NoBrowserError where there is none."""
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - only tests and this bench have it
    except ImportError:
        raise NoBrowserError("Playwright is not installed: pip install playwright") from None
    chromium = _CHROMIUM if Path(_CHROMIUM).exists() else shutil.which("chromium")
    if chromium is None:
        raise NoBrowserError("Chromium is not installed: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = await browser.new_page(viewport={"width": 1600, "height": 1000})
            await page.goto(f"http://127.0.0.1:{port}/")
            await page.fill("#ask-user", user)
            await page.fill("#ask-password", password)
            await page.get_by_role("button", name="Sign in", exact=True).click()
            await page.wait_for_selector(".prediction")
            yield BrowserPage(page)
        finally:
            await browser.close()
