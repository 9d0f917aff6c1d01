"""What a message names that cannot be read as a whole: found by the names of its fields alone. Pure.

So a message that was cut, or that is no JSON, is still known to speak of a lot, a sample or a product.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping

from gateway.contract.names import folded, normalised

_LONGEST_SEARCH_BYTES = 2**20
# "name": "text", "name": 4711 or "name": ["text", ...], in a message that is not JSON as a whole
_NAMED = re.compile(
    r'"(?P<name>[^"\\]{1,64}+)"\s{0,8}+:\s{0,8}+'
    r'(?:(?P<texts>"(?:[^"\\]|\\.){1,256}+"|\[(?:\s{0,8}+"(?:[^"\\]|\\.){1,256}+"\s{0,8}+,?+){1,500}+\s{0,8}+\]?+)'
    r"|(?P<digits>\d{1,18}+)(?![\d.eE]))"
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.){1,256}"')


def named_texts(payload: bytes, wanted: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return by what is wanted the texts that stand after one of its names, in their order.

    Args:
        payload: the message's bytes; of very many the first MiB is searched.
        wanted: what is looked for, to the folded names of its fields.
    """
    texts: dict[str, list[str]] = {what: [] for what in wanted}
    for pair in _NAMED.finditer(payload[:_LONGEST_SEARCH_BYTES].decode("utf-8", "ignore")):
        name = folded(pair["name"])
        for what, names in wanted.items():
            if name in names:
                texts[what] += _texts(pair)
                break
    return texts


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
        except ValueError:  # half an escape: what it names cannot be said
            continue
    return [text for text in texts if text.isprintable()]
