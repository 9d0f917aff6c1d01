"""What a bench reports: figures, each with its unit, its floor, the goal and whether that holds."""

import operator
import os
import platform
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le, "==": operator.eq}
_LIBRARIES = ("asyncua", "paho-mqtt", "numpy", "onnxruntime", "zstandard")


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What a figure, or its ratio to the floor where it has one, is to be."""

    op: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number."""

    value: float
    unit: str
    floor: float | None = None
    goal: Goal | None = None
    goal_on_value: bool = False

    @property
    def ratio(self) -> float | None:
        """Return value over floor, or None where there is no floor."""
        return None if self.floor is None else self.value / self.floor

    @property
    def holds(self) -> bool | None:
        """Return whether the goal holds, or None where there is none."""
        if self.goal is None:
            return None
        measured = self.value if self.ratio is None or self.goal_on_value else self.ratio
        return _HOLDS[self.goal.op](measured, self.goal.value)

    def document(self, command: str) -> dict[str, Any]:
        """Return the figure as it stands in the report."""
        return {
            "value": round(self.value, 4),
            "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 4),
            "ratio": None if self.ratio is None else round(self.ratio, 4),
            "goal": None if self.goal is None else {"op": self.goal.op, "value": self.goal.value},
            "holds": self.holds,
            "command": command,
        }


def report(name: str, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return a bench's report."""
    return {
        "name": name,
        "machine": {
            "cpus": os.cpu_count(),
            "processor": _processor(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
        },
        "versions": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **{library: version(library) for library in _LIBRARIES},
        },
        "figures": {key: figure.document(f"labline bench {name} --json") for key, figure in figures.items()},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
