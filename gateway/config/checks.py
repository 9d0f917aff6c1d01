"""Errors and doubts between tables of a configuration that are right by themselves. Pure."""

import difflib
import math
import re
from pathlib import Path
from string import Formatter

from gateway.config.history_doubts import history_doubts
from gateway.config.laboratory_tables import SpecificationTable
from gateway.config.sparkplug_checks import sparkplug_problems
from gateway.config.suppressions import suppression_problems
from gateway.config.tables import Settings, SiteTable
from gateway.contract.lims.numbers import number_text
from gateway.contract.times import parse_rfc3339
from gateway.contract.topics import is_shared, unshared
from gateway.errors import Problem
from gateway.lab.units import is_known
from gateway.line.definition import Stage
from gateway.records.laboratory import ResultStatus

_EXPIRED_ADVICE = (
    "mqtt.protocol is 3.1.1: messages do not expire at the broker, so a terminal that was away and has a persistent "
    "session gets advice that has expired; use MQTT 5, or clean sessions, and let terminals look at expires_at"
)
_UNSEEN_REFUSALS = (
    "mqtt.protocol is 3.1.1: a message that the broker refuses looks as if it were sent, and the broker does not tell "
    "its largest message; use MQTT 5, or check max_packet_size at the broker, and the rights with check --loop-back"
)
_OWN_TOPICS = "give each kind of message topics of its own"
_LONGEST_ROOT_BYTES = 1024  # of 65,535 that a topic may have
_SHARE_GROUP = re.compile(r"[^+#/]+")  # MQTT 5.0, 4.8.2


def contradictions(path: Path, settings: Settings) -> list[Problem]:
    """Return the errors between tables that are right by themselves, such as a tag of a server that is not there."""
    problems = [
        *_source_problems(settings),
        *_specification_problems(settings),
        *_control_problems(settings),
        *_topic_problems(settings),
        *suppression_problems(settings),
        *sparkplug_problems(settings),
    ]
    return [Problem(file=str(path), key=key, message=message, hint=hint) for key, message, hint in problems]


def doubts(settings: Settings) -> list[str]:
    """Return warnings about what can be used but is hardly meant: each with its key, what is odd and what to do."""
    return [
        *_unit_doubts(settings),
        *_specification_doubts(settings),
        *_required_doubts(settings),
        *_model_doubts(settings),
        *_stage_doubts(settings),
        *_time_doubts(settings),
        *history_doubts(settings),
        *_broker_doubts(settings),
    ]


def _model_doubts(settings: Settings) -> list[str]:
    equipments = sorted({tag.equipment for tag in settings.tags.values()})
    warnings = []
    for at, model in enumerate(settings.model, start=1):
        if model.equipment in equipments:
            continue
        folded = {name.casefold(): name for name in equipments}
        near = difflib.get_close_matches(model.equipment.casefold(), folded, n=1)
        hint = f"did you mean {folded[near[0]]}?" if near else f"tags are on: {', '.join(equipments) or 'none'}"
        warnings.append(f"model[{at}].equipment: no tag is on {model.equipment}, so it may find no lot; {hint}")
    return warnings


def _stage_doubts(settings: Settings) -> list[str]:
    """Return warnings about models that may write setpoints though nobody has signed their stage."""
    if settings.approval.signed_stages or settings.approval.trusted_keys is not None:
        return []
    return [
        f"model[{at}].stage is {model.stage.name.lower()} without a signature: [approval] signed_stages is false"
        for at, model in enumerate(settings.model, start=1)
        if model.stage > Stage.ADVISE
    ]


def _time_doubts(settings: Settings) -> list[str]:
    """Return warnings about durations that are too short for their purpose."""
    short_lived = [
        f"model[{at}].expires_after is shorter than every: its advice expires before the model predicts again"
        for at, model in enumerate(settings.model, start=1)
        if model.expires_after < model.every
    ]
    slow = [
        f"tags.{name}.max_age is shorter than publishing_interval of opcua.{tag.source}: values can be too old for a "
        "model when they arrive"
        for name, tag in settings.tags.items()
        if tag.source in settings.opcua and tag.max_age < settings.opcua[tag.source].publishing_interval
    ]
    return [*short_lived, *slow]


