"""A person of quality at the console: reads the review of each lot that production has closed, and may sign.

A lot is released, and its certificate signed, only where everything speaks for it: the recommendation is to release,
no point is open, and no critical exception stands in the review of its record.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from simulator.console_session import ConsoleSession
from simulator.gateway_process import ConsoleLink, GatewayFailedError

_LOOKS, _LOOK_SECONDS = 60, 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadReview:
    """What a person has read of a lot: the first line, and how much of the record they had to read."""

    lot: str
    code: str | None
    severity: str | None
    text: str | None
    exceptions: int
    lines_to_read: int
    data_points: int


class Quality:
    """``console``: where they work, None: nowhere. ``signs``: whether they sign; else somebody in the browser does."""

    def __init__(self, console: ConsoleLink | None, *, signs: bool) -> None:
        self._console = console
        self._signs = signs
        self._closed: asyncio.Queue[str] = asyncio.Queue()
        self.reviews: list[ReadReview] = []
        self.signed: set[str] = set()  # lots whose certificates they have signed
        self.waiting = 0  # closed lots that they have not done with
        self.refused: list[str] = []

    def closed(self, lot: str) -> None:
        """Take note that production has closed a lot."""
        if self._console is not None:
            self._closed.put_nowait(lot)
            self.waiting += 1

    async def run(self) -> None:
        """Work until cancelled; they sign in when there is something to do."""
        sessions: list[ConsoleSession] = []
        while self._console is not None:
            lot = await self._closed.get()
            try:
                if not sessions:
                    sessions.append(await asyncio.to_thread(ConsoleSession, self._console))
                await self._look_at(lot, sessions[0])
            except (GatewayFailedError, OSError) as error:  # it is in the account; the next lot is looked at
                self.refused.append(f"{lot}: {error}")
            self.waiting -= 1

    async def _look_at(self, lot: str, console: ConsoleSession) -> None:
        named = quote(lot, safe="")
        review = await asyncio.to_thread(console.get, f"/api/lots/{named}/review")
        self.reviews.append(_read(lot, review))
        critical = any(item["severity"] == "critical" and not item["settled"] for item in review["exceptions"])
        if critical or not self._signs:
            return
        view = await asyncio.to_thread(console.get, f"/api/lots/{named}")
        if view["recommendation"] != "release" or view["against_release"]:
            return
        released = {"material_lot_id": lot, "verdict": "release", "over_open_points": 0,
                    "basis_sha256": view["basis_sha256"]}  # fmt: skip
        await asyncio.to_thread(console.act, "decide_lot", released, reason="inspected", signed=True)
        for line in await self._complete(lot, console):
            view = await asyncio.to_thread(console.get, f"/api/certificates/{line['certificate_id']}")
            shown = {"certificate_id": line["certificate_id"], "version": line["version"],
                     "sha256": view["versions"][0]["sha256"]}  # fmt: skip
            await asyncio.to_thread(console.act, "sign_certificate", shown, signed=True)
            self.signed.add(lot)

    async def _complete(self, lot: str, console: ConsoleSession) -> list[dict[str, Any]]:
        """Return the drafts of a lot's certificates once nothing is missing in them."""
        for _look in range(_LOOKS):
            shown = await asyncio.to_thread(console.get, f"/api/certificates?query={quote(lot, safe='')}")
            drafts = [line for line in shown["lines"] if line["material_lot_id"] == lot and line["state"] == "draft"]
            if drafts and not any(line["gaps"] for line in drafts):
                return drafts
            await asyncio.sleep(_LOOK_SECONDS)
        raise GatewayFailedError("its certificate did not become complete")


def _read(lot: str, review: dict[str, Any]) -> ReadReview:
    first = review["exceptions"][0] if review["exceptions"] else {}
    return ReadReview(
        lot=lot,
        code=first.get("code"),
        severity=first.get("severity"),
        text=first.get("text"),
        exceptions=len(review["exceptions"]) + review["left_out"],
        lines_to_read=review["lines_to_read"],
        data_points=review["data_points"],
    )
