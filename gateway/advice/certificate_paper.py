"""A certificate of analysis as one page of HTML: the same data give the same bytes. Pure.

What is printed is the data that is signed, in the customer's language. Templates of the plant's own are jinja2 in a
sandbox: every text is escaped, no file is read, nothing but the data is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.advice.foreign_text import visible
from gateway.contract.certificates import number_of
from gateway.contract.times import parse_rfc3339
from gateway.texts.catalogue import catalogue, languages, number_style, text_in
from gateway.texts.units import shown_unit
from gateway.time_units import SECOND_NS

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

STANDARD = "standard"
_MARKED = frozenset({"draft", "questioned", "replaced", "withdrawn"})


class PaperText(StrEnum):
    """The codes of the group ``certificate``: what is printed besides the data."""

    TITLE = "TITLE"
    NUMBER = "NUMBER"
    VERSION = "VERSION"
    DRAFT_OF = "DRAFT_OF"
    CUSTOMER = "CUSTOMER"
    PRODUCT = "PRODUCT"
    PRODUCT_CODE = "PRODUCT_CODE"
    LOT = "LOT"
    PART = "PART"
    QUANTITY = "QUANTITY"
    ORDER = "ORDER"
    EQUIPMENT = "EQUIPMENT"
    MADE = "MADE"
    FROM_TO = "FROM_TO"
    SPECIFICATION = "SPECIFICATION"
    REASON = "REASON"
    RESULTS = "RESULTS"
    TEST = "TEST"
    METHOD = "METHOD"
    UNIT = "UNIT"
    LIMITS = "LIMITS"
    RESULT = "RESULT"
    COMPLIANCE = "COMPLIANCE"
    AT_LEAST = "AT_LEAST"
    AT_MOST = "AT_MOST"
    MORE_THAN = "MORE_THAN"
    LESS_THAN = "LESS_THAN"
    BETWEEN = "BETWEEN"
    BETWEEN_EXCLUSIVE = "BETWEEN_EXCLUSIVE"
    COMPLIES = "COMPLIES"
    FAILS = "FAILS"
    UNDECIDED = "UNDECIDED"
    INFORMATION = "INFORMATION"
    MISSING = "MISSING"
    NOT_DETECTED = "NOT_DETECTED"
    SAMPLED = "SAMPLED"
    SAMPLED_ONLY = "SAMPLED_ONLY"
    LIMITS_OF = "LIMITS_OF"
    COMPONENTS = "COMPONENTS"
    MATERIAL = "MATERIAL"
    SUPPLIER = "SUPPLIER"
    STATEMENT = "STATEMENT"
    SIGNATURE = "SIGNATURE"
    SIGNED_BY = "SIGNED_BY"
    SIGNED_ON = "SIGNED_ON"
    MEANING = "MEANING"
    ROLE = "ROLE"
    NOT_SIGNED = "NOT_SIGNED"
    GAPS = "GAPS"
    PAGE = "PAGE"
    PAGE_OF = "PAGE_OF"
    FINGERPRINT = "FINGERPRINT"
    MARK_DRAFT = "MARK_DRAFT"
    MARK_QUESTIONED = "MARK_QUESTIONED"
    MARK_REPLACED = "MARK_REPLACED"
    MARK_WITHDRAWN = "MARK_WITHDRAWN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """What is printed: a certificate's data with its SHA-256 and state.

    ``signature``: None of a draft; else printed_name, role, meaning, signed_at, signed_by. ``template``: the text of a
    template of the plant's own, None: the one that comes with Labline. ``logo``: as a data URI.
    """

    data: Mapping[str, Any]
    sha256: str
    state: str
    draft: int = 0
    drafted_at: str = ""
    signature: Mapping[str, Any] | None = None
    template: str | None = None
    logo: str | None = None


def page(paper: Paper) -> str:
    """Return a certificate as a page of HTML, from which nothing is fetched; raises jinja2's TemplateError."""
    environment = _environment()
    template = environment.get_template(STANDARD) if paper.template is None else environment.from_string(paper.template)
    return template.render(_shown(paper))


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import DictLoader, StrictUndefined  # noqa: PLC0415 - only a certificate needs it
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    standard = files("gateway.advice").joinpath("templates", "certificate.html").read_text(encoding="utf-8")
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader({STANDARD: standard}),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_readable,
    )
    del environment.filters["safe"]  # what laboratories and suppliers wrote is shown, and never markup
    return environment


