"""Recorded events decided once more, by the function that decides in the running gateway, into a store of their own."""

import hashlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.advice.lifecycle import AFTER_ACT, moved
from gateway.contract.identity import identity_of
from gateway.decisions.table import windows_needed
from gateway.events import ActRequested, FollowUpDue, TimerDue
from gateway.history.reader.windows_as_of import KnownThen
from gateway.inference.signed_stages import stages_at, with_signed_stages
from gateway.ingest.event_queue import Pending
from gateway.line.definition import LineDefinition
from gateway.records.acts import AnswerGuidance, SettlePoint
from gateway.records.follow_ups import FollowUp, FollowUpKind
from gateway.records.guidance import Guidance
from gateway.records.people import PointSettled
from gateway.records.timers import Timer
from gateway.records.users import Credential, CredentialKind
from gateway.replay.decided_lots import decide_as_then, divide_as_then
from gateway.replay.kept_from_calling import let_stand as keep_from_calling
from gateway.replay.recorded import GatewayOutput, Recorded, Recording, moment, output_on_record
from gateway.replay.setpoint_writes import let_stand
from gateway.store.care.opening import prepare
from gateway.store.codec import decode
from gateway.store.database import open_state
from gateway.store.statements import SQL
from gateway.store.transaction.decide_batch import decide_batch
from gateway.store.transaction.lot_records import judge_at_next_start
from gateway.store.transaction.records.acts import point_settled
from gateway.store.transaction.records.guidance import guidance_changed
from gateway.texts.catalogue import languages, speak
from gateway.time_units import SECOND_NS

_COMMIT_EVERY = 2000
_CACHE_KIBIBYTES = 65_536  # for minutes only; the gateway, which runs for years, has less


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """The output of a replay, how many events it decided, and the SHA-256 over all messages' topics and bytes."""

    output: GatewayOutput
    events: int
    messages: int
    sha256: str


def rerun(
    recording: Recording,
    *,
    line: LineDefinition,
    history: KnownThen,
    folder: Path,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Rerun:
    """Decide recorded events in their order; ``folder`` is empty, and gets the replay's store."""
    speak(recording.language if recording.language in languages() else line.language, line.units)
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, at_ns=0)
    with closing(open_state(folder, vouching=False)) as connection:
        _prepare_connection(connection, recording)
        deciding = _Deciding(connection, line, history, recording)
        events = recording.events
        for begin in range(0, len(events), _COMMIT_EVERY):
            with _committed(connection):
                for recorded in events[begin : begin + _COMMIT_EVERY]:
                    deciding.decide(recorded)
            on_progress("events", min(begin + _COMMIT_EVERY, len(events)), len(events))
        with _committed(connection):
            deciding.settle(recording.stretch.until_ns)
        messages, sha256 = _digest_of_messages(connection)
        output = output_on_record(connection, recording.stretch)
    return Rerun(output=output, events=len(events), messages=messages, sha256=sha256)


def _prepare_connection(connection: sqlite3.Connection, recording: Recording) -> None:
    """Make writing fast, and put on record the epoch and the corrections that people had signed."""
    connection.execute("PRAGMA journal_mode = MEMORY")  # nothing here that could not be replayed
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    connection.execute(SQL["new_epoch"], {"epoch": recording.epoch})
    connection.executemany(SQL["insert_signed_bias"], [asdict(bias) for bias in recording.signed_biases])


