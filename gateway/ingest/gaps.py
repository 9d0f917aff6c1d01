"""Holes in data, put on record by the path that every event takes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.contract.identity import identity_of
from gateway.events import GapNoticed
from gateway.inbox import Inbox, Urgency
from gateway.moments import Moment
from gateway.records import Gap, GapKind


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Makes gaps events."""

    inbox: Inbox
    now: Callable[[], Moment]

    def notice(
        self,
        kind: GapKind,
        subject: str,
        *,
        from_ns: int,
        until_ns: int | None,
        recorded: Callable[[], None] = lambda: None,
        **details: Any,
    ) -> None:
        """Note a gap; ``recorded`` is called once it is committed."""
        gap = Gap(
            gap_id=identity_of("gap", kind, subject, from_ns, until_ns, json.dumps(details, sort_keys=True)),
            kind=kind,
            subject=subject,
            from_ns=from_ns,
            until_ns=until_ns,
            details=details,
        )
        event = GapNoticed(event_id=gap.gap_id, at=self.now(), gap=gap)
        self.inbox.put(event, Urgency.MODELS_AND_TIMERS, recorded)
