"""The trace of an id as lines for people: what happened and why, each record once, ids in full.

The tree itself (``store/queries/tracing``) has all of it; ``--json`` and ``--all`` show it. Here each thing is said
once, states and audit lines stand in one line, and a reason stands below what it is the reason of.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.store.queries.tracing import Node

_FOLDED = ("state", "audit")  # many of a kind, in one line
_PROOFS = frozenset({"hash", "sha256", "features_sha256", "payload_sha256"})
_LEFT_OUT = frozenset({"event"})  # how a message came in; asked for by its own id it is shown
_REASONS, _POINTS = "reasons", "open_points"
_SAID_AS_A_MATTER_OF_COURSE = frozenset({("current", 1), ("latched", 0)})
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A line, and how far it is indented."""

    depth: int
    text: str

    def indented(self) -> str:
        """Return the line as it is printed."""
        return f"{_INDENT * self.depth}{self.text}"


def trace_lines(nodes: Iterable[Node], *, whole: bool = False) -> list[TraceLine]:
    """Return the lines about some trees; ``whole``: everything that is on record, also what was shown above."""
    telling = _Telling(whole=whole)
    return [line for node in nodes for line in telling.tree(node)]


class _Telling:
    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._reasons_given: set[str] = set()
        self._roots: set[str] = set()

    def tree(self, root: Node) -> Iterator[TraceLine]:
        """Yield the lines about a record and all that it leads to; at the end which audit lines are about them."""
        self._roots.add(root.id)
        yield from self.of(root, 0)
        lines = sorted({int(node.id) for node in _all(root) if node.kind == "audit" and node is not root})
        if lines and not self._whole:
            yield TraceLine(1, f"audit line{'' if len(lines) == 1 else 's'} {', '.join(map(str, lines))}")

    def of(self, node: Node, depth: int) -> Iterator[TraceLine]:
        """Yield the lines about a record and what it leads to."""
        marks = f"{' (shown above)' if node.again else ''}{'' if node.holds else ' DAMAGED'}"
        details = ", ".join(
            f"{name.replace('_', ' ')} {_text(value)}"
            for name, value in node.details.items()
            if name not in {_REASONS, _POINTS} and (self._whole or self._is_news(name, value))
        )
        yield TraceLine(depth, f"{node.kind} {node.id}{marks}{': ' if details else ''}{details}")
        yield from _against(node, depth + 1)
        yield from self._why(node, depth + 1)
        for child in node.children:
            if self._whole or not (child.again or child.kind in (*_FOLDED, *_LEFT_OUT)):
                yield from self.of(child, depth + 1)
        if not self._whole:
            yield from _folded(node, depth + 1)

    def _is_news(self, name: str, value: Any) -> bool:
        """Return whether a detail tells the reader something new."""
        if name in _PROOFS or not isinstance(value, str | int):
            return name not in _PROOFS
        return value not in self._roots and (name, value) not in _SAID_AS_A_MATTER_OF_COURSE

    def _why(self, node: Node, depth: int) -> Iterator[TraceLine]:
        """Yield the reasons, each on its own line and once; of those that were given before how many there are."""
        reasons = [_text(reason) for reason in node.details.get(_REASONS) or ()]
        new = reasons if self._whole else [reason for reason in reasons if reason not in self._reasons_given]
        self._reasons_given.update(reasons)
        yield from (TraceLine(depth, f"because {reason}") for reason in new)
        if len(new) < len(reasons):
            count = len(reasons) - len(new)
            yield TraceLine(depth, f"because of {count} reason{'' if count == 1 else 's'} given above")


def _against(node: Node, depth: int) -> Iterator[TraceLine]:
    """Yield what speaks against a lot's release, with the id by which a person settles it."""
    for point in node.details.get(_POINTS) or ():
        yield TraceLine(depth, f"against a release, point {point['point_id']}: {point['text']}")


def _folded(node: Node, depth: int) -> Iterator[TraceLine]:
    states = [child for child in node.children if child.kind == "state"]
    if states:
        times = ", ".join(f"{child.details.get('state')} {child.details.get('at')}" for child in states)
        yield TraceLine(depth, f"states: {times}")


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "; ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return str(value.get("text") or value.get("tag") or value)
    return str(value)
