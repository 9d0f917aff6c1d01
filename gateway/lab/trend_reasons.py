"""Why a person must look at a value: what its series signals, in sentences for operators. Pure.

Each sentence says what happened to which analyte, on which side, and over how many samples; the name of the rule
stands in brackets, for those who ask the statistician.
"""

from collections.abc import Mapping, Sequence

from gateway.lab.charts import Cusum, Ewma
from gateway.lab.phase_one import ChartLimits
from gateway.line.spc_rules import RunRule
from gateway.records.verdicts import Reason

EWMA, CUSUM, DEPARTED = "ewma", "cusum", "does_not_vary"  # signals that are no run rules
SINGLE_VALUE_RULES = (RunRule.NELSON_1, RunRule.WESTERN_ELECTRIC_1)

_FAR, _OFF = "{name} was far {side} its usual level in 2 of the last 3 samples", "{name} was {side} its usual level"
_SENTENCES: Mapping[str, tuple[str, str]] = {  # of each signal: what it says, and its name
    RunRule.NELSON_1: ("{name} {value} is {side} its usual range", "Nelson 1"),
    RunRule.NELSON_2: ("{name} has been {side} its usual level for 9 samples in a row", "Nelson 2"),
    RunRule.NELSON_3: ("{name} has {moved} from sample to sample over the last 6", "Nelson 3"),
    RunRule.NELSON_4: ("{name} has gone up and down in turn over the last 14 samples", "Nelson 4"),
    RunRule.NELSON_5: (_FAR, "Nelson 5"),
    RunRule.NELSON_6: (f"{_OFF} in 4 of the last 5 samples", "Nelson 6"),
    RunRule.NELSON_7: ("{name} has varied unusually little over the last 15 samples", "Nelson 7"),
    RunRule.NELSON_8: ("{name} has kept away from its usual level over the last 8 samples", "Nelson 8"),
    RunRule.WESTERN_ELECTRIC_1: ("{name} {value} is {side} its usual range", "Western Electric 1"),
    RunRule.WESTERN_ELECTRIC_2: (_FAR, "Western Electric 2"),
    RunRule.WESTERN_ELECTRIC_3: (f"{_OFF} in 4 of the last 5 samples", "Western Electric 3"),
    RunRule.WESTERN_ELECTRIC_4: (
        "{name} has been {side} its usual level for 8 samples in a row",
        "Western Electric 4",
    ),
    RunRule.MOVING_RANGE: ("{name} has jumped to {value} since the sample before", "moving range"),
    EWMA: ("{name} has moved {side} its usual level on average over the last samples", "EWMA"),
    CUSUM: ("{name} has drifted {drift} over the last {samples} samples", "CUSUM"),
    DEPARTED: ("{name} {value} differs from {constant}, which it always was", "a value that differs"),
}


def rule_name(signal: str) -> str:
    """Return a signal's name as people know it: Nelson 2, CUSUM."""
    return _SENTENCES[signal][1]


def trend_reason(
    signal: str, *, name: str, text: str, limits: ChartLimits, recent: Sequence[float], ewma: Ewma, cusum: Cusum
) -> Reason:
    """Return the reason that a signal of a series with limits gives; ``text``: the value, ``name``: the test's.

    ``recent``: standardised values, the newest last; the charts stand after it.
    """
    high = _is_high(signal, recent, ewma, cusum)
    samples = cusum.high_count if high else cusum.low_count
    sentence = _SENTENCES[signal][0].format(
        name=name,
        value=text,
        side="above" if high else "below",
        moved="risen" if high else "fallen",
        drift="upwards" if high else "downwards",
        samples=samples,
    )
    now = "" if text in sentence.split() else f"now {text}, "
    return Reason(
        code="OUT_OF_TREND",
        parameters={"rule": signal, "center": limits.center, "sigma": limits.sigma,
                    "lower": limits.lower, "upper": limits.upper, "side": "above" if high else "below",
                    **({"samples": samples} if signal == CUSUM else {})},
        text=f"{sentence} ({rule_name(signal)}): {now}usually {limits.lower:.4g} to {limits.upper:.4g}.",
    )  # fmt: skip


def _is_high(signal: str, recent: Sequence[float], ewma: Ewma, cusum: Cusum) -> bool:
    if signal == EWMA:
        return ewma.value > 0
    if signal == CUSUM:
        return cusum.high > cusum.decision
    if signal == RunRule.NELSON_3 and len(recent) > 1:
        return recent[-1] > recent[-2]
    return recent[-1] > 0


def departed_reason(*, name: str, text: str, constant: str, count: int) -> Reason:
    """Return the reason of a value that differs from the only one that its series had; both as people write them."""
    return Reason(
        code="OUT_OF_TREND",
        parameters={"rule": DEPARTED, "constant": constant, "samples": count},
        text=f"{_SENTENCES[DEPARTED][0].format(name=name, value=text, constant=constant)}: "
        f"{count} samples did not vary.",
    )