@contextmanager
def _committed(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one transaction. After an error it stays open: the replay's store is thrown away."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _digest_of_messages(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return how many messages the outbox has, and the SHA-256 of their topics and bytes in their order."""
    digest, messages = hashlib.sha256(), 0
    for row in connection.execute(SQL["outbox_messages"]):
        digest.update(f"{row['topic']}\n".encode() + row["payload"] + b"\n")
        messages += 1
    return messages, digest.hexdigest()


class _Deciding:
    """Decides one event after the other; between them, guidance expires as it does by the clock."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        line: LineDefinition,
        history: KnownThen,
        recording: Recording,
    ) -> None:
        self._connection = connection
        self._of_configuration = line
        self._stages = recording.stages
        self._line, self._staged = self._staged_at(recording.stretch.from_ns), 0
        self._history = history
        self._arrival = 0
        self._looked_ns = 0
        self._settlements = deque(recording.settlements)
        self._decided = deque(recording.decided)
        self._divided = deque(recording.divided)
        self._answers = deque(recording.answers)
        self._writes = deque(recording.writes)
        self._kept_from_calling = deque(recording.kept_from_calling)

    def decide(self, recorded: Recorded) -> None:
        """Decide one event with what was known then."""
        event = recorded.event
        self.settle(event.at_ns)
        self._answer(event.at_ns)
        self._let_writes_stand(event.at_ns)
        self._keep_from_calling(event.at_ns)
        self._expire(event.at_ns)
        self._take_stages(event.at_ns)
        self._arrival = recorded.arrival or max(self._arrival, self._history.arrival_at(event.at_ns))
        windows = self._history.windows(windows_needed(event, self._line), arrival=self._arrival)
        decide_batch(self._connection, line=self._line, batch=(Pending(event, windows=windows),), trail=False)

    def _take_stages(self, at_ns: int) -> None:
        """Go on with the stages that people had signed before an instant."""
        if self._staged < len(self._stages) and self._stages[self._staged].at_ns < at_ns:
            self._line = self._staged_at(at_ns)
            self._staged = sum(change.at_ns < at_ns for change in self._stages)

    def _staged_at(self, at_ns: int) -> LineDefinition:
        """Return the line with each model as far as people had let it go by an instant."""
        return with_signed_stages(self._of_configuration, stages_at(self._stages, at_ns))

    def settle(self, until_ns: int) -> None:
        """Let stand what people had settled and decided before an instant; the lots are judged again at once."""
        while self._settlements and self._settlements[0][1].at_ns < until_ns:
            lot, settlement = self._settlements.popleft()
            act, at = SettlePoint(material_lot_id=lot, point_id=settlement.point_id), moment(settlement.at_ns)
            request = ActRequested(
                event_id=settlement.event_id,
                at=at,
                act=act,
                credential=Credential(kind=CredentialKind.SESSION, subject=settlement.person),  # nobody is asked again
                reason=settlement.reason,
            )
            # what a person has settled stands, whatever is decided here; only what follows from it is decided again
            point_settled(self._connection, request, PointSettled(material_lot_id=lot, settlement=settlement))
            self._judge_again(request)
        while self._decided and self._decided[0].at_ns < until_ns:
            self._divide(self._decided[0].at_ns)  # a part is there before it is decided on
            self._judge_again(decide_as_then(self._connection, self._decided.popleft()))
        self._divide(until_ns)

    def _divide(self, until_ns: int) -> None:
        """Let stand which parts of lots people had set apart before an instant."""
        while self._divided and self._divided[0].at_ns < until_ns:
            self._judge_again(divide_as_then(self._connection, self._divided.popleft()))

    def _judge_again(self, request: ActRequested) -> None:
        judge_at_next_start(self._connection, request)
        again = FollowUp(kind=FollowUpKind.JUDGE_AGAIN, subject="", equipment_id=None, from_ns=0, until_ns=0)
        due = FollowUpDue(event_id=request.event_id, at=request.at, follow_up=again)
        decide_batch(self._connection, line=self._line, batch=(Pending(due),), trail=False)

    def _answer(self, until_ns: int) -> None:
        """Let what identified people had answered before an instant stand; nobody is asked again who they were."""
        while self._answers and self._answers[0].at_ns < until_ns:
            given = self._answers.popleft()
            row = self._connection.execute(SQL["guidance_by_id"], {"guidance_id": given.guidance_id}).fetchone()
            changed = None if row is None else moved(decode(Guidance, row["body"]), AFTER_ACT[given.act])
            if changed is not None:
                request = ActRequested(
                    event_id=given.event_id,
                    at=moment(given.at_ns),
                    act=AnswerGuidance(guidance_id=given.guidance_id, answer=given.act),
                    credential=Credential(kind=CredentialKind.SESSION, subject=""),
                    reason="",
                )
                guidance_changed(self._connection, request, changed)

    def _let_writes_stand(self, until_ns: int) -> None:
        """Let stand what was written to PLCs before an instant; nothing is written again."""
        while self._writes and self._writes[0].at_ns < until_ns:
            step = self._writes.popleft()
            let_stand(self._connection, step, moment(step.at_ns))

    def _keep_from_calling(self, until_ns: int) -> None:
        """Let stand which alarms were kept from calling before an instant."""
        while self._kept_from_calling and self._kept_from_calling[0].at_ns < until_ns:
            step = self._kept_from_calling.popleft()
            event_id = identity_of("kept-from-calling", step.name, step.at_ns)
            looked = TimerDue(event_id=event_id, at=moment(step.at_ns), timer=Timer.END_SHELVES)
            keep_from_calling(self._connection, step, looked)

    def _expire(self, until_ns: int) -> None:
        """Let guidance expire at each second until an instant, as the running gateway looks once a second."""
        while self._connection.execute(SQL["expiring_guidance"]).fetchone()[0] and self._looked_ns < until_ns:
            self._looked_ns += SECOND_NS
            self._take_stages(self._looked_ns)
            event_id = identity_of("timer", Timer.EXPIRE_GUIDANCE, self._looked_ns)
            due = TimerDue(event_id=event_id, at=moment(self._looked_ns), timer=Timer.EXPIRE_GUIDANCE)
            decide_batch(self._connection, line=self._line, batch=(Pending(due),), trail=False)
        self._looked_ns = until_ns  # which may be earlier, where the clock was set back
