"""Who hears of what: the loops tell one listener each, and it tells the parts that are concerned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.events import AdviceWithheld, TimerDue
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.operations.health import Health
from gateway.operations.systemd import Progress
from gateway.publish.drain import Drain
from gateway.records.verdicts import Reason
from gateway.runtime.follow_ups import FollowUps
from gateway.store.outbox import Queued


@dataclass(frozen=True, kw_only=True, slots=True)
class HearsOfProcessing:
    """Hands what is committed to the drain, and has pages hear of it.

    What is left for later goes to the follow-ups, trouble to the health.
    """

    drain: Drain
    follow_up_loop: FollowUps
    health: Health
    watchdog: Progress
    on_commit: Callable[[], None]

    def committed(self, messages: tuple[Queued, ...] | None) -> None:
        """Have the messages sent that wait now; None where the outbox has to be read for them."""
        self.drain.committed(messages)
        self.on_commit()

    def progress(self) -> None:
        """Keep the watchdog fed."""
        self.watchdog.beat("process")

    def store(self, failure: str | None) -> None:
        """Say that the store fails, or works again."""
        self.health.store(failure)

    def alarm(self, code: str) -> None:
        """Raise an alarm."""
        self.health.alarm(code)

    def follow_ups(self) -> None:
        """Have what is left for later taken up."""
        self.follow_up_loop.wake()

    def board_due(self, due: TimerDue) -> None:
        """Have the board published again when there is time."""
        self.follow_up_loop.refresh_board(due)


@dataclass(frozen=True, kw_only=True, slots=True)
class HearsOfSending:
    """Has guidance withdrawn that the second check keeps back; trouble goes to the health."""

    inbox: EventQueue
    clock: Clock
    health: Health
    watchdog: Progress

    def progress(self) -> None:
        """Keep the watchdog fed."""
        self.watchdog.beat("drain")

    def alarm(self, code: str) -> None:
        """Raise an alarm."""
        self.health.alarm(code)

    def withheld(self, message_id: str, refused: Mapping[str, Reason]) -> None:
        """Have the guidance withdrawn of which the second check kept a message back."""
        event = AdviceWithheld(
            event_id=identity_of("advice-withheld", message_id), at=self.clock.now(), refused=refused
        )
        self.inbox.put(event, Urgency.STOP_AND_RESPONSES)


@dataclass(frozen=True, kw_only=True, slots=True)
class HearsOfRetention:
    """Has the outbox read again where messages have left it; figures go into the status."""

    drain: Drain
    health: Health

    def figures(self, figures: dict[str, float]) -> None:
        """Note how much room the databases have."""
        self.health.disk.update(figures)

    def evicted(self) -> None:
        """Have the drain look again."""
        self.drain.wake()
