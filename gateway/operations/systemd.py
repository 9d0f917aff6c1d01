"""The notification protocol of systemd (sd_notify(3)): ready, status, watchdog, stopping."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field


class Notifier:
    """Sends states to the socket in ``NOTIFY_SOCKET``; without one it says nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        timeout_microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
        self.watchdog_seconds = int(timeout_microseconds) / 1e6 if ours and timeout_microseconds.isdigit() else None

    def notify(self, **states: str) -> None:
        """Send states such as ``READY="1"``.

        A notification that cannot be sent, or that nobody takes, is no reason to stop or to wait.
        """
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{name}={value}" for name, value in states.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.connect(address)
                channel.send(message.encode())
        except OSError:
            return


@dataclass(slots=True)
class Progress:
    """When each loop last got on; the watchdog is fed only while all of them do."""

    allowed_seconds: Mapping[str, float]
    _last: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = dict.fromkeys(self.allowed_seconds, time.monotonic())

    def beat(self, loop: str) -> None:
        """Note that a loop got on."""
        self._last[loop] = time.monotonic()

    def stalled(self) -> tuple[str, ...]:
        """Return the loops that have not got on within their time."""
        now = time.monotonic()
        return tuple(loop for loop, allowed in self.allowed_seconds.items() if now - self._last[loop] > allowed)
