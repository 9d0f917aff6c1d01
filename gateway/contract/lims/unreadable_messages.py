"""What can be read of a message that cannot be read as a whole, by the names of its fields alone. Pure.

So a message that was cut, or that is no JSON, is still known to speak of a lot, a sample or a product.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from gateway.contract.lims.names import folded, normalised

_LONGEST_SEARCH_BYTES = 2**20
# "name": "text", "name": 4711 or "name": ["text", ...], in a message that is not JSON as a whole
_NAMED = re.compile(
    r'"(?P<name>[^"\\]{1,64}+)"\s{0,8}+:\s{0,8}+'
    r'(?:(?P<texts>"(?:[^"\\]|\\.){1,256}+"|\[(?:\s{0,8}+"(?:[^"\\]|\\.){1,256}+"\s{0,8}+,?+){1,500}+\s{0,8}+\]?+)'
    r"|(?P<digits>\d{1,18}+)(?![\d.eE]))"
)
# the same in other forms than JSON: <name>text</name>, name="text", name=text, 'name': 'text', name: text
_ELEMENT = re.compile(r"<(?:\w{1,32}:)?(?P<name>\w[\w.-]{0,63}+)(?:\s[^<>]{0,256}+)?>(?P<text>[^<>]{1,256}+)</")
_STATED = re.compile(
    r"(?<![\w.-])(?P<name>[^\W\d][\w.-]{0,63}+)['\"]?\s{0,4}+[:=]\s{0,4}+"
    r"(?:'(?P<single>[^'\r\n]{1,256}+)'|\"(?P<double>[^\"\r\n]{1,256}+)\"|(?P<text>[^'\"<>&,;|\s{}\[\]][^<>&,;|\r\n{}\[\]]{0,255}))"
)
_BETWEEN_CELLS = ";\t,|"
_MOST_ROWS = 500
_TEXT = re.compile(r'"(?:[^"\\]|\\.){1,256}"')


def named_texts(payload: bytes, spellings: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return for each thing that is looked for the texts that stand after one of its names, in their order.

    Args:
        payload: the message's bytes; of very many the first MiB is searched.
        spellings: the things that are looked for, to the folded names of their fields.
    """
    texts: dict[str, list[str]] = {what: [] for what in spellings}
    whole = _decoded(payload[:_LONGEST_SEARCH_BYTES])
    for pair in _NAMED.finditer(whole):
        _note(texts, spellings, pair["name"], _texts(pair))
    if not any(texts.values()):
        for name, text in _in_other_forms(whole):
            _note(texts, spellings, name, [text] if text.isprintable() else [])
    return texts


def _note(
    texts: dict[str, list[str]], spellings: Mapping[str, Collection[str]], name: str, stated: Iterable[str]
) -> None:
    for what, names in spellings.items():
        if folded(name) in names:
            texts[what] += stated
            return


def _decoded(payload: bytes) -> str:
    """Return a message's text; in UTF-16 every second byte of ASCII text is zero."""
    for encoding, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        halves = payload[at:400:2]
        if len(halves) > 1 and halves.count(0) * 2 > len(halves):
            return payload.decode(encoding, "ignore")
    return payload.decode("utf-8", "ignore")


def _in_other_forms(whole: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) from other forms than JSON: XML, forms, YAML, and tables with a header."""
    for pair in _ELEMENT.finditer(whole):
        yield pair["name"], pair["text"].strip()
    for pair in _STATED.finditer(whole):
        yield pair["name"], (pair["single"] or pair["double"] or pair["text"]).strip()
    lines = whole.lstrip("\ufeff").splitlines()[: _MOST_ROWS + 1]
    between = max(_BETWEEN_CELLS, key=lines[0].count) if lines else ""
    if between and between in lines[0]:
        names = [cell.strip(" \"'") for cell in lines[0].split(between)]
        for line in lines[1:]:
            yield from zip(names, (cell.strip(" \"'") for cell in line.split(between)), strict=False)


def the_only_one(texts: Iterable[str]) -> str | None:
    """Return the name that all texts are, or None where they are several or none."""
    names = {normalised(text) for text in texts} - {""}
    return names.pop() if len(names) == 1 else None


def _texts(pair: re.Match[str]) -> list[str]:
    """Return the texts that stand after a field's name."""
    if pair["digits"]:
        return [pair["digits"]]
    texts = list[str]()
    for text in _TEXT.findall(pair["texts"]):
        try:
            texts.append(json.loads(text, strict=False))
        except ValueError:  # half an escape sequence: the name cannot be read
            continue
    return [text for text in texts if text.isprintable()]
