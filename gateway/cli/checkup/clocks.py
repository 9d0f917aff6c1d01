"""Clocks: ours against what keeps it right, and those of the servers against ours."""

from collections.abc import Iterator, Mapping

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.operations.clock_state import clock_state

_LARGEST_ERROR_SECONDS = 1.0


def host(_seen: Examined) -> Iterator[Remark]:
    """Say whether something keeps this machine's clock right."""
    state = clock_state()
    if state is None:
        yield Remark(state=State.OK, what="whether the clock is kept right cannot be seen from here")
    elif not state.synchronized:
        yield Remark(
            state=State.WARN, what="nothing keeps this machine's clock right (the kernel says: not synchronized)",
            do="let chrony, systemd-timesyncd or ptp4l set it; results are judged by their times",
        )  # fmt: skip
    elif state.largest_error_seconds > _LARGEST_ERROR_SECONDS:
        what = f"this machine's clock may be wrong by {state.largest_error_seconds:.1f} s"
        yield Remark(state=State.WARN, what=what, do="look at the NTP service: chronyc tracking, or timedatectl")
    else:
        yield Remark(state=State.OK, what="this machine's clock is synchronized")


def servers(seen: Examined) -> Iterator[Remark]:
    """Say how far each server's clock is from ours."""
    for name, lead in sorted(_leads(seen).items()):
        table = seen.settings.opcua.get(name)
        if table is None:
            continue
        allowed = table.max_clock_skew
        what = f"the clock of {name} is {abs(lead):.3f} s {'ahead of' if lead >= 0 else 'behind'} ours"
        if abs(lead) <= allowed:
            yield Remark(state=State.OK, what=what, where=f"opcua.{name}")
            continue
        yield Remark(
            state=State.WRONG, what=f"{what}, more than max_clock_skew {allowed:g} s: its values count as bad",
            where=f"opcua.{name}", do='set the right clock; or time = "arrival" where the server\'s cannot be set',
        )  # fmt: skip


def _leads(seen: Examined) -> Mapping[str, float]:
    """Return how far clocks are ahead, as seen now or by the running gateway."""
    told = (
        {} if seen.status is None else {name: float(lead) for name, lead in seen.status["clock_skew_seconds"].items()}
    )
    if seen.visited is not None:
        told |= {facts.name: facts.lead_seconds for facts in seen.visited.facts if facts.lead_seconds is not None}
    return told
