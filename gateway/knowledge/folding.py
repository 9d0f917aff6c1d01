"""Text as it is compared: without case, accents and punctuation, so that Viskositaet and Viskosität are found. Pure."""

import hashlib
import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_SPELLED_OUT = (("ae", "a"), ("oe", "o"), ("ue", "u"))  # a German umlaut on a keyboard without one


def folded(text: str) -> str:
    """Return a text in lower case, without accents; a sharp s is ss."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text as the index has them: letters and digits, folded."""
    return tuple(_WORD.findall(folded(text)))


def as_phrase(text: str) -> str:
    """Return a text's words with one space between two."""
    return " ".join(words_of(text))


def with_umlaut(word: str) -> str:
    """Return a folded word as it is where ae, oe and ue stand for an umlaut."""
    for spelled, letter in _SPELLED_OUT:
        word = word.replace(spelled, letter)
    return word


def facet_token(name: str, value: str) -> str:
    """Return the one word by which the index knows a field's value, whatever characters it has; folded."""
    return exact_token(name, as_phrase(value) or value)


def exact_token(name: str, value: str) -> str:
    """Return the same of a value as it is written: names of clients that only look alike are two."""
    digest = hashlib.blake2b(f"{name}\0{value}".encode(errors="replace"), digest_size=8)
    return f"zf{digest.hexdigest()}"
