"""From ``[[alarms.suppress]]`` to the rules by which alarms are suppressed by design, and what is wrong with them."""

import difflib
from collections.abc import Iterator

from gateway.advice.gateway_alarms import GatewayAlarm, is_critical, kind_of
from gateway.config.alarm_tables import SuppressTable
from gateway.config.tables import Settings
from gateway.line.alarm_rules import PlantCondition, SuppressionRule, TagCondition
from gateway.time_units import seconds_to_ns

KeyProblem = tuple[str, str, str]


def suppressions_of(settings: Settings) -> tuple[SuppressionRule, ...]:
    """Return the rules by which alarms are suppressed."""
    return tuple(_rule(table) for table in settings.alarms.suppress)


def suppression_problems(settings: Settings) -> list[KeyProblem]:
    """Return what is wrong with the tables: names that are not there, and alarms that are never suppressed."""
    problems: list[KeyProblem] = []
    names = [table.name for table in settings.alarms.suppress]
    for at, table in enumerate(settings.alarms.suppress, start=1):
        key = f"alarms.suppress[{at}]"
        if table.name in names[: at - 1]:
            problems.append((f"{key}.name", f"{table.name} is there already", "give each rule a name of its own"))
        problems += [(f"{key}.{where}", message, hint) for where, message, hint in _unknown_names(table, settings)]
        problems += [(f"{key}.alarms", message, hint) for message, hint in _unfit_alarms(table)]
    return problems


def _unknown_names(table: SuppressTable, settings: Settings) -> Iterator[KeyProblem]:
    if table.tag is not None and table.tag not in settings.tags:
        yield "tag", f"there is no [tags.{table.tag}]", _near(table.tag, list(settings.tags))
    for source in table.sources:
        if source not in settings.opcua:
            yield "sources", f"there is no [opcua.{source}]", _near(source, list(settings.opcua))
    equipments = {tag.equipment for tag in settings.tags.values()} | {model.equipment for model in settings.model}
    if table.equipment not in equipments:
        hint = _near(table.equipment, sorted(equipments))
        yield "equipment", f"no tag and no model is of equipment {table.equipment}", hint
    analytes = {item.analyte for item in settings.specification} | set(settings.lims.analytes.values())
    for analyte in table.analytes:
        if analytes and analyte not in analytes:
            yield "analytes", f"no specification and no test is of {analyte}", _near(analyte, sorted(analytes))


def _unfit_alarms(table: SuppressTable) -> Iterator[tuple[str, str]]:
    for code in table.alarms:
        if kind_of(code)[0] is GatewayAlarm.OTHER:
            near = difflib.get_close_matches(code, list(GatewayAlarm), n=1)
            yield f"{code} is no alarm of the gateway", f"did you mean {near[0]}?" if near else "docs/operations.md"
        elif is_critical(code):
            yield f"{code} is critical, and is never suppressed", "take it out of the list"


def _near(name: str, known: list[str]) -> str:
    by_small_letters = {item.lower(): item for item in known}
    near = difflib.get_close_matches(name.lower(), by_small_letters, n=1)
    return f"did you mean {by_small_letters[near[0]]}?" if near else f"there are: {', '.join(known) or 'none'}"


def _rule(table: SuppressTable) -> SuppressionRule:
    tag = table.tag and TagCondition(
        tag=table.tag,
        above=table.above,
        below=table.below,
        hysteresis=table.hysteresis,
        max_age_ns=None if table.max_age is None else seconds_to_ns(table.max_age),
    )
    return SuppressionRule(
        name=table.name,
        equipment_id=table.equipment,
        condition=PlantCondition(
            production=table.production,
            states=frozenset(table.states),
            products=frozenset(table.products),
            tag=tag or None,
        ),
        warnings=table.warnings,
        analytes=frozenset(table.analytes),
        sources=frozenset(table.sources),
        codes=frozenset(table.alarms),
        longest_ns=seconds_to_ns(table.longest),
    )
