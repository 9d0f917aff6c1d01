"""Gives a parser many inputs and watches: what it raises, how long it computes, how much memory it keeps."""

import gc
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

from simulator.bench.fuzz.mutation import mutated

LONGEST_SECONDS = 1.0  # of the processor, for one input; by the wall a busy machine would be blamed
_INTERRUPTED_AFTER_SECONDS = 5.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LITTLE_BYTES = 2**20  # of growth, which says nothing
_MOST_KEPT = 20  # findings of one parser

Run = Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parser:
    """A parser that strangers can reach.

    Attributes:
        name: of the row, as ``--only`` takes it.
        reached_by: who can send it something.
        examples: returns inputs that it understands.
        make: opens the function that takes an input. Whatever it raises but ``refuses`` is a finding.
        refuses: how it says that it does not understand.
    """

    name: str
    reached_by: str
    examples: Callable[[], Sequence[bytes]]
    make: Callable[[], AbstractContextManager[Run]]
    refuses: tuple[type[Exception], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An input on which a parser failed; ``number`` gives it again with the same seed."""

    parser: str
    number: int
    what: str
    content: bytes


@dataclass(slots=True)
class Outcome:
    """What came of a parser's inputs; ``growth_bytes``: of the process, from after the first inputs to the last."""

    parser: str
    executions: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    growth_bytes: int = 0
    crashes: list[Finding] = field(default_factory=list)
    hangs: list[Finding] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Count what came of more inputs, too."""
        self.executions += other.executions
        self.refused += other.refused
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.growth_bytes += other.growth_bytes
        self.crashes += other.crashes
        self.hangs += other.hangs


class HangError(BaseException):
    """An input kept the processor for seconds. No parser may take it for an error of its own."""


def fuzzed(parser: Parser, *, seed: int, numbers: range, until: float | None = None) -> Outcome:
    """Return what came of the inputs with these numbers; ``until``: on the monotonic clock, when to stop earlier."""
    outcome, examples = Outcome(parser.name), parser.examples()
    warm = max(50, len(numbers) // 10)
    at_first = 0
    with _interrupting(), _quiet(), parser.make() as run:
        for example in examples:
            _execute(parser, run, example, number=-1, outcome=outcome)
        for number in numbers:
            if until is not None and time.monotonic() > until:
                break
            if outcome.executions == warm:
                at_first = resident_bytes()
            _execute(parser, run, input_of(parser, seed, number, examples), number=number, outcome=outcome)
    if at_first and resident_bytes() > at_first + _LITTLE_BYTES:
        gc.collect()
        outcome.growth_bytes = max(0, resident_bytes() - at_first)
    return outcome


def input_of(parser: Parser, seed: int, number: int, examples: Sequence[bytes]) -> bytes:
    """Return an input of a parser."""
    return mutated(random.Random(f"{seed} {parser.name} {number}"), examples)


def resident_bytes() -> int:
    """Return how much memory the process has now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


def _execute(parser: Parser, run: Run, content: bytes, *, number: int, outcome: Outcome) -> None:
    begun = time.process_time()
    what = ""
    signal.setitimer(signal.ITIMER_PROF, _INTERRUPTED_AFTER_SECONDS)
    try:
        run(content)
    except parser.refuses:
        outcome.refused += 1
    except HangError:
        what = "interrupted"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        what = f"{type(error).__name__}: {error}"[:200]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - begun
    outcome.executions += 1
    outcome.slowest_seconds = max(outcome.slowest_seconds, seconds)
    finding = Finding(parser=parser.name, number=number, what=what or f"{seconds:.1f} s", content=content)
    if seconds > LONGEST_SECONDS and len(outcome.hangs) < _MOST_KEPT:
        outcome.hangs.append(finding)
    elif what and len(outcome.crashes) < _MOST_KEPT:
        outcome.crashes.append(finding)


@contextmanager
def _quiet() -> Iterator[None]:
    """Have nothing logged: of each input something would be."""
    before, root = structlog.get_config(), logging.getLogger()
    level = root.level
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    root.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        root.setLevel(level)
        structlog.configure(**before)


@contextmanager
def _interrupting() -> Iterator[None]:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGPROF, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)
