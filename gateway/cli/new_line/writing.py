"""The text of a configuration: a new one with comments, and what is new for one that is there. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.config.positions import lines_of_keys
from gateway.config.toml_text import quoted
from gateway.transport.opcua_proposals import FoundVariable

_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 64
ANALYTES = "[lims.analytes]"
_HEADER = (
    "# Written by labline init. labline check --config FILE lists every error at once; with --connect it also\n"
    "# tries each server, tag and right. Every key is explained in deploy/labline.toml.\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What was found and chosen; ``analytes``: the laboratory's names to ours."""

    site: Mapping[str, str]
    store: str
    server: str = "plc1"
    url: str | None = None
    security: str = "None"
    username: str | None = None
    variables: Sequence[FoundVariable] = ()
    equipment: str | None = None
    broker_host: str = "localhost"
    broker_port: int = 8883
    broker_tls: bool = True
    broker_username: str | None = None
    ca_certificate: str | None = None
    broker_certificate: str | None = None
    own_certificate: str = "labline.der"
    trusted: str = "trusted/plc1"
    lims_topic: str = "lims/results/#"
    mapping: str = "canonical"
    analytes: Mapping[str, str] = field(default_factory=dict)
    results: Sequence[Mapping[str, object]] = ()


def slug(text: str, *, otherwise: str) -> str:
    """Return a name of small letters, digits and _ for a text."""
    return _NO_LETTERS.sub("_", text.lower()).strip("_")[:_LONGEST_NAME] or otherwise


def analyte_names(tests: Iterable[str]) -> dict[str, str]:
    """Return our name for each of the laboratory's names of tests, no two the same."""
    names: dict[str, str] = {}
    for test in tests:
        names[test] = _free(slug(test, otherwise="analyte"), set(names.values()))
    return names


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while (numbered := f"{name[: _LONGEST_NAME - 6]}_{number}") in taken:
        number += 1
    return numbered


# --- tags


def tag_tables(variables: Iterable[FoundVariable], answers: Answers, taken: Collection[str] = ()) -> str:
    """Return a table for each variable, with the unit and the range that its server states; no name twice."""
    names, tables = set(taken), []
    for variable in variables:
        name = slug(variable.name, otherwise="tag")
        if name in names:
            name = slug(f"{variable.folder} {variable.name}", otherwise=name)
        name = _free(name, names)
        names.add(name)
        tables.append(_tag_table(name, variable, answers))
    return "\n".join(tables)


def _tag_table(name: str, variable: FoundVariable, answers: Answers) -> str:
    equipment = answers.equipment or _NO_NAME.sub("_", variable.folder)[:_LONGEST_NAME] or "E1"
    about = _one_line(f"{variable.path}: {variable.data_type} {variable.value}")
    lines = [
        f"[tags.{name}]  # {about}",
        f"source = {quoted(answers.server)}",
        f"node = {quoted(variable.node)}",
        f"equipment = {quoted(equipment)}",
        f"unit = {quoted(variable.unit)}"
        if variable.unit
        else 'unit = "1"  # the server states none: which one is it?',
    ]
    if variable.limits is not None:
        low, high = variable.limits
        lines.append(
            f"validated = [{low!r}, {high!r}]  # the server's EURange; narrow it to where models are validated"
        )
    else:
        lines.append("# validated = [0.0, 100.0]  # the server states no range: outside of it no model uses a value")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:150]


# --- a new configuration


def configuration_text(answers: Answers) -> str:
    """Return a whole configuration, with comments."""
    parts = [
        _HEADER,
        "[site]  # words of ISA-95; they make the root of the topics\n"
        + "".join(f"{name} = {quoted(answers.site[name])}\n" for name in ("enterprise", "site", "area", "line")),
        f"[store]\ndirectory = {quoted(answers.store)}  # this line's own; under systemd /var/lib/labline/<line>\n",
        _broker_table(answers),
        _lims_tables(answers),
        *([_server_table(answers), tag_tables(answers.variables, answers)] if answers.url else []),
        _specifications(answers),
    ]
    return "\n".join(part for part in parts if part)


def _server_table(answers: Answers) -> str:
    secured = answers.security != "None"
    lines = [
        f"[opcua.{answers.server}]",
        f"url = {quoted(answers.url or '')}",
        f"security = {quoted(answers.security)}" + ("" if secured else "  # plain text: for a bench only"),
    ]
    if secured:
        lines += [
            f"certificate = {quoted(answers.own_certificate)}  # its key is credential opcua_{answers.server}_key.pem",
            f"server_certificate = {quoted(answers.trusted)}  # a folder: labline opcua trust adds a renewed one",
        ]
    if answers.username is not None:
        lines.append(
            f"username = {quoted(answers.username)}  # its password is credential opcua_{answers.server}_password"
        )
    remembered = sum(variable.has_history for variable in answers.variables)
    if remembered:
        about = f"{remembered} of these tags have a history at the server; so much is fetched at the first connection"
        lines.append(f'# history = "30d"  # {about}')
    return "\n".join(lines) + "\n"


