"""The review of a lot's record as a page for printing: what was looked at, each exception, and who has signed. Pure.

It is made from the document that is signed, so that the page in a signed record's bundle shows just that. What
laboratories and people wrote is escaped, and nothing in the page is fetched from elsewhere.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from gateway.advice.foreign_text import visible
from gateway.contract.signed_bundle import PrintedSignature
from gateway.lab.review.codes import ReviewGroup, ReviewSeverity
from gateway.records.users import Role
from gateway.texts.catalogue import language, text

if TYPE_CHECKING:
    from jinja2 import Template


class ReviewPageText(StrEnum):
    """The group ``review_page``: the headings of the page."""

    TITLE = "TITLE"
    LINE = "LINE"
    TIME = "TIME"
    DATA_POINTS = "DATA_POINTS"
    EXCEPTIONS = "EXCEPTIONS"
    NO_EXCEPTIONS = "NO_EXCEPTIONS"
    LOOKED_AT = "LOOKED_AT"
    GROUP = "GROUP"
    COUNT = "COUNT"
    TO_READ = "TO_READ"
    WEIGHT = "WEIGHT"
    WHAT = "WHAT"
    EVIDENCE = "EVIDENCE"
    SETTLED = "SETTLED"
    OPEN = "OPEN"
    SIGNED = "SIGNED"
    NOT_SIGNED = "NOT_SIGNED"
    LAPSED = "LAPSED"
    HASH = "HASH"


def review_page(
    document: Mapping[str, Any], *, line: str, sha256: str, lapsed: bool, signatures: Sequence[PrintedSignature]
) -> str:
    """Return the page.

    Args:
        document: the list of what was looked at, as it is signed (``lab/review/document.py``).
        line: whose lot it is.
        sha256: of the document.
        lapsed: whether something new is known since it was signed.
        signatures: on it.
    """
    groups = [(text("review_group", ReviewGroup(name).name), counts) for name, counts in document["groups"].items()]
    rows = [
        {**item, "severity_name": text("review_severity", ReviewSeverity(item["severity"]).name),
         "group_name": text("review_group", ReviewGroup(item["group"]).name),
         "answers": [{**answer, "role_name": _role(answer["role"]), "at": _in_utc(answer["at"])}
                     for answer in item["answers"]]}
        for item in document["exceptions"]
    ]  # fmt: skip
    signed = [(item.full_name, _role(item.role), _in_utc(item.signed_at), item.meaning) for item in signatures]
    times = [None if document[name] is None else _in_utc(document[name]) for name in ("from", "until")]
    return _template().render(
        document=document, line=line, sha256=sha256, lapsed=lapsed, signatures=signed, groups=groups, rows=rows,
        times=times, words={code.value: text("review_page", code.value) for code in ReviewPageText},
        language=language(),
    )  # fmt: skip


def _in_utc(instant: str) -> str:
    return f"{instant[:19].replace('T', ' ')} UTC"


def _role(role: str) -> str:
    return text("role_name", Role(role).name)


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a page needs it

    environment = Environment(
        loader=PackageLoader("gateway.advice"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=True, finalize=_shown,
    )  # fmt: skip
    return environment.get_template("review.html")
