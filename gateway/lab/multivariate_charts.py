"""Several analytes of one sample, charted together: the frozen reference, and samples that do not fit it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.lab.hotelling_t2 import Anomaly, Reference, anomaly, reference
from gateway.lab.trend_reasons import TrendSentence
from gateway.line.spc_rules import Together
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenReference:
    """A reference as it is kept: rows of the covariance's inverse, and the samples it rests on."""

    analytes: tuple[str, ...]
    mean: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    count: int
    limit: float
    rests_on: tuple[str, ...]

    def reference(self) -> Reference:
        """Return the reference as arrays."""
        return Reference(
            analytes=self.analytes,
            mean=np.array(self.mean),
            inverse=np.array(self.inverse),
            count=self.count,
            limit=self.limit,
        )


def frozen_reference(group: Together, rows: Sequence[tuple[str, Sequence[float]]]) -> FrozenReference | None:
    """Return the reference of the first samples (name, values); None where they are too few or do not vary."""
    if len(rows) < group.baseline:
        return None
    frozen = reference(group.analytes, np.array([values for _sample, values in rows], np.float64))
    if frozen is None:
        return None
    return FrozenReference(
        analytes=frozen.analytes,
        mean=tuple(frozen.mean.tolist()),
        inverse=tuple(tuple(row) for row in frozen.inverse.tolist()),
        count=frozen.count,
        limit=frozen.limit,
        rests_on=tuple(sample for sample, _values in rows),
    )


def out_of_line(known: FrozenReference, values: dict[str, float]) -> tuple[Reason, ...]:
    """Return the reason where the values of one sample do not fit one another; else nothing."""
    distance: Anomaly = anomaly(known.reference(), values)
    if not distance.signals:
        return ()
    first = next(iter(distance.contributions))
    return (
        Reason(
            code="OUT_OF_LINE",
            parameters={"t2": distance.t2, "limit": distance.limit, "contributions": dict(distance.contributions)},
            text=text(
                "trend_sentence",
                TrendSentence.OUT_OF_LINE.value,
                analytes=", ".join(known.analytes),
                t2=distance.t2,
                limit=distance.limit,
                first=first,
            ),
        ),
    )