def _broker_table(answers: Answers) -> str:
    lines = [
        "[mqtt]",
        f"host = {quoted(answers.broker_host)}",
        f"port = {answers.broker_port}",
        f"tls = {str(answers.broker_tls).lower()}" + ("" if answers.broker_tls else "  # plain text: for a bench only"),
        f"client_id = {quoted('labline-' + answers.site['line'])}",
    ]
    if answers.ca_certificate is not None:
        lines.append(f"ca_certificate = {quoted(answers.ca_certificate)}")
    if answers.broker_certificate is not None:
        lines.append(f"certificate = {quoted(answers.broker_certificate)}  # its key is credential mqtt_key.pem")
    if answers.broker_username is not None:
        lines.append(f"username = {quoted(answers.broker_username)}  # its password is credential mqtt_password")
    return "\n".join(lines) + "\n"


def _lims_tables(answers: Answers) -> str:
    lines = [
        "[lims]",
        f"topic = {quoted(answers.lims_topic)}",
        f"mapping = {quoted(answers.mapping)}",
        '# assume_status = "validated"  # where messages have no status; without it such results are for review',
    ]
    lines += ["", f"{ANALYTES}  # the laboratory's names -> ours", *analyte_lines(answers.analytes)]
    return "\n".join(lines) + "\n"


def analyte_lines(analytes: Mapping[str, str]) -> list[str]:
    """Return the lines of ``[lims.analytes]``."""
    return [f"{quoted(theirs)} = {quoted(ours)}" for theirs, ours in analytes.items()]


def _specifications(answers: Answers) -> str:
    """Return specifications as comments, from the limits that messages state: a person has to say that they hold."""
    tables = dict[tuple[str, str], str]()
    for result in answers.results:
        limits, product = result.get("specification"), result.get("material_definition_id") or "PRODUCT"
        analyte = answers.analytes.get(str(result["test_id"]))
        if analyte is None:
            continue
        stated = limits if isinstance(limits, Mapping) else {"lower": None, "upper": None}
        lines = ["[[specification]]", f"product = {quoted(str(product))}", f"analyte = {quoted(analyte)}"]
        lines += [f"{side} = {limit!r}" for side, limit in stated.items() if limit is not None] or ["lower = 0.0"]
        if result.get("unit"):
            lines.append(f"unit = {quoted(str(result['unit']))}")
        tables.setdefault((str(product), analyte), "".join(f"# {line}\n" for line in lines))
    if not tables:
        return ""
    about = "# Specifications, as messages state their limits: take the # away where they are the ones in force.\n"
    return about + "\n".join(tables.values())


# --- what is new for a configuration that is there


@dataclass(frozen=True, kw_only=True, slots=True)
class Additions:
    """What an existing file lacks; ``by_hand``: what has to be written by a person, and why."""

    text: str
    tags: int
    analytes: int
    by_hand: tuple[str, ...] = ()


def with_additions(
    text: str, variables: Sequence[FoundVariable], answers: Answers, *, tag_names: Collection[str]
) -> Additions:
    """Return a file's text with new tables of tags at its end, and new analytes in their table."""
    by_hand: tuple[str, ...] = ()
    if answers.analytes:
        added = _with_analytes(text, answers.analytes)
        if added is None:
            listed = ", ".join(analyte_lines(answers.analytes))
            by_hand = (f"lims.analytes is not written as a table of its own; add to it: {listed}",)
        else:
            text = added
    if variables:
        text = text.rstrip("\n") + "\n\n" + tag_tables(variables, answers, taken=tag_names)
    return Additions(
        text=text, tags=len(variables), analytes=0 if by_hand else len(answers.analytes), by_hand=by_hand
    )  # fmt: skip


def _with_analytes(text: str, analytes: Mapping[str, str]) -> str | None:
    """Return a text with more analytes; None where they stand within another value."""
    lines, new = text.splitlines(keepends=True), "".join(f"{line}\n" for line in analyte_lines(analytes))
    at = lines_of_keys(text).get(("lims", "analytes"))
    if at is None:
        return f"{text.rstrip(chr(10))}\n\n{ANALYTES}\n{new}"
    if not lines[at - 1].lstrip().startswith("["):
        return None
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    return "".join([*lines[:at], new, *lines[at:]])
