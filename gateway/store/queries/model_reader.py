"""Reads models on the connection of a reader: which versions serve, and how well they predict."""

import math
from collections.abc import Collection

from gateway.inference.corrections import BiasState
from gateway.line.definition import ModelAssignment
from gateway.records.laboratory import LabResult
from gateway.records.people import VersionChange
from gateway.store.codec import decode
from gateway.store.queries.outside import outside_parameters
from gateway.store.queries.rows import Rows
from gateway.store.queries.versions import changes

_RECENT_PREDICTIONS = 200
_RECENT_SAMPLES = 50
_RESIDUAL_LAMBDA = 0.2


class ModelReader:
    """What is on record of models."""

    def __init__(self, rows: Rows) -> None:
        self._all = rows

    async def version_changes(self) -> list[VersionChange]:
        """Return which versions of models people have put into service or taken out of it, as far as that is known."""
        acts, _unknown = changes(await self._all("version_changes"))
        return acts

    async def outside_since_ns(self, model: ModelAssignment, now_ns: int) -> int | None:
        """Return since when the process has been outside what a model has learned; None where it is not."""
        if model.bundle.outside is None:
            return None
        ((since_ns,),) = await self._all("outside_since", **outside_parameters(model, now_ns))
        return None if since_ns is None else int(str(since_ns))

    async def figures(self, model: str, bundle_sha256: str, *, signed: Collection[str] = ()) -> dict[str, float]:
        """Return a model's share of abstentions and, against current lab results, coverage and residual.

        Of each analyte that results have taught it about: the bias, the charts of the residuals in sigmas, the coverage
        of the intervals that stood when samples were drawn, and of how many; where an interval follows the size of
        errors, how much larger they are than in training.

        ``signed``: the analytes whose bias is what a person has signed.
        ``lab_residual_ewma``: exponentially weighted mean of (lab - predicted), lambda 0.2, newest last.
        """
        figures: dict[str, float] = {}
        ((count, accepted),) = await self._all("recent_acceptance", model=model, most=_RECENT_PREDICTIONS)
        if isinstance(count, int) and count:
            figures["abstained_share"] = round(1.0 - float(str(accepted or 0)) / count, 4)
        rows = await self._all("recent_sample_predictions", model=model, most=_RECENT_SAMPLES)
        pairs = [
            (float(str(value)), float(str(low)), float(str(high)), decode(LabResult, str(body)).value)
            for value, low, high, body in reversed(rows)
        ]
        measured = [(value, low, high, lab) for value, low, high, lab in pairs if lab is not None]
        if measured:
            covered = sum(low <= lab <= high for _value, low, high, lab in measured)
            ewma = math.nan
            for value, _low, _high, lab in measured:
                residual = lab - value
                ewma = residual if math.isnan(ewma) else ewma + _RESIDUAL_LAMBDA * (residual - ewma)
            figures |= {"coverage": round(covered / len(measured), 4), "lab_residual_ewma": round(ewma, 4)}
        for analyte, body, holds in await self._all("learned_by_name", bundle_sha256=bundle_sha256):
            figures |= _learned_figures(str(analyte), decode(BiasState, str(body))) if holds else {}
        for analyte in signed:
            acts = await self._all("signed_bias_in_force", bundle_sha256=bundle_sha256, analyte=analyte)
            figures[f"bias_{analyte}"] = float(str(acts[0][0])) if acts else 0.0
        return figures


def _learned_figures(analyte: str, state: BiasState) -> dict[str, float]:
    figures = {
        f"bias_{analyte}": state.bias,
        f"residual_ewma_{analyte}": state.ewma.value,
        f"residual_cusum_{analyte}": max(state.cusum.high, state.cusum.low),
        f"interval_coverage_{analyte}": state.coverage or 0.0,
        f"results_{analyte}": float(state.results),
    }
    if state.scale != 1.0:
        figures[f"interval_scale_{analyte}"] = state.scale
    return {name: round(value, 4) for name, value in figures.items()}
