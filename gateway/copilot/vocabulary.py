"""Words of questions by what they mean, in English and German, read once from ``vocabulary.toml``."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def vocabulary(name: str) -> frozenset[str]:
    """Return the folded words of a list."""
    text = files("gateway.copilot").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    return frozenset(str(tomllib.loads(text)[name]).split())
