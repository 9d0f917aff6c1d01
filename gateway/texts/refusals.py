"""Says why something is refused and what to do: the groups ``act_refusal`` and ``request_refusal``.

Some parameters are words that have texts of their own, such as a role: they are stored and sent as codes, and are
written in the language of the one who reads.
"""

from collections.abc import Mapping
from typing import Any

from gateway.texts.catalogue import english_text, text

# of a parameter: the group of its words
WORDS: Mapping[str, str] = {
    "act": "act_name",
    "roles": "role_name",
    "needs": "role_name",
    "role": "role_name",
    "stage": "stage_name",
    "decision": "lot_decision",
    "signing_state": "signing_state",
    "alarm_state": "alarm_state",
    "outcome": "outcome",
    "certificate_state": "certificate_state",
}


def why_of(group: str, code: str, parameters: Mapping[str, Any], *, in_english: bool = False) -> str:
    """Return why something is refused, in the plant's language or as the audit trail keeps it."""
    return _part(group, code, parameters, "why", in_english=in_english)


def hint_of(group: str, code: str, parameters: Mapping[str, Any], *, in_english: bool = False) -> str:
    """Return what a person does about it."""
    return _part(group, code, parameters, "hint", in_english=in_english)


def _part(group: str, code: str, parameters: Mapping[str, Any], variant: str, *, in_english: bool) -> str:
    say = english_text if in_english else text
    shown: dict[str, Any] = {}
    for name, value in parameters.items():
        words = WORDS.get(name)
        if words is not None:
            values = value if isinstance(value, list | tuple) else (value,)
            shown[name] = ", ".join(say(words, str(word).upper(), variant="written") for word in values)
        else:
            shown[name] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return say(group, code, **{**shown, "variant": variant})
