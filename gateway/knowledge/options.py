"""What searches and answers stand on besides the records: the index, and words that mean the same."""

from dataclasses import dataclass, field

from gateway.knowledge.catching_up import MOST_BYTES
from gateway.knowledge.meaning import Meaning
from gateway.knowledge.synonyms import Synonyms, synonyms_of, usual_groups


@dataclass(frozen=True, kw_only=True)
class KnowledgeOptions:
    """As the configuration has it; ``enabled``: whether the running gateway keeps the index.

    ``meaning``: what compares texts besides their words; None: nothing does.
    """

    enabled: bool = True
    most_bytes: int = MOST_BYTES
    synonyms: Synonyms = field(default_factory=lambda: synonyms_of(usual_groups()))
    meaning: Meaning | None = None
