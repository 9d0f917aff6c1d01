"""From ``[knowledge]`` to what searches and answers stand on."""

from gateway.config.knowledge_tables import EmbeddingsTable
from gateway.config.line_definition import analytes_of
from gateway.config.tables import Settings
from gateway.copilot.options import CopilotOptions
from gateway.knowledge.meaning import Meaning
from gateway.knowledge.options import KnowledgeOptions
from gateway.knowledge.synonyms import Synonyms, read_groups, synonyms_of, usual_groups


def knowledge_options(settings: Settings) -> KnowledgeOptions:
    """Return what searches stand on, and which words mean the same; raises LablineError where a file is wrong."""
    return KnowledgeOptions(
        enabled=settings.knowledge.enabled,
        meaning=None if settings.knowledge.embeddings is None else _meaning(settings.knowledge.embeddings),
        most_bytes=round(settings.knowledge.most),
        synonyms=synonyms_from(settings),
    )


def copilot_options(settings: Settings) -> CopilotOptions:
    """Return whom answers name, and whether terminals are answered."""
    return CopilotOptions(
        contacts={str(subject): contact for subject, contact in settings.copilot.contacts.items()},
        terminals=settings.copilot.terminals,
    )


def _meaning(table: EmbeddingsTable) -> Meaning:
    from gateway.config.embeddings import meaning_of  # noqa: PLC0415 - only where it is configured

    return meaning_of(table)


def synonyms_from(settings: Settings) -> Synonyms:
    """Return Labline's groups with the plant's, and each analyte with the laboratory's names of its tests."""
    path = settings.knowledge.synonyms
    tests: dict[str, list[str]] = {}
    for test, analyte in analytes_of(settings).items():
        tests.setdefault(analyte, [analyte]).append(test)
    named = [[analyte, *settings.sampling.tests.get(analyte, ())] for analyte in settings.sampling.tests]
    own = () if path is None else read_groups(path)
    return synonyms_of((*usual_groups(), *own, *tests.values(), *named))
