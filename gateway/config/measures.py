"""Durations, sizes, rates and times as people write them in the configuration."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from gateway.contract.lims.numbers import number_text
from gateway.contract.times import parse_rfc3339

_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>ms|s|m|h|d)")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>B|KiB|MiB|GiB|TiB)")

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

_RATE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*/\s*(?P<unit>s|m|h)")


def _measure(
    pattern: re.Pattern[str], factors: Mapping[str, float], refusal: str, *, most: tuple[float, str] = (math.inf, "")
) -> BeforeValidator:
    largest, name_of_largest = most

    def read(value: Any) -> float:
        match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"{value!r} {refusal}")
        amount = float(match["number"]) * factors[match["unit"]]
        if not amount <= largest:
            raise ValueError(f"{value!r} is too large: at most {name_of_largest}")
        return amount

    return BeforeValidator(read)


def ordered(limits: tuple[float, float]) -> tuple[float, float]:
    """Return limits as they are; raises ValueError where the lower is not below the upper."""
    if not limits[0] < limits[1]:
        low, high = number_text(limits[0]), number_text(limits[1])
        raise ValueError(f"the lower limit {low} must be below the upper limit {high}")
    return limits


_LONGEST = (36500 * 86400.0, "36500d")  # a hundred years: fits 64 bits of nanoseconds, and MQTT's session expiry

_LARGEST = (2.0**60, "1048576 TiB")

MEASURED_IN_SECONDS = _measure(
    _DURATION, _SECONDS, 'is not a duration: write one such as "500ms", "10s", "5m", "2h" or "7d"', most=_LONGEST
)
Duration = Annotated[float, MEASURED_IN_SECONDS]

MEASURED_IN_BYTES = _measure(_SIZE, _BYTES, 'is not a size: write one such as "512 MiB" or "2 GiB"', most=_LARGEST)
Size = Annotated[float, MEASURED_IN_BYTES]

MEASURED_PER_SECOND = _measure(
    _RATE, {"s": 1.0, "m": 1 / 60, "h": 1 / 3600}, 'is not a rate: write one such as "2.0/s" or "5/m"'
)
Rate = Annotated[float, MEASURED_PER_SECOND, Field(gt=0)]


def duration_text(seconds: float) -> str:
    """Return a duration as the configuration writes it, in the largest unit that needs no fraction."""
    return _in_largest_unit(seconds, _SECONDS, between="", smallest="s")


def size_text(size_bytes: float) -> str:
    """Return a size as the configuration writes it, in the largest unit that needs no fraction."""
    return _in_largest_unit(size_bytes, _BYTES, between=" ", smallest="B")


def rate_text(per_second: float) -> str:
    """Return a rate as the configuration writes it."""
    return f"{per_second:.12g}/s"


class Measure(NamedTuple):
    """A kind of value that is written with its unit; ``name``: with the units that it may have."""

    validator: BeforeValidator
    name: str
    text_of: Callable[[float], str]


MEASURES = (
    Measure(MEASURED_IN_SECONDS, f"duration ({', '.join(_SECONDS)})", duration_text),
    Measure(MEASURED_IN_BYTES, f"size ({', '.join(_BYTES)})", size_text),
    Measure(MEASURED_PER_SECOND, "rate (/s, /m, /h)", rate_text),
)


def _in_largest_unit(amount: float, factors: Mapping[str, float], *, between: str, smallest: str) -> str:
    for unit, factor in sorted(factors.items(), key=lambda item: -item[1]):
        count = amount / factor
        if count >= 1 and math.isclose(count, round(count), rel_tol=1e-12):
            return f"{round(count)}{between}{unit}"
    return f"{amount / factors[smallest]:.12g}{between}{smallest}"


def _time(value: Any) -> Any:
    text = value.isoformat() if isinstance(value, datetime) else value  # TOML has times of its own
    if isinstance(text, str):
        parse_rfc3339(text)
    return text


Time = Annotated[str, BeforeValidator(_time)]
