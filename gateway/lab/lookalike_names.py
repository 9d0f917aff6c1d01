"""Names that only look alike: the key that they share. Pure.

Two names with the same key may be one thing that two systems write differently: ``Lot-1`` and ``LOT 1``, ``12`` and
``00012``, ``A-1`` with a Latin and a Cyrillic letter. They stay two names; a person says what they are.

The key follows the skeleton of Unicode Technical Standard 39 (Unicode Security Mechanisms, section 4), with a table of
our own for the letters that plants use: compatibility forms are resolved (NFKD, so full-width digits are digits), what
nobody can see is left out, and each letter that looks like a Latin capital is that letter. Besides that, and for names
of lots and products only:

- Case does not count.
- Separators (spaces, dashes, ``_ . / , ; : #``, quotes, brackets) do not count, but between two digits: there all of
  them are one, so that ``1-12`` and ``11-2`` stay different.
- Leading zeros of a run of digits do not count.
- O is a zero, and I and L are ones, among digits only: with a digit on both sides, on one of them at most after a
  separator. So ``12I`` and ``L12``, a sublot and a prefix, keep their letters.

The keys of lots are stored: a change of what this module returns needs a migration that writes them again.
"""

import re
import unicodedata
from functools import lru_cache

from gateway.contract.lims.names import normalised

_LONGEST_KEPT = 64  # characters of a name whose key is remembered: names come from outside
# capitals of other scripts, and the Latin ones that they look like; the L of Greek and Cyrillic reads as one
_CAPITALS = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039b\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03f9\u037f"  # Greek
    "\u0410\u0412\u0415\u0405\u0406\u04c0\u0408\u041a\u041b\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u04ae"
    "\u04ba\u0500\u051a\u051c"  # Cyrillic
    "\u0555\u054f\u054d\u053c"  # Armenian
    "\u00d8\u0141\u0110",  # Latin with a stroke
    "ABEZHIKLMNOPTYXCJABESIIJKLMHOPCTYXYHDQWOSULOLD",
)  # fmt: skip
_SEPARATING = frozenset({"Zs", "Zl", "Zp", "Pd", "Pc", "Ps", "Pe", "Pi", "Pf"})
_SEPARATORS = frozenset(
    "./\\,;:#'\"\u00b7\u2022\u2043\u02d7"  # and what looks like a space: fillers of Hangul, an empty Braille cell
    "\u115f\u1160\u3164\u2800"
    "\u2044\u2215\u29f8\u2571\u2216\u29f5"  # slashes of mathematics and of drawings
    "\u2027\u30fb\u2e31\u05c3\u2236\ua789\u02d0"  # points and colons
)
_DIGITS_OF_LETTERS = str.maketrans("OIL\u0417", "0113")  # \u0417: the Cyrillic letter that looks like 3
_LETTERS_AMONG_DIGITS = re.compile(r"(?<=[0-9])(-?)([OIL\u0417]+)(-?)(?=[0-9])")
_NOT_BETWEEN_DIGITS = re.compile(r"(?<![0-9])-|-(?![0-9])")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


def likeness_key(name: str) -> str:
    """Return what names that only look alike have in common; the name itself where nothing else is left."""
    return _short_key(name) if len(name) <= _LONGEST_KEPT else _key(name)


def _key(name: str) -> str:
    plain = normalised(name)
    text = re.sub("-+", "-", _latin_capitals(plain)).strip("-")
    text = _LETTERS_AMONG_DIGITS.sub(_as_digits, text)
    text = _LEADING_ZEROS.sub("", _NOT_BETWEEN_DIGITS.sub("", text))
    return text.casefold() or plain


def _latin_capitals(name: str) -> str:
    """Return a name in capitals, with ``-`` for each separator, and Latin letters for those that look like them."""
    capitals: list[str] = []
    for character in unicodedata.normalize("NFKD", name).upper().translate(_CAPITALS):
        if "\u0300" <= character <= "\u036f" and capitals and capitals[-1].isascii():
            continue  # an accent on a Latin letter
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            capitals.append(str(digit))
        else:
            capitals.append("-" if _is_separator(character) else character)
    return "".join(capitals)


def _is_separator(character: str) -> bool:
    return character in _SEPARATORS or unicodedata.category(character) in _SEPARATING


def _as_digits(letters: re.Match[str]) -> str:
    before, text, after = letters.groups()
    return letters[0] if before and after else before + text.translate(_DIGITS_OF_LETTERS) + after


_short_key = lru_cache(maxsize=4096)(_key)  # the same lot with each of its results
