"""Texts to the numbers of a sentence model's words: WordPiece, as BERT has it, from the file ``tokenizer.json``. Pure.

Of the tokenizers that such a file may describe, this reads one: BertNormalizer, BertPreTokenizer, WordPiece, which most
small sentence models have. Another one is refused, so that no text is parted otherwise than the model has learned it.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import LablineError

LONGEST_TOKENS = 128
_LONGEST_WORD = 100  # characters; a longer one is unknown
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))
_ASCII_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, kw_only=True)
class WordPiece:
    """The words of a model with their numbers, and how texts are written before they are looked for."""

    numbers: Mapping[str, int]
    lowercase: bool
    strip_accents: bool
    ideographs: bool

    def tokens(self, text: str) -> list[int]:
        """Return the numbers of a text, with those of its begin and end; a long text is cut."""
        pieces: list[int] = []
        for word in self._words(text):
            pieces += self._pieces(word)
            if len(pieces) > LONGEST_TOKENS:
                break
        return [self.numbers["[CLS]"], *pieces[: LONGEST_TOKENS - 2], self.numbers["[SEP]"]]

    def _words(self, text: str) -> Iterator[str]:
        word = ""
        for character in self._normalised(text):
            if character.isspace():
                if word:
                    yield word
                word = ""
            elif character in _ASCII_SIGNS or unicodedata.category(character).startswith("P"):
                if word:
                    yield word
                yield character
                word = ""
            else:
                word += character
        if word:
            yield word

    def _normalised(self, text: str) -> str:
        kept = "".join(map(self._shown, text))
        if self.lowercase:
            kept = kept.lower()
        if self.strip_accents:
            kept = "".join(sign for sign in unicodedata.normalize("NFD", kept) if unicodedata.category(sign) != "Mn")
        return kept

    def _shown(self, character: str) -> str:
        if character in "\t\n\r" or unicodedata.category(character) == "Zs":
            return " "
        if character == _REPLACEMENT or unicodedata.category(character).startswith("C"):
            return ""
        ideograph = self.ideographs and any(low <= ord(character) <= high for low, high in _IDEOGRAPHS)
        return f" {character} " if ideograph else character

    def _pieces(self, word: str) -> list[int]:
        """Return the longest pieces of a word, one after the other; a word that has none is unknown as a whole."""
        unknown = [self.numbers["[UNK]"]]
        if len(word) > _LONGEST_WORD:
            return unknown
        pieces: list[int] = []
        at = 0
        while at < len(word):
            for end in range(len(word), at, -1):
                number = self.numbers.get(word[at:end] if at == 0 else f"##{word[at:end]}")
                if number is not None:
                    pieces.append(number)
                    at = end
                    break
            else:
                return unknown
        return pieces


def read_wordpiece(content: bytes, *, where: str) -> WordPiece:
    """Return the tokenizer of a file ``tokenizer.json``; raises LablineError where it is another one."""
    try:
        document = json.loads(content)
        normalizer, model = document["normalizer"], document["model"]
        kinds = (normalizer["type"], document["pre_tokenizer"]["type"], model["type"])
        numbers = {str(word): int(number) for word, number in model["vocab"].items()}
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise LablineError(f"{where} is no tokenizer.json", hint="take the file that came with the model") from error
    if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece") or _differs(model):
        raise LablineError(
            f"{where} describes a tokenizer that is not read here ({', '.join(map(str, kinds))})",
            hint="take a model of the family of BERT (WordPiece), such as all-MiniLM-L6-v2",
        )
    missing = [word for word in ("[CLS]", "[SEP]", "[UNK]", "[PAD]") if word not in numbers]
    if missing:
        raise LablineError(f"{where} has no word {missing[0]}", hint="take the file that came with the model")
    lowercase = bool(normalizer.get("lowercase", True))
    accents = normalizer.get("strip_accents")
    return WordPiece(
        numbers=numbers, lowercase=lowercase, strip_accents=lowercase if accents is None else bool(accents),
        ideographs=bool(normalizer.get("handle_chinese_chars", True)),
    )  # fmt: skip


def _differs(model: Mapping[str, Any]) -> bool:
    return bool(model.get("continuing_subword_prefix", "##") != "##" or model.get("unk_token", "[UNK]") != "[UNK]")
