"""The grammar of units: a text as an exact factor and its dimensions, or nothing. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from gateway.lab.unit_names import (
    BASES,
    PART_SIZES,
    Dimensions,
    NamedUnit,
    names,
    ratio_of,
)

LONGEST = 40  # characters of a unit
_MOST_FACTORS = 8
_MOST_KNOWN = 512  # units that are kept once read
ONE = "1"
_SUPERSCRIPTS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b", "0123456789+-"
)
_RAISED = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207a\u207b]+")
_SPELLINGS = (("\u2212", "-"), ("\u2013", "-"), ("deg C", "degC"), ("deg F", "degF"), ("\u00b0 C", "\u00b0C"),
              ("\u00b0 F", "\u00b0F"), ("fl oz", "floz"), ("pH unit", "pH_unit"), (" per ", "/"),
              ("mm Hg", "mmHg"), ("in Hg", "inHg"), ("mm H2O", "mmH2O"), ("in H2O", "inH2O"))  # fmt: skip
_SCALES = "|".join(re.escape(scale) for scale in PART_SIZES)
_FRACTION = re.compile(rf"(?P<before>[a-z./()]*?)-?(?P<scale>{_SCALES})-?(?P<after>.*)")
_TOKENS = re.compile(
    r"""(?P<ten>(?:[x\u00d7]\s*)?10(?:\^|\*\*|\*)(?P<power>[+-]?\d)(?!\d))
      | (?P<count>\d{1,5}(?:\.\d{1,3})?)(?![\d.])
      | (?P<name>(?:[a-z]+H2O|pH-Wert|[^\W\d]+|[%\u2030]|\u00b0\w*))
        (?:(?:\^|\*\*)?(?P<exponent>[+-]?\d)(?!\d))?
      | (?P<mark>\s*[/()]\s*|\s*(?:\*|[.\u00b7\u22c5\u2219\u00d7])\s*|-(?=[^\W\d])|\s+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Factor:
    """One written factor: its size and dimensions, and whether it stands below the line."""

    scale: Fraction
    dimensions: Dimensions
    below: bool


class _NoUnitError(ValueError):
    """The text is no unit of the grammar, or could be read in two ways."""


def read_unit(text: str) -> NamedUnit | None:
    """Return the unit that a text names, or None."""
    return None if len(text) > LONGEST else _read_short(text)


@lru_cache(maxsize=_MOST_KNOWN)
def _read_short(text: str) -> NamedUnit | None:
    written = spelled(text)
    alone = _names().get(written)
    if alone is not None:
        return alone
    try:
        return _fraction(written) or _composed(_factors(written))
    except _NoUnitError:
        return None


@lru_cache(maxsize=1)
def _names() -> dict[str, NamedUnit]:
    return names()


def spelled(text: str) -> str:
    """Return a text with one spelling of signs: raised digits as ``^2``, one micro sign, plain spaces."""
    raised = _RAISED.sub(lambda match: f"^{match.group().translate(_SUPERSCRIPTS)}", text)
    plain = " ".join(unicodedata.normalize("NFKC", raised).split())
    for seen, ours in _SPELLINGS:
        plain = plain.replace(seen, ours)
    return plain


def _fraction(text: str) -> NamedUnit | None:
    """Return a fraction with its basis (``% w/w``, ``vol.-%``, ``ppm (v/v)``), or None where the text is none."""
    if len(text) > LONGEST:  # a sign may stand for several letters
        raise _NoUnitError
    match = _FRACTION.fullmatch(text.lower().replace(" ", ""))
    if match is None:
        return None
    before, after = match["before"].strip("()"), match["after"].strip("()")
    scale = PART_SIZES[match["scale"]]
    if match["scale"] in {"ppm", "ppb"} and after in {"w", "v"}:
        after = f"{after}/{after}"
    basis = BASES.get(before or after) if not (before and after) else None
    return None if basis is None else NamedUnit(scale=scale * basis[1], dimensions=basis[0])


def _factors(text: str) -> list[_Factor]:
    """Return what stands above and below the line; raises _NoUnitError where the text is no unit."""
    reading = _Reading()
    for token in _tokens(text):
        if token["name"]:
            reading.name(token["name"], int(token["exponent"] or 1))
        elif token["ten"]:
            reading.power_of_ten(int(token["power"]))
        elif token["count"]:
            reading.number(token["count"])
        else:
            reading.mark(token["mark"].strip())
    return reading.finished()


@dataclass(slots=True)
class _Reading:
    """A unit read from left to right; each step raises _NoUnitError where it may not come next."""

    factors: list[_Factor] = field(default_factory=list)
    begun: bool = False
    expects_term: bool = True
    below: bool = False
    in_group: bool = False
    count: Fraction | None = None  # waits for its name: the 10 of g/10min
    counted: bool = False

    def name(self, name: str, exponent: int) -> None:
        """Take the name of a unit, with its power and the count before it."""
        unit = _names().get(name)
        self._require(unit is not None and exponent != 0 and self.expects_term and len(self.factors) < _MOST_FACTORS)
        assert unit is not None  # noqa: S101 - as required
        power = abs(exponent)
        scale = (self.count or 1) * unit.scale**power
        dimensions = tuple((base, degree * power) for base, degree in unit.dimensions)
        self.factors.append(_Factor(scale, dimensions, below=self.below != (exponent < 0)))
        self.begun, self.expects_term, self.count = True, False, None

    def power_of_ten(self, power: int) -> None:
        self._require(not self.begun)
        self.factors.append(_Factor(Fraction(10) ** power, (), below=False))
        self.begun, self.expects_term = True, False

    def number(self, text: str) -> None:
        if not self.begun and text == ONE:  # 1/min
            self.begun, self.expects_term = True, False
            return
        self._require(self.below and self.expects_term and not self.counted and Fraction(text) > 0)
        self.count, self.counted = Fraction(text), True

    def mark(self, mark: str) -> None:
        """Take a fraction line, a bracket, or what stands for a product."""
        if self.count is not None:
            self._require(mark == "")  # 10 min
        elif mark == "/":
            self._require(not self.in_group and (not self.begun or not self.expects_term))
            self.begun = self.below = self.expects_term = True
        elif mark == "(":
            self._require(self.expects_term and not self.in_group)
            self.in_group = True
        elif mark == ")":
            self._require(self.in_group and not self.expects_term)
            self.in_group = False
        else:  # J/kg.K: nobody can say whether K stands below the line
            self._require(not self.expects_term and (self.in_group or not self.below))
            self.expects_term = True

    def finished(self) -> list[_Factor]:
        self._require(not self.expects_term and not self.in_group and any(factor.dimensions for factor in self.factors))
        return self.factors

    @staticmethod
    def _require(holds: bool) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            raise _NoUnitError


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        token = _TOKENS.match(text, at)
        if token is None:
            raise _NoUnitError
        yield token
        at = token.end()


def _composed(factors: list[_Factor]) -> NamedUnit:
    """Return the unit of some factors; like quantities above and below the line are a ratio of their kind."""
    scale, kinds = Fraction(1), list[Dimensions]()
    above = [factor for factor in factors if not factor.below]
    for lower in (factor for factor in factors if factor.below):
        scale /= lower.scale
        same = next((factor for factor in above if factor.dimensions == lower.dimensions), None)
        if same is None:
            kinds.append(tuple((base, -power) for base, power in lower.dimensions))
        else:
            above.remove(same)
            scale *= same.scale
            kinds.append(ratio_of(same.dimensions))
    for upper in above:
        scale *= upper.scale
        kinds.append(upper.dimensions)
    powers: dict[str, int] = {}
    for base, power in (pair for kind in kinds for pair in kind):
        powers[base] = powers.get(base, 0) + power
    return NamedUnit(scale=scale, dimensions=tuple(sorted((base, power) for base, power in powers.items() if power)))
