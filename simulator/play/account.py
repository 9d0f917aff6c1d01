"""What the gateway predicted for each row, compared with the measured values in the file."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.contract.times import parse_rfc3339
from simulator.mqtt import Received
from simulator.play.file import Recording, Timetable


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPrediction:
    """A prediction as it was published; numbers are None where the gateway abstained."""

    row: int
    value: float | None
    low: float | None
    high: float | None
    reasons: tuple[str, ...]


@dataclass
class Account:
    """Collects predictions and sums them up."""

    recording: Recording
    timetable: Timetable | None = None
    predictions: dict[int, PublishedPrediction] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    stage: dict[str, str] = field(default_factory=dict)

    def received(self, message: Received) -> None:
        """Take a message of the gateway; of several predictions in one row the last one counts."""
        if not message.payload or message.retained:
            return
        document = json.loads(message.payload)
        if document.get("schema") == "labline.status/1" and document["online"]:
            self.stage = document["stage"]
            self.alarms |= set(document["degraded"]) if self.timetable else set()  # not of the start
        if document.get("schema") == "labline.prediction/1" and self.timetable is not None:
            prediction = self._prediction(document, self.timetable)
            self.predictions[prediction.row] = prediction

    def _prediction(self, document: dict[str, Any], timetable: Timetable) -> PublishedPrediction:
        return PublishedPrediction(
            row=timetable.row_at(parse_rfc3339(document["issued_at"])),
            value=document["value"],
            low=document["low"],
            high=document["high"],
            reasons=tuple(reason["code"] for reason in document["verdict"]["reasons"]),
        )

    def summary(self, *, first: int) -> dict[str, Any]:
        """Return the figures over the rows from ``first`` on."""
        rows = list(range(first, self.timetable.end if self.timetable else first))
        predictions = [self.predictions[row] for row in rows if row in self.predictions]
        accepted = [prediction for prediction in predictions if prediction.value is not None]
        truth = self.recording.truth
        values = np.array([prediction.value for prediction in accepted], np.float64)
        actual = truth[[prediction.row for prediction in accepted]] if accepted else values
        inside = [prediction for prediction in accepted if prediction.low is not None and prediction.high is not None
                  and prediction.low <= truth[prediction.row] <= prediction.high]  # fmt: skip
        abstained = Counter(reason for prediction in predictions for reason in prediction.reasons)
        return {
            "rows": len(rows),
            "predicted_rows": len(predictions),
            "accepted_share": _share(len(accepted), len(predictions)),
            "r2_accepted": _r2(actual, values),
            "rmse_accepted": None if not accepted else round(float(np.sqrt(np.mean((actual - values) ** 2))), 5),
            "coverage_accepted": _share(len(inside), len(accepted)),
            "r2_last_result": _r2(truth[rows], self._last_known(rows)),
            "abstained": dict(abstained.most_common()),
        }

    def _last_known(self, rows: list[int]) -> NDArray[np.float64]:
        """Return for each row the newest result that had arrived: what one has without a model."""
        every, delay = self.recording.every_rows, self.recording.delay_rows
        newest = [max(0, (row - delay) // every * every) for row in rows]
        return self.recording.truth[newest]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _r2(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    if len(actual) < 2 or np.ptp(actual) == 0:
        return None
    return round(float(1 - np.sum((actual - predicted) ** 2) / np.sum((actual - actual.mean()) ** 2)), 4)
