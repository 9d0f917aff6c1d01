"""What an answer stands on: the records, the line, the instant, who asks and in which language."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.copilot.answers import Answer, Outcome, Saying, sentence
from gateway.copilot.slots import Names, Slots
from gateway.knowledge.meaning import Meaning
from gateway.knowledge.searching import Searched
from gateway.knowledge.synonyms import Synonyms
from gateway.line.definition import LineDefinition
from gateway.records.scope import Scope
from gateway.records.sight import Sight
from gateway.store.facts.reading import Reading
from gateway.store.queries.seen import Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks. ``known``: whether they have shown who they are; a guest at a terminal has not."""

    name: str
    known: bool
    sight: Sight
    place: str = "console"  # or the terminal


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every reader receives. ``searched``: None where there is no index yet. ``contacts``: by subject.

    ``meaning``: what ranks texts besides their words, where there is something; it is never asked for facts.
    """

    state: sqlite3.Connection
    line: LineDefinition
    now_ns: int
    asker: Asker
    language: str
    synonyms: Synonyms
    searched: Searched | None
    contacts: Mapping[str, str] = field(default_factory=dict)
    meaning: Meaning | None = None

    @property
    def names(self) -> Names:
        """Where names are looked for."""
        return Names(connection=self.state, line=self.line, synonyms=self.synonyms, sight=self.asker.sight,
                     now_ns=self.now_ns)  # fmt: skip

    @property
    def seen(self) -> Seen:
        """What who asks may see of the records."""
        return Seen(self.state, self.asker.sight)

    def sees(self, scope: Scope, *lots: str | None) -> bool:
        """Return whether who asks may see a record of a scope, which is about lots."""
        return self.seen.all_of(scope, lots=lots)

    def reading(self) -> Reading:
        """Return what reads rows as decisions do, with those left out that do not hold."""
        return Reading(self.state, self.line, {})

    def saying(self) -> Saying:
        """Return an answer to be filled."""
        return Saying(language=self.language)

    def nothing(self, intent: str, code: str, **parameters: object) -> Answer:
        """Return the answer that nothing is on record of what is asked."""
        text = sentence(self.language, code, **parameters)
        return Answer(outcome=Outcome.NOTHING_ON_RECORD, intent=intent, language=self.language, text=text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """A question that is understood: by which intent, with which names, from when on; ``text``: as it was written."""

    intent: str
    slots: Slots
    from_ns: int | None = None
    until_ns: int | None = None
    words: tuple[str, ...] = ()
    text: str = ""


def lot_link(lot: str) -> str:
    """Return where the console shows a lot."""
    return f"#/lots/{quote(lot, safe='')}"
