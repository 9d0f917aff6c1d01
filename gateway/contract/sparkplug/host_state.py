"""Whether the primary host is online, by its STATE messages (Sparkplug 3.0, 5.4 and 6.4.26)."""

import json
from dataclasses import dataclass, replace

_LONGEST_BYTES = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class StateMessage:
    """What a host says of itself."""

    online: bool
    timestamp: int  # milliseconds UTC, of the host's clock


@dataclass(frozen=True, kw_only=True, slots=True)
class HostState:
    """What is known of a host; None: nothing came yet. The old message of an earlier session counts for nothing."""

    online: bool | None = None
    newest: int | None = None  # timestamp of the newest message that counted
    newest_online: int | None = None  # of the newest that said online

    def after(self, message: StateMessage) -> "HostState":
        """Return what is known after a message."""
        if message.online:
            if self.newest is not None and message.timestamp < self.newest:
                return self
            return HostState(online=True, newest=message.timestamp, newest_online=message.timestamp)
        if self.newest_online is not None and message.timestamp < self.newest_online:
            return self
        return replace(self, online=False, newest=message.timestamp)


def state_message(payload: bytes) -> StateMessage | None:
    """Return what a STATE message says, None where it is none: JSON with ``online`` and ``timestamp``, nothing else."""
    if len(payload) > _LONGEST_BYTES:
        return None
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    online, timestamp = document.get("online"), document.get("timestamp")
    if not isinstance(online, bool) or isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return None
    if not 0 <= timestamp < 2**63:  # NaN and infinity are none either
        return None
    return StateMessage(online=online, timestamp=int(timestamp))
