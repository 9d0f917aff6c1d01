"""Which rows are played, whether that is possible, and remarks on what may surprise. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LablineError
from simulator.play.file import Recording

Progress = Callable[[str, int, int], None]

_FASTEST_SECONDS = 0.1  # a row; models are due no faster
_LONGEST_BEGIN_SECONDS = 3600.0
_LONG_PLAY_SECONDS = 3600.0
_MANIFEST = "bundle.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayOptions:
    """What is to be played: ``rows`` from ``first`` on, after ``lead`` rows that only fill the windows."""

    speed: float
    first: int
    rows: int | None
    lead: int
    bundle: Path | None = None
    more_bundles: tuple[Path, ...] = ()  # of the same line, that predict other analytes
    begin_after_seconds: float
    opcua_port: int | None = None
    on_progress: Progress = lambda *_: None
    on_stage: Callable[[str, int], None] = lambda _url, _port: None

    @property
    def bundles(self) -> tuple[Path, ...]:
        """Return all bundles that the gateway is started with."""
        return () if self.bundle is None else (self.bundle, *self.more_bundles)


def stretch(recording: Recording, options: PlayOptions) -> tuple[int, int]:
    """Return the first row that is played and the row after the last; raises LablineError where it cannot be played."""
    if not math.isfinite(options.speed) or options.speed <= 0:
        raise LablineError(f"{options.speed:g} is no speed", hint="such as --speed 60")
    if not 0 <= options.begin_after_seconds <= _LONGEST_BEGIN_SECONDS:
        raise LablineError(
            f"{options.begin_after_seconds:g} s is no time to begin after",
            hint=f"--begin-after takes 0 to {_LONGEST_BEGIN_SECONDS:g} seconds",
        )
    begin = max(0, options.first - options.lead)
    end = len(recording) if options.rows is None else min(len(recording), options.first + options.rows)
    if not 0 <= options.first < end:
        raise LablineError(f"there is no row {options.first} to begin with", hint=f"there are {len(recording)} rows")
    if recording.period_seconds / options.speed < _FASTEST_SECONDS:
        fastest = recording.period_seconds / _FASTEST_SECONDS
        raise LablineError(
            f"at {options.speed:g} times a row takes less than {_FASTEST_SECONDS:g} s",
            hint=f"play it at {fastest:g} times at most",
        )
    for bundle in options.bundles:
        if not (bundle / _MANIFEST).is_file():
            raise LablineError(f"{bundle} is no bundle", hint=f"name the folder that holds {_MANIFEST}")
    return begin, end


def remarks(recording: Recording, options: PlayOptions) -> list[str]:
    """Return remarks on what may surprise the person who plays; raises LablineError as ``stretch`` does."""
    begin, end = stretch(recording, options)
    texts = []
    if options.rows is not None and options.first + options.rows > end:
        texts.append(f"{end - options.first} rows count, not {options.rows}: the recording has {len(recording)} rows")
    if options.first - begin < options.lead:
        texts.append(f"{options.first - begin} rows lead, not {options.lead}: no more are before row {options.first}")
    texts += [
        f"no laboratory result comes in rows {begin} to {end - 1}{f', of {item.analyte}' if recording.others else ''}"
        for item in (recording, *recording.others) if not item.measured_in(begin, end)
    ]  # fmt: skip
    last_ns = int(recording.since_first_ns[end - 1] - recording.since_first_ns[begin])
    seconds = options.begin_after_seconds + (last_ns / 1e9 + recording.period_seconds) / options.speed
    if seconds > _LONG_PLAY_SECONDS:
        texts.append(f"it takes {seconds / 3600:.1f} hours at {options.speed:g} times; --speed makes it faster")
    return texts
