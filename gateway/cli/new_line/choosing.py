"""Choosing tags at a prompt: each text narrows the list, numbers take, a minus gives back. No screen is taken over."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gateway.transport.opcua_proposals import FoundVariable

_MOST_SHOWN = 40
_NUMBERS = re.compile(r"-?\s*\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*")
HELP = (
    "  text      show the variables with these words in their path (* and ? stand for any characters)",
    "  1,3-5     take these of the list; a minus in front gives them back: -3",
    "  all       take the whole list that is shown; none: give it back",
    "  list      show what is taken",
    "  (empty)   done",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What is shown and what is taken, as places in all variables."""

    variables: Sequence[FoundVariable]
    shown: tuple[int, ...]
    taken: frozenset[int] = frozenset()
    done: bool = False

    @property
    def chosen(self) -> list[FoundVariable]:
        """Return the taken variables in the server's order."""
        return [self.variables[at] for at in sorted(self.taken)]


def begun(variables: Sequence[FoundVariable]) -> Choice:
    """Return a choice with everything shown and nothing taken."""
    return Choice(variables=variables, shown=tuple(range(len(variables))))


def matching(variables: Sequence[FoundVariable], text: str) -> tuple[int, ...]:
    """Return the places of the variables whose path has all words of a text, whatever the case."""
    words = [word.casefold() for word in text.split()]
    return tuple(
        at for at, variable in enumerate(variables)
        if all(_has(variable.path.casefold(), word) for word in words)
    )  # fmt: skip


def _has(path: str, word: str) -> bool:
    return fnmatch.fnmatchcase(path, f"*{word}*") if any(char in word for char in "*?") else word in path


def after(choice: Choice, line: str) -> tuple[Choice, list[str]]:
    """Return the choice after a person has typed a line, and the lines to show."""
    typed = line.strip()
    answers = {"": [], "?": list(HELP), "list": listed(choice, tuple(sorted(choice.taken)))}
    if typed in answers:
        return replace(choice, done=not typed), answers[typed]
    if typed in {"all", "none"}:
        changed = choice.taken | set(choice.shown) if typed == "all" else choice.taken - set(choice.shown)
        return _with(choice, frozenset(changed))
    if _NUMBERS.fullmatch(typed):
        places = frozenset(choice.shown[number - 1] for number in _numbers(typed) if 0 < number <= len(choice.shown))
        taken = choice.taken - places if typed.startswith("-") else choice.taken | places
        return _with(choice, taken)
    found = matching(choice.variables, typed)
    if not found:
        return choice, [f"no variable has {typed!r} in its path"]
    narrowed = replace(choice, shown=found)
    return narrowed, listed(narrowed, found)


def _with(choice: Choice, taken: frozenset[int]) -> tuple[Choice, list[str]]:
    return replace(choice, taken=taken), [f"{len(taken)} taken; list shows them"]


def _numbers(typed: str) -> set[int]:
    numbers: set[int] = set()
    for part in typed.removeprefix("-").split(","):
        first, _, last = part.strip().partition("-")
        numbers |= set(range(int(first), min(int(last or first), 100_000) + 1))
    return numbers


def listed(choice: Choice, places: tuple[int, ...]) -> list[str]:
    """Return the variables as a tree of their folders, numbered as they are shown; taken ones are marked."""
    numbers = {at: number for number, at in enumerate(choice.shown, start=1)}
    lines = []
    shown = places[:_MOST_SHOWN]
    for folder, inside in groupby(shown, key=lambda at: choice.variables[at].path.rpartition("/")[0]):
        lines.append(f"{folder or '/'}")
        lines += [f"  {numbers.get(at, 0):>4} {'*' if at in choice.taken else ' '} {_row(choice.variables[at])}"
                  for at in inside]  # fmt: skip
    if len(places) > len(shown):
        lines.append(f"  ... and {len(places) - len(shown)} more: type a word of their path")
    return lines


def _row(variable: FoundVariable) -> str:
    limits = "" if variable.limits is None else f", {variable.limits[0]:g} to {variable.limits[1]:g}"
    more = ", writable" if variable.writable else ""
    return f"{variable.name}  {variable.value} {variable.unit or ''}{limits}{more}".rstrip()


def asked(
    variables: Sequence[FoundVariable], ask: Callable[[str], str], show: Callable[[str], None]
) -> list[FoundVariable]:
    """Have a person choose; return the variables taken. ``ask`` shows a prompt and returns what is typed."""
    choice = begun(variables)
    for line in (*listed(choice, choice.shown), "type ? for help"):
        show(line)
    while not choice.done:
        choice, lines = after(choice, ask(f"search, numbers, all, or empty when done [{len(choice.taken)} taken]"))
        for line in lines:
            show(line)
    return choice.chosen
