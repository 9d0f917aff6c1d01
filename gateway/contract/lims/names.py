"""Names as laboratories and plants write them, so that the same name meets itself. Pure.

A name (of a lot, sample, test, product, unit) keeps its case; invisible characters in it are ignored.
"""

import re
import unicodedata
from functools import lru_cache

_INVISIBLE = frozenset({"Cf", "Cc"})  # zero-width and direction marks, controls
_LONGEST_KEPT = 64  # characters of a name that is remembered: names come from outside
# hyphens, dashes and a minus, which word processors put for one another; letters and digits of full width
_SAME = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"} | {
    code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)
}
_HIDDEN = "\0"
_HIDDEN_BETWEEN_DIGITS = re.compile(r"[\d.,+-]\x00+[\d.,+-]")
# marks that only choose between two pictures of one character
_SAME |= dict.fromkeys((0x034F, 0x180B, 0x180C, 0x180D, *range(0xFE00, 0xFE10)), "")
_STROKES = str.maketrans({"\u0142": "l", "\u00f8": "o", "\u0111": "d", "\u0131": "i", "\u00e6": "ae", "\u0153": "oe"})
_JOINERS = str.maketrans("", "", " _-./")


def normalised(text: str) -> str:
    """Return a name in NFC, without invisible characters, trimmed, each run of spaces as one, dashes as ``-``."""
    if not (text.isascii() and text.isprintable()):
        visible = (" " if character.isspace() else character for character in text
                if character.isspace() or unicodedata.category(character) not in _INVISIBLE)  # fmt: skip
        text = unicodedata.normalize("NFC", "".join(visible)).translate(_SAME)
    return " ".join(text.split())


def hides_between_digits(text: str) -> bool:
    """Return whether an invisible character separates the digits of a number: it may stand for a lost point."""
    if text.isascii() and text.isprintable():
        return False
    marked = "".join(_HIDDEN if _is_hidden(character) else character for character in text)
    return _HIDDEN_BETWEEN_DIGITS.search(marked) is not None


def _is_hidden(character: str) -> bool:
    invisible = unicodedata.category(character) in _INVISIBLE and not character.isspace()
    return invisible or _SAME.get(ord(character)) == ""


def folded(text: str) -> str:
    """Return a field's name for comparison: without case, spaces, ``_``, ``-``, ``.`` and ``/``."""
    return _short_folded(text) if len(text) <= _LONGEST_KEPT else _folded(text)


def name_key(text: str) -> str:
    """Return a test's name for comparison: without case and spaces."""
    return _short_key(text) if len(text) <= _LONGEST_KEPT else _key(text)


def spoken(text: str) -> str:
    """Return a word for comparison: without case, each run of spaces, ``_`` and ``-`` as one space."""
    return " ".join(normalised(text).casefold().replace("_", " ").replace("-", " ").split())


def unaccented(text: str) -> str:
    """Return a word in any language for comparison: without case and accents, ``\u00df`` as ``ss``."""
    text = normalised(text).casefold()
    if text.isascii():
        return text
    plain = (character for character in unicodedata.normalize("NFKD", text) if unicodedata.category(character) != "Mn")
    return "".join(plain).translate(_STROKES)


def plainly_spoken(text: str) -> str:
    """Return a short answer in any language for comparison: ``i.O.``, ``I. O.`` and ``io`` are one."""
    normalised_text = unaccented(spoken(text)).replace(".", " ")
    words = normalised_text.split()
    return "".join(words) if words and all(len(word) == 1 for word in words) else " ".join(words)


def _key(text: str) -> str:
    return normalised(text).casefold().replace(" ", "")


def _folded(text: str) -> str:
    return normalised(text).casefold().translate(_JOINERS)


_short_folded = lru_cache(maxsize=4096)(_folded)  # the names of fields come again with each message
_short_key = lru_cache(maxsize=4096)(_key)  # and so do those of tests