def _broker_doubts(settings: Settings) -> list[str]:
    warnings = []
    if settings.mqtt.protocol == "3.1.1":
        warnings += [_EXPIRED_ADVICE, _UNSEEN_REFUSALS]
    for key, topic in (("lims.topic", settings.lims.topic), ("mes.topic", settings.mes.topic)):
        if is_shared(topic):
            warnings.append(
                f"{key} is a shared subscription: this line does not get what other members of its group take"
            )
    return warnings


def _unit_doubts(settings: Settings) -> list[str]:
    stated = [
        *((f"tags.{name}.unit", tag.unit) for name, tag in settings.tags.items()),
        *((f"specification[{at}].unit", table.unit) for at, table in enumerate(settings.specification, start=1)),
        *((f"control[{at}].unit", table.unit) for at, table in enumerate(settings.control, start=1)),
    ]
    return [
        f'{key} "{unit}" is not a known unit: values in other units cannot be converted; docs/laboratory.md lists units'
        for key, unit in stated
        if not is_known(unit)
    ]


def _specification_doubts(settings: Settings) -> list[str]:
    warnings = []
    for at, table in enumerate(settings.specification, start=1):
        key, bands = f"specification[{at}]", table.bands
        for side, limit in (("below the lower", table.lower), ("above the upper", table.upper)):
            if table.target is None or limit is None:
                continue
            if table.target < limit if side.startswith("below") else table.target > limit:
                comparison = f"{number_text(table.target)} is {side} limit {number_text(limit)}"
                warnings.append(f"{key}.target {comparison}: correct one of them")
        if bands is not None and not (bands.review[0] <= bands.release[0] and bands.release[1] <= bands.review[1]):
            warnings.append(
                f"{key}.bands are reversed: release {_band(bands.release)} does not lie within review "
                f"{_band(bands.review)}, so no value between them is for review; exchange them"
            )
    return warnings


def _required_doubts(settings: Settings) -> list[str]:
    """Return a warning where lots may wait for ever: a required test needs an approved result, and none may come."""
    assumed = settings.lims.assume_status
    required = [str(at) for at, table in enumerate(settings.specification, start=1) if table.required]
    if not required or assumed in {None, ResultStatus.APPROVED}:
        return []
    keys = f"specification[{', '.join(required)}].required"
    why = f"{keys} needs an approved result, but lims.assume_status is {assumed}"
    return [f"{why}: lots stay pending if the laboratory's messages never say approved"]


def _band(band: tuple[float, float]) -> str:
    return f"{number_text(band[0])} to {number_text(band[1])} %"


KeyProblem = tuple[str, str, str]  # the key in the configuration, what is wrong, what to do


def _source_problems(settings: Settings) -> list[KeyProblem]:
    problems = []
    for name, tag in settings.tags.items():
        if tag.source not in settings.opcua:
            sources = ", ".join(f"opcua.{source}" for source in settings.opcua) or "none"
            problems.append((f"tags.{name}.source", f"there is no [opcua.{tag.source}]", f"sources are: {sources}"))
    for name, server in settings.opcua.items():
        if server.security != "None" and (server.certificate is None or server.server_certificate is None):
            message = f"{server.security} needs certificate and server_certificate"
            hint = f"set both to files; the private key is credential opcua_{name}_key.pem (docs/operations.md)"
            problems.append((f"opcua.{name}.security", message, hint))
        if server.sampling_interval > server.publishing_interval:
            key = f"opcua.{name}.sampling_interval"
            problems.append((key, "is longer than publishing_interval", "set it to publishing_interval or less"))
    return problems


def _specification_problems(settings: Settings) -> list[KeyProblem]:
    problems = []
    for at, later in enumerate(settings.specification, start=1):
        for earlier in settings.specification[: at - 1]:
            if _of_the_same(earlier, later) and _at_the_same_time(earlier, later):
                message = f"{later.product} already has a specification of {later.analyte}"
                message += f" for {later.client}" if later.client else ""
                hint = "keep one of them, or set effective_until of the older to effective_from of the newer"
                problems.append((f"specification[{at}]", message, hint))
                break
    return problems


def _control_problems(settings: Settings) -> list[KeyProblem]:
    known = [(control.material, control.analyte) for control in settings.control]
    return [
        (f"control[{at}]", f"{control.material} already has a value of {control.analyte}", "keep one of them")
        for at, control in enumerate(settings.control, start=1)
        if (control.material, control.analyte) in known[: at - 1]
    ]


