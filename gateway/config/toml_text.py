"""Texts as TOML writes them. Pure."""

import json

_LARGEST_OF_FOUR_DIGITS = 0xFFFF


def quoted(text: str) -> str:
    """Return a text as TOML writes it, on one line; characters that nobody sees are escapes."""
    shown = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in shown)


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= _LARGEST_OF_FOUR_DIGITS else f"\\U{number:08x}"
