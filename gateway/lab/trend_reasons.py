"""Why a person must look at a value: what its series signals, in sentences for operators. Pure.

Each sentence (groups ``trend``, ``trend_sentence``, ``trend_rule``) says what happened to which analyte, on which
side, and over how many samples; the name of the rule stands in brackets, for those who ask the statistician.
"""

from collections.abc import Sequence
from enum import StrEnum

from gateway.lab.charts import Cusum, Ewma
from gateway.lab.phase_one import ChartLimits
from gateway.line.spc_rules import RunRule
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text, text

EWMA, CUSUM, DEPARTED = "ewma", "cusum", "does_not_vary"  # signals that are no run rules
SINGLE_VALUE_RULES = (RunRule.NELSON_1, RunRule.WESTERN_ELECTRIC_1)

SIGNALS = (*RunRule, EWMA, CUSUM, DEPARTED)


class TrendSentence(StrEnum):
    """The codes of the group ``trend_sentence``."""

    OUT_OF_TREND = "OUT_OF_TREND"
    OUT_OF_TREND_NOW = "OUT_OF_TREND_NOW"
    DOES_NOT_VARY = "DOES_NOT_VARY"
    OUT_OF_LINE = "OUT_OF_LINE"


def code_of(signal: str) -> str:
    """Return the code of a signal in the groups ``trend`` and ``trend_rule``."""
    return signal.upper()


def rule_name(signal: str) -> str:
    """Return a signal's name as people know it: Nelson 2, CUSUM."""
    return text("trend_rule", code_of(signal))


def trend_reason(
    signal: str, *, name: str, value: str, limits: ChartLimits, recent: Sequence[float], ewma: Ewma, cusum: Cusum
) -> Reason:
    """Return the reason that a signal of a series with limits gives; ``value``: as written, ``name``: the test.

    ``recent``: standardised values, the newest last; the charts stand after it.
    """
    high, value = _is_high(signal, recent, ewma, cusum), number_in_text(value)
    samples = cusum.high_count if high else cusum.low_count
    clause = text("trend", code_of(signal), variant="high" if high else "low", name=name, value=value, samples=samples)
    sentence = TrendSentence.OUT_OF_TREND if value in clause.split() else TrendSentence.OUT_OF_TREND_NOW
    return Reason(
        code="OUT_OF_TREND",
        parameters={"rule": signal, "center": limits.center, "sigma": limits.sigma,
                    "lower": limits.lower, "upper": limits.upper, "side": "above" if high else "below",
                    **({"samples": samples} if signal == CUSUM else {})},
        text=text("trend_sentence", sentence.value, signal=clause, rule=rule_name(signal), value=value,
                  lower=limits.lower, upper=limits.upper),
    )  # fmt: skip


def _is_high(signal: str, recent: Sequence[float], ewma: Ewma, cusum: Cusum) -> bool:
    if signal == EWMA:
        return ewma.value > 0
    if signal == CUSUM:
        return cusum.high > cusum.decision
    if signal == RunRule.NELSON_3 and len(recent) > 1:
        return recent[-1] > recent[-2]
    return recent[-1] > 0


def departed_reason(*, name: str, value: str, constant: str, count: int) -> Reason:
    """Return the reason of a value that differs from the only one that its series had; both as people write them."""
    sentence = text(
        "trend_sentence",
        TrendSentence.DOES_NOT_VARY.value,
        name=name,
        value=number_in_text(value),
        constant=number_in_text(constant),
        count=count,
    )
    return Reason(
        code="OUT_OF_TREND", parameters={"rule": DEPARTED, "constant": constant, "samples": count}, text=sentence
    )