def _of_the_same(first: SpecificationTable, second: SpecificationTable) -> bool:
    return (first.product, first.analyte, first.client) == (second.product, second.analyte, second.client)


def _at_the_same_time(first: SpecificationTable, second: SpecificationTable) -> bool:
    return _begins(first) < _ends(second) and _begins(second) < _ends(first)


def _begins(table: SpecificationTable) -> float:
    return -math.inf if table.effective_from is None else parse_rfc3339(table.effective_from)


def _ends(table: SpecificationTable) -> float:
    return math.inf if table.effective_until is None else parse_rfc3339(table.effective_until)


def _topic_problems(settings: Settings) -> list[KeyProblem]:
    wrong = _root_problem(settings)
    if wrong is not None:
        hint = "write words and {enterprise}, {site}, {area} or {line}, with / between them"
        return [("mqtt.topic_root", wrong, hint)]
    return _filter_problems(settings)


def _root_problem(settings: Settings) -> str | None:
    """Return why no message can be published below the topic root, or None if it is right."""
    try:
        parts = list(Formatter().parse(settings.mqtt.topic_root))
    except ValueError as error:
        return f"cannot be filled in: {error}"
    named = [name for _, name, _, _ in parts if name is not None]
    unknown = [name for name in named if name not in SiteTable.model_fields]
    if unknown or any(form or conversion for _, _, form, conversion in parts):
        return f"cannot be filled in: {{{unknown[0]}}} is not known" if unknown else "must have plain names in { }"
    root = settings.topic_root
    if not root.isprintable() or "" in root.split("/"):
        return f"{root!r} has an empty level or invisible characters"
    if root.startswith("$"):
        return f"{root} belongs to the broker itself: nobody may publish there"
    return "is too long for a topic" if len(root.encode()) > _LONGEST_ROOT_BYTES else None


def _reaches(levels: list[str], root: list[str]) -> bool:
    """Return whether a filter may match topics below a root."""
    for at, level in enumerate(levels):
        if level == "#" or at >= len(root):
            return True
        if level not in {"+", root[at]}:
            return False
    return False


def _takes_all_of(wide: str, narrow: str) -> bool:
    """Return whether a wide filter takes every topic of a narrow one, and more."""
    if wide == narrow:
        return False
    levels = narrow.split("/")
    for at, level in enumerate(wide.split("/")):
        if level == "#":
            return True
        if at >= len(levels) or level not in {"+", levels[at]}:
            return False
    return len(wide.split("/")) == len(levels)


def _filter_problems(settings: Settings) -> list[KeyProblem]:
    """Return (key, message, hint) for topic filters that are not valid, or that also match other messages."""
    problems = []
    filters = {"lims.topic": settings.lims.topic, "mes.topic": settings.mes.topic}
    if settings.master_data.topic is not None:
        filters["master_data.topic"] = settings.master_data.topic
    for key, whole in filters.items():
        text = unshared(whole)
        levels = text.split("/")
        misplaced = any(("#" in level and (level != "#" or at < len(levels) - 1)) or ("+" in level and level != "+")
                        for at, level in enumerate(levels))  # fmt: skip
        if not text or misplaced or levels[0].startswith("$") or not text.isprintable():
            hint = "write one such as lims/results/#; # may only be the last level, and + only a whole level"
            problems.append((key, f"{whole!r} is no topic filter", hint))
        elif is_shared(whole) and not _SHARE_GROUP.fullmatch(whole.split("/")[1]):
            problems.append((key, f"{whole!r} names no group", "write it as $share/labline/lims/results/#"))
        elif _reaches(levels, settings.topic_root.split("/")):
            hint = f"use a filter that matches nothing below {settings.topic_root}"
            problems.append((key, "also matches what the gateway itself publishes", hint))
    filters = {key: unshared(text) for key, text in filters.items()}
    for key, text in filters.items():
        before = next((other for other, taken in filters.items() if taken == text), key)
        if before != key:
            problems.append((key, f"is the same as {before}", _OWN_TOPICS))
        other = next((name for name, taken in filters.items() if name != key and _takes_all_of(taken, text)), None)
        if before == key and other is not None:
            problems.append((key, f"is also matched by {other}", _OWN_TOPICS))
    return problems
