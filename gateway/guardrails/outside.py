"""The gate of a process that is outside again and again: while it stands, nothing is predicted in between. Pure."""

from collections.abc import Iterable, Sequence

from gateway.guardrails.reasons import Abstention, abstain
from gateway.line.definition import ModelBundle
from gateway.line.sustained_outside import PastJudgement, stands_now
from gateway.records.verdicts import Reason

_OUTSIDE = frozenset({Abstention.OUTSIDE_VALIDATED_RANGE, Abstention.OUTSIDE_DOMAIN_T2, Abstention.OUTSIDE_DOMAIN_SPE})
_OF_VALUES = frozenset(
    {
        Abstention.NOT_FINITE,
        Abstention.OUTSIDE_OUTPUT_RANGE,
        Abstention.NO_HONEST_INTERVAL,
        Abstention.INTERVAL_TOO_WIDE,
    }
)


def process_outside(
    bundle: ModelBundle, reasons: tuple[Reason, ...], judged: Sequence[PastJudgement]
) -> tuple[Reason, ...]:
    """Return the reason why nothing is predicted for a while; ``judged``: the predictions before, the newest first.

    ``reasons``: of the present inputs. Bundles that do not state the rules have each prediction judged by itself.
    """
    rules = bundle.outside
    if rules is None or not stands_now(rules, judged, outside=is_outside(reason.code for reason in reasons)):
        return ()
    name = bundle.identity.name
    return (abstain(Abstention.PROCESS_OUTSIDE, model=name, leaves_after=rules.leaves_after),)


def is_outside(codes: Iterable[str]) -> bool | None:
    """Return whether the process was outside what a model has learned, by the codes of a prediction's reasons.

    None where that is not known: an input could not be read. What was wrong with the value alone says that the inputs
    were inside.
    """
    own = set(codes) - {Abstention.PROCESS_OUTSIDE}
    if own & _OUTSIDE:
        return True
    return False if own <= _OF_VALUES else None
