"""What a check stands on, and what it says."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from gateway.cli.broker_probes import Finding
from gateway.config.tables import Settings
from gateway.line.definition import LineDefinition
from gateway.transport.opcua_facts import ServerFacts


class State(IntEnum):
    """How a matter stands, the worse the higher."""

    OK = 0
    WARN = 1
    WRONG = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """One line of the page: what holds, where, and what to do about it."""

    state: State
    what: str
    where: str = ""
    do: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visited:
    """What was learned at servers and broker; None: nobody went there."""

    facts: tuple[ServerFacts, ...] = ()
    tags: tuple[Finding, ...] = ()
    writes: tuple[Finding, ...] = ()
    broker: tuple[Finding, ...] = ()
    broker_certificate: bytes | None = None  # DER, as the broker presents it


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """Everything that checks look at, gathered before.

    ``line``: None where bundles or connections cannot be used. ``status``: of the running gateway, None where none
    answers. ``store``: None where there is none that can be read. ``visited``: None where nobody connects.
    """

    config: Path
    settings: Settings
    line: LineDefinition | None
    now_ns: int
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    status: Mapping[str, Any] | None = None
    why_no_status: str = ""
    store: sqlite3.Connection | None = None
    why_no_store: str = ""
    visited: Visited | None = None
    credentials: Mapping[str, Path] = field(default_factory=dict)


Check = Callable[[Examined], Iterable[Remark]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A check: its name, the heading that it stands under, and how it is done."""

    name: str
    group: str
    check: Check
