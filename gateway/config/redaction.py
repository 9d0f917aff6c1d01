"""Secrets are taken out of what is shown to others: out of URLs, texts and the content of key files. Pure."""

import re

REDACTED = "<redacted>"
_PLACE = r"\g<place>" + REDACTED
_NAMES = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
_Rule = tuple[re.Pattern[str], str]
_ANYWHERE: tuple[_Rule, ...] = (
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        REDACTED,
    ),
    # a user with a password before the host; a password may hold a slash, a port is no password
    (re.compile(r"(?P<place>\w[\w+.-]*://)[^\s/?#\"'<>@:]+:(?!\d+(?:/|$))[^\s\"'<>]*@"), rf"{_PLACE}@"),
    (re.compile(r"(?P<place>\w[\w+.-]*://)[^\s/?#\"'<>]*@"), rf"{_PLACE}@"),
    (
        re.compile(rf"(?P<place>[?&][^=&\s#]*(?:{_NAMES}|sig|auth|code)[^=&\s#]*=)[^&\s#\"']+", re.IGNORECASE),
        _PLACE,
    ),
    (re.compile(r"(?P<place>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), _PLACE),
)
_IN_LOGS: tuple[_Rule, ...] = (
    (
        re.compile(
            rf"(?P<place>\b[\w-]*{_NAMES}[\w-]*[\"']?\s*[=:]\s*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;\"'}}]+)", re.IGNORECASE
        ),
        _PLACE,
    ),
)
_ADDRESS = re.compile(r"(?P<host>\w[\w+.-]*://[^/?#]*)[/?#].*", re.DOTALL)


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a text without what looks like a secret, and without the secrets that are known."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _ANYWHERE:
        text = pattern.sub(replacement, text)
    return text


def redacted_lines(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return lines of a log or another free text without secrets: also ``password=...`` and its like."""
    text = redacted(text, secrets)
    for pattern, replacement in _IN_LOGS:
        text = pattern.sub(replacement, text)
    return text


def redacted_address(url: str) -> str:
    """Return an address whose path is a secret, with its host only: that of a chat's webhook opens it to everybody."""
    return redacted(_ADDRESS.sub(rf"\g<host>/{REDACTED}", url))
