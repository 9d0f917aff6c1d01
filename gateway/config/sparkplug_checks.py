"""What contradicts ``[sparkplug]`` in other tables. Pure."""

from collections import defaultdict

from gateway.config.tables import Settings

KeyProblem = tuple[str, str, str]


def sparkplug_problems(settings: Settings) -> list[KeyProblem]:
    """Return what contradicts the table elsewhere: names that differ only in their capitals, clients of one name."""
    table = settings.sparkplug
    if table is None:
        return []
    spellings: dict[str, set[str]] = defaultdict(set)
    for model in settings.model:
        spellings[model.equipment.casefold()].add(model.equipment)
    problems = [
        ("sparkplug", f"{' and '.join(sorted(names))} differ only in capitals, which hosts do not tell apart",
         "name one of the equipments otherwise")
        for names in spellings.values() if len(names) > 1
    ]  # fmt: skip
    if table.client_id in {settings.mqtt.client_id, f"{settings.mqtt.client_id}-in"}:
        problems.append(("sparkplug.client_id", "is a client id of [mqtt] already", "choose another, or leave it out"))
    return problems