def _readable(value: object) -> object:
    """Return a text without what nobody sees; escaping is the templates' work."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def _shown(paper: Paper) -> dict[str, Any]:
    data = paper.data
    words = _Words(str(data["language"]), str(data["time_zone"]))
    return {
        "data": data,
        "text": {code.value: words.template(code) for code in PaperText},
        "language": data["language"],
        "number": number_of(data["certificate_id"], data["version"]),
        "state": paper.state,
        "mark": words.text(PaperText[f"MARK_{paper.state.upper()}"]) if paper.state in _MARKED else None,
        "draft": words.text(PaperText.DRAFT_OF, draft=paper.draft, at=words.instant(paper.drafted_at))
        if paper.state == "draft" and paper.drafted_at
        else None,
        "sha256": paper.sha256,
        "logo": paper.logo,
        "made": words.stretch(data["started_at"], data["ended_at"]),
        "judged_against": words.judged_against(data),
        "rows": [words.row(row) for row in data["rows"]],
        "notes": words.notes(data),
        "components": data["components"],
        "gaps": [item["text"] for item in data["gaps"]],
        "statement": words.statement(data) if not data["gaps"] else None,
        "signature": None
        if paper.signature is None
        else words.signature(paper.signature, number_of(data["certificate_id"], data["version"])),
    }


class _Words:
    """Texts, numbers and times in the customer's language and the plant's time zone."""

    def __init__(self, language: str, time_zone: str) -> None:
        self._language = language
        self._texts = catalogue(language)
        self._numbers = number_style(self._texts)
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")

    def _meaning(self, signed: str, number: str) -> str:
        """Return in the customer's language what was signed in the plant's; any other meaning as it was signed."""
        for language in languages():
            for at, meaning in enumerate(_meanings(language, number)):
                if meaning == signed:
                    return _meanings(self._language, number)[at]
        return signed

    def judged_against(self, data: Mapping[str, Any]) -> str:
        """Return whose specification it is judged against, with its version."""
        own, version = data["requirement"]["specification"], data["requirement"]["version"]
        if own:
            return f"{own}, {self.template(PaperText.VERSION)} {version}" if version else str(own)
        return ", ".join(dict.fromkeys(row["limits_from"] for row in data["rows"] if row["limits_from"]))

    def template(self, code: PaperText) -> str:
        return str(self._texts["certificate", code.value])

    def text(self, code: PaperText, **parameters: object) -> str:
        return self.template(code).format_map(parameters)

    def number(self, written: str) -> str:
        return self._numbers.written(written)

    def instant(self, at: str | None) -> str:
        if not at:
            return ""
        local = datetime.fromtimestamp(parse_rfc3339(at) // SECOND_NS, self._zone)
        return f"{local:%Y-%m-%d %H:%M} ({local:%Z})"

    def day(self, at: str) -> str:
        return f"{datetime.fromtimestamp(parse_rfc3339(at) // SECOND_NS, self._zone):%Y-%m-%d}"

    def stretch(self, begun: str | None, ended: str | None) -> str:
        if begun and ended:
            return self.text(PaperText.FROM_TO, begun=self.instant(begun), ended=self.instant(ended))
        return self.instant(ended or begun)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a test as the table prints it."""
        reported = None if row["reported"] is None else self.number(row["reported"])
        if reported is not None and not row["detected"]:
            reported = self.text(PaperText.NOT_DETECTED, reported=reported)
        unit = shown_unit(row["unit"] or "", row["analyte"], row["name"])
        return {
            "name": row["name"],
            "method": row["method"] or "",
            "unit": unit,
            "limits": self.limits(row),
            "result": reported or "-",
            "compliance": self.text(PaperText[row["compliance"].upper()]),
            "complies": row["compliance"] in {"complies", "information"},
        }

    def limits(self, row: Mapping[str, Any]) -> str:
        """Return the limits of a test in words; without any a dash."""
        lower, upper = (None if row[side] is None else self.number(_plain(row[side])) for side in ("lower", "upper"))
        inclusive = row["inclusive"]
        limits = ""
        if lower is not None and upper is not None:
            code = PaperText.BETWEEN if inclusive else PaperText.BETWEEN_EXCLUSIVE
            limits = self.text(code, lower=lower, upper=upper)
        elif lower is not None:
            limits = self.text(PaperText.AT_LEAST if inclusive else PaperText.MORE_THAN, lower=lower)
        elif upper is not None:
            limits = self.text(PaperText.AT_MOST if inclusive else PaperText.LESS_THAN, upper=upper)
        return ", ".join(part for part in (limits, " / ".join(row["accepts"])) if part) or "-"

    def notes(self, data: Mapping[str, Any]) -> list[str]:
        """Return what stands below the table: when samples were drawn and analysed, and whose limits those are."""
        results = [result for row in data["rows"] for result in row["results"]]
        drawn = self._days(result["sampled_at"] for result in results)
        analysed = self._days(result["analysed_at"] for result in results)
        notes = []
        if drawn and analysed:
            notes.append(self.text(PaperText.SAMPLED, dates=drawn, analysed=analysed))
        elif drawn:
            notes.append(self.text(PaperText.SAMPLED_ONLY, dates=drawn))
        sources = dict.fromkeys(row["limits_from"] for row in data["rows"] if row["limits_from"])
        if len(sources) > 1:
            notes.append(self.text(PaperText.LIMITS_OF, sources=", ".join(sources)))
        return notes

    def _days(self, instants: Any) -> str:
        days = sorted({self.day(at) for at in instants if at})
        if len(days) > 1:
            return self.text(PaperText.FROM_TO, begun=days[0], ended=days[-1])
        return days[0] if days else ""

    def statement(self, data: Mapping[str, Any]) -> str | None:
        decision = data["decision"]
        if decision is None:
            return None
        at = self.instant(decision["at"])
        return self.text(PaperText.STATEMENT, lot=data["material_lot_id"], person=decision["by"], at=at)

    def signature(self, signature: Mapping[str, Any], number: str) -> dict[str, str]:
        role = str(self._texts["role_name", str(signature["role"]).upper()])
        return {
            "printed_name": ", ".join(signature["signed_by"]),
            "role": role,
            "meaning": self._meaning(str(signature["meaning"]), number),
            "signed_at": self.instant(signature["signed_at"]),
        }


def _meanings(language: str, number: str) -> list[str]:
    """Return what a signature under a certificate may mean, in a language."""
    what = text_in(language, "signed_act", "CERTIFICATE", certificate=number)
    return [text_in(language, "signed_act", code, what=what) for code in ("DECISION", "APPROVAL")]


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))  # noqa: PLR2004
