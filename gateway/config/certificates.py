"""From ``[certificates]`` and its files to the rules by which certificates are made; every problem with its line."""

import base64
import difflib
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.config.certificate_tables import RequirementTable, TestTable
from gateway.config.positions import lines_of_keys
from gateway.config.problem_texts import of_the_file, text_of
from gateway.config.tables import Settings
from gateway.errors import Problem
from gateway.lab.units import converted, is_known
from gateway.line.certificates import NO_CERTIFICATES, CertificateRules, Requirement
from gateway.transport.notices import NoticeKind
from gateway.transport.paper import Form, PaperError, example, make

STANDARD = "standard"
_MOST_FILES = 2000
_LARGEST_LOGO_BYTES = 512 * 1024
_LARGEST_TEXT_BYTES = 256 * 1024  # of a requirement, of a template
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_EXAMPLE = "docs/certificates.md has an example"


def certificate_rules(settings: Settings, *, path: Path, problems: list[Problem]) -> CertificateRules:
    """Return how certificates are made; adds a problem for everything that cannot be used."""
    table = settings.certificates
    if table.requirements is None:
        return NO_CERTIFICATES
    reading = _Reading(settings, path, problems)
    templates = dict(reading.templates())
    requirements = tuple(reading.requirements({STANDARD, *templates}))
    reading.check_mail(requirements)
    return CertificateRules(
        requirements=requirements,
        plant_name=table.plant_name,
        plant_address=tuple(table.plant_address),
        logo=reading.logo(),
        templates=tuple(sorted(templates.items())),
        mail=table.mail,
    )


