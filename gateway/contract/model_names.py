"""Names of models, versions and analytes: each is a folder, a level of a topic and a part of an alarm's code. Pure."""

import re
from typing import Annotated

from pydantic import AfterValidator

from gateway.line.definition import CANDIDATE

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_LONGEST = 64


def _as_a_name(text: str) -> str:
    if not _NAME.fullmatch(text) or len(text) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r} is no name: letters, digits and _, after the first also ., + and -")
    return text


def _as_a_model(text: str) -> str:
    if text.endswith(CANDIDATE):
        raise ValueError(f"{text} ends in {CANDIDATE}, which marks candidates")
    return _as_a_name(text)


ModelName = Annotated[str, AfterValidator(_as_a_model)]
PlainName = Annotated[str, AfterValidator(_as_a_name)]
