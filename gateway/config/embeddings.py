"""From ``[knowledge.embeddings]`` to what compares texts; the files are held to their hashes, and loaded once."""

from functools import lru_cache
from pathlib import Path

from gateway.config.knowledge_tables import EmbeddingsTable
from gateway.contract.identity import sha256_hex
from gateway.errors import ConfigurationError, LablineError, Problem
from gateway.knowledge.meaning import Meaning

_KEY = "knowledge.embeddings"


def meaning_of(table: EmbeddingsTable) -> Meaning:
    """Return what compares texts; raises ConfigurationError where a file is missing, another one, or no such model."""
    return _loaded(table.model, table.model_sha256, table.tokenizer, table.tokenizer_sha256, table.least,
                   frozenset(table.languages))  # fmt: skip


@lru_cache(maxsize=1)
def _loaded(
    model: Path, model_sha256: str, tokenizer: Path, tokenizer_sha256: str, least: float, languages: frozenset[str]
) -> Meaning:
    from gateway.knowledge.wordpiece import read_wordpiece  # noqa: PLC0415 - only where it is configured
    from gateway.transport.onnx_sentences import load_sentence_model  # noqa: PLC0415

    words, weights = _content(tokenizer, tokenizer_sha256, "tokenizer"), _content(model, model_sha256, "model")
    try:
        pieces = read_wordpiece(words, where=str(tokenizer))
        vectors = load_sentence_model(weights, pad=pieces.numbers["[PAD]"], where=str(model))
        vectors([pieces.tokens("ready")])
    except LablineError as error:
        raise _wrong(_KEY, str(error), error.hint) from error
    return Meaning(pieces.tokens, lambda texts: list(vectors(texts)), least=least, languages=languages)


def _content(path: Path, sha256: str, key: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _wrong(f"{_KEY}.{key}", f"{path} cannot be read: {error.strerror}", "put the file there") from error
    actual = sha256_hex(content)
    if actual != sha256:
        hint = "is it the file that you mean? Then put this hash into the configuration"
        raise _wrong(f"{_KEY}.{key}_sha256", f"{path} has the SHA-256 {actual}", hint)
    return content


def _wrong(key: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError((Problem(file="configuration", key=key, message=message, hint=hint),))