def files_sha256(settings: Settings) -> str:
    """Return a SHA-256 over the files that the rules are read from, so that a reload sees that one has changed."""
    table, digest = settings.certificates, hashlib.sha256()
    files = [*_files(table.requirements, "*.toml"), *_files(table.templates, "*.html"), *filter(None, [table.logo])]
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = str(error.errno).encode()
        digest.update(f"{file.name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(folder: Path | None, pattern: str) -> list[Path]:
    return [] if folder is None else sorted(folder.glob(pattern))[:_MOST_FILES]


class _Reading:
    """Reads the files of a configuration, and notes what is wrong with them."""

    def __init__(self, settings: Settings, path: Path, problems: list[Problem]) -> None:
        self._settings = settings
        self._table = settings.certificates
        self._path = path
        self._problems = problems
        stated = (*(item.analyte for item in settings.specification), *settings.lims.analytes.values())
        self._analytes = sorted({*stated, *(item.analyte for item in settings.control)})

    def requirements(self, templates: set[str]) -> Iterator[Requirement]:
        """Yield the requirement of each file; of two for the same customer and product there is a problem."""
        folder = self._table.requirements
        if folder is None or not folder.is_dir():
            self._wrong(
                self._path, "certificates.requirements", f"{folder} is no folder", "name a folder with .toml files"
            )
            return
        files = _files(folder, "*.toml")
        if not files:
            self._wrong(self._path, "certificates.requirements", f"{folder} has no .toml file", _EXAMPLE)
        known: dict[tuple[str, str], Path] = {}
        for file in files:
            requirement = self._requirement(file, templates)
            if requirement is None:
                continue
            of = (requirement.customer, requirement.product)
            if of in known:
                message = f"{of[0]} already has a requirement of {of[1]} in {known[of].name}"
                self._wrong(file, "customer", message, "keep one of the two files")
                continue
            known[of] = file
            yield requirement

    def _requirement(self, file: Path, templates: set[str]) -> Requirement | None:
        text = self._text(file)
        if text is None:
            return None
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self._wrong(file, "", f"is not TOML: {error}", "texts need quotes, lists a closing bracket")
            return None
        lines = lines_of_keys(text)
        try:
            table = RequirementTable.model_validate(document)
        except ValidationError as error:
            self._problems += [_problem(file, item, lines) for item in of_the_file(error.errors())]
            return None
        before = len(self._problems)
        self._check(file, table, templates, lines)
        if len(self._problems) > before:
            return None
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return table.requirement(key=file.stem, sha256=sha256, language=self._table.language)

    def _check(
        self, file: Path, table: RequirementTable, templates: set[str], lines: Mapping[tuple[str | int, ...], int]
    ) -> None:
        """Note what does not fit to the rest of the configuration."""
        if table.template not in templates:
            near = difflib.get_close_matches(table.template, templates, n=1)
            hint = f"did you mean {near[0]}?" if near else f"templates are: {', '.join(sorted(templates))}"
            self._wrong(file, _place(("template",), lines), f"there is no template {table.template}", hint)
        for at, test in enumerate(table.test):
            for key, message, hint in self._of_test(table, test):
                self._wrong(file, _place(("test", at, key), lines), message, hint)

    def _of_test(self, table: RequirementTable, test: TestTable) -> Iterator[tuple[str, str, str]]:
        if test.analyte not in self._analytes:
            near = difflib.get_close_matches(test.analyte, self._analytes, n=1)
            hint = f"did you mean {near[0]}?" if near else f"analytes are: {', '.join(self._analytes) or 'none'}"
            yield "analyte", f"{test.analyte} is no test of this line", hint
            return
        own = [item for item in self._settings.specification
               if item.analyte == test.analyte and item.product == table.product]  # fmt: skip
        has_limits = test.lower is not None or test.upper is not None or bool(test.accepts)
        if test.required and not has_limits and not own and self._settings.master_data.topic is None:
            message = f"{test.analyte} has no limits, and no specification of {table.product} has any"
            yield "analyte", message, "give lower, upper or accepts, or required = false"
        if test.unit is not None and not is_known(test.unit):
            unknown = {item.unit for item in own}
            if test.unit not in unknown:
                yield "unit", f'"{test.unit}" is no known unit', "docs/laboratory.md lists units"
            return
        other = next((item.unit for item in own if test.unit and item.unit
                      and converted(1.0, item.unit, test.unit) is None), None)  # fmt: skip
        if other is not None:
            message = f"{test.unit} is of another kind than {other}, in which {table.product} is specified"
            yield "unit", message, f"state it in a unit that {other} converts to"

    def templates(self) -> Iterator[tuple[str, str]]:
        """Yield the plant's own templates by name; one that is no template is a problem, with its line."""
        folder = self._table.templates
        if folder is None:
            return
        if not folder.is_dir():
            self._wrong(
                self._path, "certificates.templates", f"{folder} is no folder", "name a folder with .html files"
            )
        for file in _files(folder, "*.html"):
            text = self._text(file)
            if text is None:
                continue
            if file.stem == STANDARD:
                self._wrong(
                    file, "", f"{STANDARD} is the template that comes with Labline", "give the file another name"
                )
                continue
            try:
                make(replace(example(), template=text), Form.HTML)
            except PaperError as error:
                self._wrong(file, "", str(error), error.hint)
                continue
            yield file.stem, text

    def logo(self) -> str | None:
        """Return the plant's logo as a data URI."""
        file = self._table.logo
        if file is None:
            return None
        try:
            content = file.read_bytes()
        except OSError as error:
            self._wrong(self._path, "certificates.logo", f"{file} cannot be read: {error.strerror}", "name a picture")
            return None
        kind = _kind_of_picture(content)
        if kind is None or len(content) > _LARGEST_LOGO_BYTES:
            message = f"{file.name} is no picture that can be used, or has more than {_LARGEST_LOGO_BYTES // 1024} KiB"
            self._wrong(self._path, "certificates.logo", message, "name a PNG, JPEG or SVG file")
            return None
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    def check_mail(self, requirements: tuple[Requirement, ...]) -> None:
        """Note where customers are to get mail, and no server is named that could send it."""
        name = self._table.mail
        target = None if name is None else self._settings.notify.get(name)
        if name is not None and (target is None or target.kind is not NoticeKind.EMAIL):
            message = f"there is no [notify.{name}] of kind email"
            self._wrong(self._path, "certificates.mail", message, "name one by whose server mail is sent")
        if name is None and any(item.email for item in requirements):
            with_mail = next(item.key for item in requirements if item.email)
            message = f"{with_mail}.toml names an e-mail address, and no server sends to it"
            self._wrong(self._path, "certificates.mail", message, "name the [notify.<name>] of kind email that does")

    def _text(self, file: Path) -> str | None:
        try:
            content = file.read_bytes()
        except OSError as error:
            self._wrong(file, "", f"cannot be read: {error.strerror}", "let the service's user read it")
            return None
        if len(content) > _LARGEST_TEXT_BYTES:
            self._wrong(file, "", f"has more than {_LARGEST_TEXT_BYTES // 1024} KiB", "shorten it")
            return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            self._wrong(file, "", "is not UTF-8 text", "save the file as UTF-8")
            return None

    def _wrong(self, file: Path, key: str, message: str, hint: str) -> None:
        self._problems.append(Problem(file=str(file), key=key, message=message, hint=hint))


def _kind_of_picture(content: bytes) -> str | None:
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    head = content[:1024].lstrip()
    return "image/svg+xml" if head.startswith((b"<?xml", b"<svg")) and b"<svg" in content[:4096] else None


def _problem(file: Path, error: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]) -> Problem:
    place = tuple(error["loc"])
    names, hint = _walk(place)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"keys here are: {', '.join(names)}"
    return Problem(file=str(file), key=_place(place, lines), message=text_of(error, in_seconds=False), hint=hint)


def _walk(place: tuple[str | int, ...]) -> tuple[list[str], str]:
    """Return (the keys beside a place, what is to be there)."""
    table: type[BaseModel] = TestTable if place[:1] == ("test",) and len(place) > 1 else RequirementTable
    info = table.model_fields.get(str(place[-1])) if place else None
    return list(table.model_fields), (info.description if info is not None else None) or _EXAMPLE


def _place(place: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int]) -> str:
    """Return a key as errors name it, with its line, else that of the table that it should stand in."""
    name = ""
    for part in place:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    for length in range(len(place), 0, -1):
        line = lines.get(place[:length])
        if line is not None:
            return f"{name} (line {line})"
    return name
