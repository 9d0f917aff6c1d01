"""Words that mean the same: read from a TOML table, and the plant's own added. Pure but for the files, read once."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.errors import LablineError
from gateway.knowledge.folding import as_phrase, words_of

LONGEST_PHRASE = 4  # words of a name in a group
_MOST_GROUPS, _FEWEST_NAMES, _MOST_NAMES, _LONGEST_NAME = 2000, 2, 40, 80


@dataclass(frozen=True, slots=True)
class Synonyms:
    """By the folded words of a name: all names of its group, itself the first."""

    by_name: Mapping[str, tuple[str, ...]]

    def of(self, phrase: str) -> tuple[str, ...]:
        """Return the names that a folded phrase may be called by; the phrase alone where no group has it."""
        others = self.by_name.get(phrase, ())
        return (phrase, *(name for name in others if name != phrase))

    def knows(self, phrase: str) -> bool:
        """Return whether some group has a folded phrase."""
        return phrase in self.by_name


def synonyms_of(groups: Iterable[Iterable[str]]) -> Synonyms:
    """Return the synonyms of groups of names; a name of several groups means all of them."""
    by_name: dict[str, tuple[str, ...]] = {}
    for group in groups:
        names = tuple(dict.fromkeys(phrase for name in group if (phrase := as_phrase(name))))
        for name in names:
            by_name[name] = tuple(dict.fromkeys((*by_name.get(name, ()), *names)))
    return Synonyms(by_name)


@cache
def usual_groups() -> tuple[tuple[str, ...], ...]:
    """Return the groups that come with Labline."""
    text = files("gateway.knowledge").joinpath("synonyms.toml").read_text(encoding="utf-8")
    return tuple(tuple(group) for group in tomllib.loads(text)["groups"])


def read_groups(path: Path) -> tuple[tuple[str, ...], ...]:
    """Return the groups in a plant's file; raises LablineError with what is wrong and where."""
    hint = 'write groups = [["word", "another word for it"], ...]'
    try:
        groups = tomllib.loads(path.read_text(encoding="utf-8")).get("groups")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LablineError(f"{path} cannot be read: {error}", hint=hint) from error
    if not isinstance(groups, list) or len(groups) > _MOST_GROUPS:
        raise LablineError(f"{path} has no list of at most {_MOST_GROUPS} groups", hint=hint)
    for number, group in enumerate(groups, start=1):
        if not _is_group(group):
            raise LablineError(
                f"{path}: group {number} is no list of {_FEWEST_NAMES} to {_MOST_NAMES} names", hint=hint
            )
    return tuple(tuple(group) for group in groups)


def _is_group(group: object) -> bool:
    return (
        isinstance(group, list)
        and _FEWEST_NAMES <= len(group) <= _MOST_NAMES
        and all(
            isinstance(name, str) and len(name) <= _LONGEST_NAME and 1 <= len(words_of(name)) <= LONGEST_PHRASE
            for name in group
        )
    )
