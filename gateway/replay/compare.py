"""The output at the time against the output of a replay: figures by model, and a list of differences. Pure."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.records.guidance import Guidance
from gateway.records.prediction import Prediction
from gateway.replay.recorded import GatewayOutput


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How one analyte of a model did: over the instants it was due, and at the samples that the laboratory measured."""

    predictions: int
    accepted: int
    abstained: Mapping[str, int]  # by reason; one prediction may have several
    mean_half_width: float | None
    results: int  # laboratory results with a number, for whose sample the model was run
    answered: int  # of these, with an accepted prediction
    hits: int  # of these, inside the interval
    rmse: float | None

    @property
    def coverage(self) -> float | None:
        """Return the share of answered results inside the interval, or None without any."""
        return self.hits / self.answered if self.answered else None

    def document(self) -> dict[str, Any]:
        """Return the figures as they stand in a report."""
        return {**asdict(self), "coverage": self.coverage}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One output that differs, or that only one of the two has."""

    at_ns: int
    what: str
    then: str
    now: str


def figures(output: GatewayOutput, measured: Mapping[str, float]) -> dict[tuple[str, str], Figures]:
    """Return the figures by (model, analyte); ``measured``: the numbers of results by result id."""
    names = sorted({(model, analyte) for model, analyte, _at_ns, _result in output.predictions})
    return {name: _figures(predictions_of(output, name), measured) for name in names}


def predictions_of(output: GatewayOutput, name: tuple[str, str]) -> list[Prediction]:
    """Return the predictions of (model, analyte)."""
    return [prediction for key, prediction in output.predictions.items() if key[:2] == name]


def _figures(predictions: Sequence[Prediction], measured: Mapping[str, float]) -> Figures:
    due = [prediction for prediction in predictions if prediction.sample_result_id is None]
    samples = [(prediction, measured[prediction.sample_result_id]) for prediction in predictions
               if prediction.sample_result_id is not None and prediction.sample_result_id in measured]  # fmt: skip
    answered = [(*interval, prediction.value, value) for prediction, value in samples
                if prediction.value is not None and (interval := _interval(prediction)) is not None]  # fmt: skip
    widths = [(interval[1] - interval[0]) / 2 for prediction in due if (interval := _interval(prediction)) is not None]
    return Figures(
        predictions=len(due),
        accepted=sum(prediction.verdict.accepted for prediction in due),
        abstained=dict(
            Counter(reason.code for prediction in due for reason in prediction.verdict.reasons).most_common()
        ),
        mean_half_width=statistics.fmean(widths) if widths else None,
        results=len(samples),
        answered=len(answered),
        hits=sum(low <= value <= high for low, high, _value, value in answered),
        rmse=statistics.fmean((predicted - value) ** 2 for _low, _high, predicted, value in answered) ** 0.5
        if answered
        else None,
    )


def _interval(prediction: Prediction) -> tuple[float, float] | None:
    return None if prediction.low is None or prediction.high is None else (prediction.low, prediction.high)


def differences(then: GatewayOutput, now: GatewayOutput) -> list[Difference]:
    """Return everything that differs, in the order of time."""
    all_differences = [*_in_predictions(then, now), *_in_guidance(then, now), *_in_dispositions(then, now)]
    return sorted(all_differences, key=lambda difference: (difference.at_ns, difference.what))


def _in_predictions(then: GatewayOutput, now: GatewayOutput) -> Iterator[Difference]:
    for key in then.predictions.keys() | now.predictions.keys():
        model, analyte, at_ns, result_id = key
        before, after = _prediction_text(then.predictions.get(key)), _prediction_text(now.predictions.get(key))
        if before != after:
            of = "" if result_id is None else f" at sample of {result_id}"
            yield Difference(at_ns=at_ns, what=f"prediction of {analyte} by {model}{of}", then=before, now=after)


def _prediction_text(prediction: Prediction | None) -> str:
    if prediction is None:
        return "-"
    if prediction.value is None:
        return ", ".join(reason.code for reason in prediction.verdict.reasons) or "abstained"
    interval = "" if prediction.low is None else f" ({prediction.low!r} to {prediction.high!r})"
    return f"{prediction.value!r}{interval}"


def _in_guidance(then: GatewayOutput, now: GatewayOutput) -> Iterator[Difference]:
    for key in then.guidance.keys() | now.guidance.keys():
        kind, analyte, at_ns = key
        before, after = _guidance_text(then.guidance.get(key)), _guidance_text(now.guidance.get(key))
        if before != after:
            yield Difference(at_ns=at_ns, what=f"{kind} about {analyte or 'a lot'}", then=before, now=after)


def _guidance_text(guidance: Guidance | None) -> str:
    if guidance is None:
        return "-"
    move = guidance.suggestion
    return guidance.title if move is None else f"{move.tag} from {move.current!r} to {move.proposed!r}"


def _in_dispositions(then: GatewayOutput, now: GatewayOutput) -> Iterator[Difference]:
    for result in then.dispositions.keys() | now.dispositions.keys():
        before, after = then.dispositions.get(result), now.dispositions.get(result)
        if before is not after:
            recommended = [
                recommendation.value if recommendation is not None else "-" for recommendation in (before, after)
            ]
            yield Difference(at_ns=0, what=f"disposition on {result}", then=recommended[0], now=recommended[1])


def guidance_counts(output: GatewayOutput) -> dict[str, int]:
    """Return how many of each kind of guidance there were."""
    return dict(sorted(Counter(kind for kind, _analyte, _at_ns in output.guidance).items()))


def disposition_counts(output: GatewayOutput) -> dict[str, int]:
    """Return how many of each recommendation there were."""
    return dict(sorted(Counter(recommendation.value for recommendation in output.dispositions.values()).items()))


def paired(output: GatewayOutput, first: str, second: str) -> GatewayOutput:
    """Return the predictions of two models over the same time, as their newest versions, and of the same samples."""
    newest = {key[0]: prediction.model.sha256 for key, prediction in output.predictions.items()}
    kept = {
        key: prediction
        for key, prediction in output.predictions.items()
        if key[0] in {first, second} and prediction.model.sha256 == newest[key[0]]
    }
    due = {name: [key[2] for key in kept if key[0] == name and key[3] is None] for name in (first, second)}
    samples = {name: {key[3] for key in kept if key[0] == name} for name in (first, second)}
    if not all(due.values()):
        return replace(output, predictions={})
    begin_ns, end_ns = max(min(instants) for instants in due.values()), min(max(instants) for instants in due.values())
    both = samples[first] & samples[second]
    return replace(
        output,
        predictions={
            key: prediction
            for key, prediction in kept.items()
            if (begin_ns <= key[2] <= end_ns if key[3] is None else key[3] in both)
        },
    )
