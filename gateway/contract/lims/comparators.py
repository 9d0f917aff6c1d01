"""Comparators as laboratories write them: ``<``, ``<=``, ``>``, ``>=``, or none. Never a guess. Pure.

The words of HL7 FHIR (https://hl7.org/fhir/valueset-quantity-comparator.html) that say no limit (``ad``), those of its
searches (``sa``, ``eb``, ``ap``) and "about" in all its forms are known and not understood.
"""

from collections.abc import Mapping

from gateway.contract.lims.names import normalised

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "": ("", "=", "==", "eq", "equal", "equals", "equal to"),
    "<": ("<", "\uff1c", "﹤", "&lt;", "lt", "less than", "below", "under", "unter", "kleiner",
          "kleiner als", "weniger als", "moins de", "inférieur à", "inférieure à", "menor que", "menos de",
          "inferior a", "minder dan", "kleiner dan", "lager dan", "minore di", "meno di", "inferiore a", "mniej niż",
          "poniżej"),
    "<=": ("<=", "=<", "≤", "≦", "⩽", "&le;", "&lt;=", "le", "lte", "leq", "less than or equal",
           "less than or equal to", "at most", "not more than", "nmt", "höchstens", "au plus", "como máximo",
           "ten hoogste", "hoogstens", "al massimo", "co najwyżej", "najwyżej"),
    ">": (">", "\uff1e", "﹥", "&gt;", "gt", "greater than", "more than", "above", "over", "über", "größer",
          "größer als", "mehr als", "plus de", "supérieur à", "supérieure à", "mayor que", "más de", "superior a",
          "meer dan", "groter dan", "hoger dan", "maggiore di", "più di", "superiore a", "oltre", "więcej niż",
          "powyżej", "większe niż"),
    ">=": (">=", "=>", "≥", "≧", "⩾", "&ge;", "&gt;=", "ge", "gte", "geq", "greater than or equal",
           "greater than or equal to", "at least", "not less than", "nlt", "mindestens", "au moins", "al menos",
           "ten minste", "minstens", "almeno", "co najmniej"),
}  # fmt: skip
_MEANINGS: Mapping[str, str] = {word: meaning for meaning, words in _SPELLINGS.items() for word in words}
NOT_UNDERSTOOD = frozenset(
    {"~", "≈", "≃", "ca", "ca.", "c.", "circa", "approx", "approx.", "approximately", "about", "around", "etwa",
     "ungefähr", "ad", "sa", "eb", "ap", "bis", "up to", "ne", "!=", "<>", "≠", "±", "+/-", "<<", ">>", "max", "max.",
     "min", "min.", "trace"}
)  # fmt: skip


def comparator(text: str) -> str | None:
    """Return ``<``, ``<=``, ``>``, ``>=`` or ``""`` (none) for what a laboratory wrote; None where it is unknown."""
    return _MEANINGS.get(normalised(text).casefold())
