"""What should have left: messages that wait, that the broker refused, and what came in and was not understood."""

from collections.abc import Iterator

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.records.sink_deliveries import DeliveryState
from gateway.store.queries.readers import depths
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_LONG_SECONDS = 300.0
_RETRY = "find out why (labline buffer parked), then labline buffer retry --parked"


def waiting(seen: Examined) -> Iterator[Remark]:
    """Say how many messages wait, and for how long."""
    if seen.store is None:
        yield Remark(state=State.WARN, what=f"not examined: {seen.why_no_store}")
        return
    queued = depths([tuple(row) for row in seen.store.execute(SQL["depths"])])
    count, oldest = sum(queued.messages.values()), queued.oldest_seconds(seen.now_ns)
    what = f"{count} messages wait, the oldest for {oldest:.0f} s" if count else "no message waits"
    late = count > 0 and oldest > _LONG_SECONDS
    do = "does the gateway run, and is the broker there? They are sent by themselves then" if late else ""
    yield Remark(state=State.WARN if late else State.OK, what=what, do=do)


def parked(seen: Examined) -> Iterator[Remark]:
    """Say whether the broker has refused messages."""
    if seen.store is not None:
        count = depths([tuple(row) for row in seen.store.execute(SQL["depths"])]).parked
        if count:
            yield Remark(state=State.WRONG, what=f"the broker refused {count} messages: they are parked", do=_RETRY)


def deliveries(seen: Examined) -> Iterator[Remark]:
    """Say whether systems that are told over HTTP take it."""
    if seen.store is None or not seen.settings.sinks:
        return
    told = dict.fromkeys(seen.settings.sinks, 0)
    for sink, state, count, oldest_ns in seen.store.execute(SQL["delivery_counts"]):
        told[sink] = told.get(sink, 0) + count
        if state == DeliveryState.REFUSED:
            yield Remark(
                state=State.WRONG, what=f"{sink} has refused {count} deliveries",
                do="labline buffer deliveries --state refused says why; then labline buffer retry ID",
            )  # fmt: skip
        elif (seen.now_ns - oldest_ns) / SECOND_NS > _LONG_SECONDS:
            yield Remark(
                state=State.WARN, what=f"{count} deliveries wait for {sink}, the oldest for longer than 5 minutes",
                do="labline buffer deliveries shows its answers; is it there, and are the credentials right?",
            )  # fmt: skip
    taken = [sink for sink in seen.settings.sinks if not told[sink]]
    if taken:
        yield Remark(state=State.OK, what=f"nothing waits for {', '.join(taken)}")


def dead_letters(seen: Examined) -> Iterator[Remark]:
    """Say whether messages came that were not understood."""
    if seen.store is not None:
        (count,) = seen.store.execute(SQL["dead_letter_count"]).fetchone()
        if count:
            yield Remark(
                state=State.WARN, what=f"{count} messages were not understood",
                do="labline buffer dead-letters says why; correct the mapping, then labline buffer retry ID",
            )  # fmt: skip
