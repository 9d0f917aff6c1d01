"""``labline bench fuzz``: every parser in turn, for as long as is said; crashes, hangs and growth of memory."""

import time
from collections.abc import Callable, Sequence
from itertools import count

from gateway.errors import LablineError
from simulator.bench.fuzz.parsers import PARSERS
from simulator.bench.fuzz.running import Outcome, Parser, fuzzed
from simulator.bench.measuring import Figure, Goal

_SECONDS, _SMALL_SECONDS = 600.0, 30.0
_ROUND = 2000  # inputs of a parser, before it is another one's turn
_MOST_GROWTH_MIB = 64.0  # of the process, over all inputs of a parser
_SHOWN_BYTES = 60


def measure(
    small: bool,  # noqa: FBT001 - every bench takes it
    *,
    seconds: float | None = None,
    seed: int = 1,
    only: Sequence[str] | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> dict[str, Figure]:
    """Return how many inputs were taken, and what they did; ``only``: parsers by name."""
    parsers = _chosen(only)
    until = time.monotonic() + (seconds or (_SMALL_SECONDS if small else _SECONDS))
    outcomes = _rounds(parsers, seed=seed, until=until)
    for outcome in outcomes.values():
        on_progress(_line(outcome))
    return {
        "executions": Figure(value=sum(outcome.executions for outcome in outcomes.values()), unit="inputs"),
        "crashes": _none(sum(len(outcome.crashes) for outcome in outcomes.values()), "inputs"),
        "hangs": _none(sum(len(outcome.hangs) for outcome in outcomes.values()), "inputs of more than 1 s"),
        "slowest": Figure(value=max(outcome.slowest_seconds for outcome in outcomes.values()), unit="s"),
        "growth": Figure(
            value=max(outcome.growth_bytes for outcome in outcomes.values()) / 2**20, unit="MiB of one parser",
            goal=Goal(op="<=", value=_MOST_GROWTH_MIB),
        ),
        **{f"executions.{name}": Figure(value=outcome.executions, unit="inputs") for name, outcome in outcomes.items()},
    }  # fmt: skip


def _chosen(only: Sequence[str] | None) -> Sequence[Parser]:
    names = [parser.name for parser in PARSERS]
    unknown = [name for name in only or () if name not in names]
    if unknown:
        raise LablineError(f"there is no parser {unknown[0]}", hint=f"parsers are: {', '.join(names)}")
    return [parser for parser in PARSERS if not only or parser.name in only]


def _rounds(parsers: Sequence[Parser], *, seed: int, until: float) -> dict[str, Outcome]:
    """Return what came of each parser's inputs, in rounds until the time is over, of which each has a share."""
    outcomes = {parser.name: Outcome(parser.name) for parser in parsers}
    share = max(0.1, (until - time.monotonic()) / len(parsers))
    for number in count():
        for parser in parsers:
            ends = min(until, time.monotonic() + share)
            numbers = range(number * _ROUND, (number + 1) * _ROUND)
            outcomes[parser.name].add(fuzzed(parser, seed=seed, numbers=numbers, until=ends))
        if time.monotonic() >= until:
            return outcomes
    raise AssertionError


def _none(value: float, unit: str) -> Figure:
    return Figure(value=value, unit=unit, goal=Goal(op="==", value=0))


def _line(outcome: Outcome) -> str:
    """Return what came of a parser's inputs, with what gives each finding again."""
    line = (
        f"{outcome.parser}: {outcome.executions} inputs, {outcome.refused} refused, "
        f"slowest {outcome.slowest_seconds:.3f} s, growth {outcome.growth_bytes / 2**20:.1f} MiB"
    )
    findings = [
        f"  {kind} at input {finding.number}: {finding.what} {finding.content[:_SHOWN_BYTES]!r}"
        for kind, found in (("crash", outcome.crashes), ("hang", outcome.hangs))
        for finding in found
    ]
    return "\n".join([line, *findings])
