"""Earlier deviations that were made alike: how near, what was done, whether it helped. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gateway.lab.deviations import Drafted, Similar
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.usual import usual_of

_MOST_SIMILAR = 5


def nearest(
    own: Fingerprint, earlier: Iterable[tuple[Drafted, tuple[str, ...], bool | None]], spread: Mapping[str, float]
) -> tuple[Similar, ...]:
    """Return the earlier deviations that were made most alike, each with what was done and whether it helped.

    ``spread``: by tag, one sigma between lots; nearness is 1 over 1 plus the root mean square distance in sigmas.
    """
    similar = []
    for deviation, done, helped in earlier:
        common = [name for name in own.values if name in deviation.fingerprint.values and spread.get(name, 0.0) > 0]
        if not common:
            continue
        apart = [(own.values[name] - deviation.fingerprint.values[name]) / spread[name] for name in common]
        similar.append(
            Similar(
                deviation_id=deviation.deviation_id,
                material_lot_id=deviation.result.material_lot_id,
                at_ns=deviation.at_ns,
                nearness=1.0 / (1.0 + float(np.sqrt(np.mean(np.square(apart))))),
                causes=tuple(cause.name for cause in deviation.causes[:3]),
                done=done,
                helped=helped,
            )
        )
    return tuple(sorted(similar, key=lambda deviation: (-deviation.nearness, -deviation.at_ns)))[:_MOST_SIMILAR]


def spread_of(references: Sequence[Fingerprint], floors: Mapping[str, float]) -> dict[str, float]:
    """Return one sigma between lots of each tag."""
    names = sorted({name for lot in references for name in lot.values})
    spread = {}
    for name in names:
        values = [lot.values[name] for lot in references if name in lot.values]
        if len(values) > 1:
            spread[name] = usual_of(values, floor=floors.get(name, 0.0)).sigma
    return spread
