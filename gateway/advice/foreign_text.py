"""Text that laboratories, suppliers and people wrote, as documents show it: to be read, never to be obeyed. Pure."""

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # controls, bidirectional and zero-width marks, surrogates
_INSTEAD = "\ufffd"
_SPECIAL = re.compile(r"([\\`*\[\]|~!@])")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # within a word it is no emphasis
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*):(?=//)|\b(www)\.", re.IGNORECASE)  # readers make a link of it unasked
# what begins a numbered list, a heading, a rule or a list, a quotation
_PLAIN = re.compile(
    r"[A-Za-z](?:[A-Za-z0-9%(),;/+-]| (?! )|[.:](?![/\w])|(?<=\d)\.(?=\d))*"
)  # nothing of the above; most texts
_LINE_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^(#{1,6}|[+=-]+)(?=\s|$)|^(>)")


def visible(value: object) -> str:
    """Return a text in one line, with a mark in the place of each character that nobody sees."""
    text = " ".join(str(value).split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(_INSTEAD if unicodedata.category(char) in _HIDDEN else char for char in text)


def in_markdown(value: object) -> str:
    """Return a text as Markdown that shows it literally: no link, picture, heading, list or table comes from it."""
    if _PLAIN.fullmatch(str(value)):
        return str(value)
    text = _SPECIAL.sub(r"\\\1", visible(value).replace("&", "&amp;").replace("<", "&lt;"))
    text = _ADDRESS.sub(_not_an_address, _UNDERSCORE.sub(r"\\_", text))
    return _LINE_START.sub(lambda match: f"{match[1] or ''}\\{match[2] or match[3] or match[4]}", text)


def _not_an_address(match: re.Match[str]) -> str:
    return f"{match[1]}\\:" if match[1] else f"{match[2]}\\."
