"""What the gateway predicted for each row, compared with the measured values in the file."""

import json
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.contract.times import parse_rfc3339
from simulator.mqtt import Received
from simulator.play.file import Recording, Timetable

_SHADOW = "shadow"


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
    """Collects predictions and sums them up.

    A row without a prediction was demoted, where the model was in shadow then, or missed, where the machine was busy.
    """

    recording: Recording
    timetable: Timetable | None = None
    predictions: dict[int, PublishedPrediction] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    stage: dict[str, str] = field(default_factory=dict)
    model: str | None = None  # whose stage counts; None: of any
    analyte: str | None = None  # whose predictions count; None: all
    tick_ns: int | None = None  # when a model was last due before the first row
    _shadows: list[int] = field(default_factory=list)  # when a model went into shadow, and when it came out, in turn

    def received(self, message: Received) -> None:
        """Take a message of the gateway; of several predictions in one row the first counts: it is of its instant."""
        if not message.payload or message.retained:
            return
        document = json.loads(message.payload)
        if document.get("schema") == "labline.status/1" and document["online"]:
            self.note_stage(document["stage"], at_ns=time.time_ns())
            self.alarms |= set(document["degraded"]) if self.timetable else set()  # not of the start
        if document.get("schema") == "labline.prediction/1" and self.analyte in {None, document["analyte"]}:
            self._note_prediction(document)

    def _note_prediction(self, document: dict[str, Any]) -> None:
        if self.timetable is None:
            self.tick_ns = parse_rfc3339(document["issued_at"])
            return
        prediction = self._prediction(document, self.timetable)
        self.predictions.setdefault(prediction.row, prediction)

    def note_stage(self, stage: dict[str, str], *, at_ns: int) -> None:
        """Take how far each model may go from an instant on."""
        self.stage = stage
        own = stage.values() if self.model is None else [stage.get(self.model)]
        in_shadow = _SHADOW in own
        if self.timetable is not None and in_shadow is not (len(self._shadows) % 2 == 1):
            self._shadows.append(at_ns)

    def _in_shadow(self, at_ns: int) -> bool:
        return bisect_right(self._shadows, at_ns) % 2 == 1

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
        truth, timetable = self.recording.truth, self.timetable
        rows = [] if timetable is None else [row for row in range(first, timetable.end) if np.isfinite(truth[row])]
        predictions = [self.predictions[row] for row in rows if row in self.predictions]
        demoted = [row for row in rows if timetable is not None and row not in self.predictions
                   and self._in_shadow(timetable.instant_ns(row))]  # fmt: skip
        accepted = [prediction for prediction in predictions if prediction.value is not None]
        values = np.array([prediction.value for prediction in accepted], np.float64)
        actual = truth[[prediction.row for prediction in accepted]] if accepted else values
        inside = [prediction for prediction in accepted if prediction.low is not None and prediction.high is not None
                  and prediction.low <= truth[prediction.row] <= prediction.high]  # fmt: skip
        abstained = Counter(reason for prediction in predictions for reason in prediction.reasons)
        return {
            "rows": len(rows),
            "predicted_rows": len(predictions),
            "accepted_rows": len(accepted),
            "refused_rows": len(predictions) - len(accepted),
            "demoted_rows": len(demoted),
            "missed_rows": len(rows) - len(predictions) - len(demoted),
            "accepted_share": _share(len(accepted), len(predictions) + len(demoted)),
            "r2_accepted": _r2(actual, values),
            "rmse_accepted": None if not accepted else round(float(np.sqrt(np.mean((actual - values) ** 2))), 5),
            "coverage_accepted": _share(len(inside), len(accepted)),
            "r2_last_result": _r2(truth[rows], self._last_known(rows)),
            "abstained": dict(abstained.most_common()),
        }

    def _last_known(self, rows: list[int]) -> NDArray[np.float64]:
        """Return for each row the newest result that had arrived (NaN before any): what one has without a model."""
        results = sorted(self.recording.measured, key=lambda item: item.arrives_ns)
        arrived = np.array([item.arrives_ns for item in results], np.int64)
        newest = np.searchsorted(arrived, self.recording.since_first_ns[rows], side="right") - 1
        values = np.array([item.value for item in results] + [np.nan])
        known: NDArray[np.float64] = values[newest]
        return known


@dataclass
class Accounts:
    """An account for each analyte that is played."""

    of_each: tuple[Account, ...]

    def begin(self, timetable: Timetable) -> None:
        """Take when rows happen: from now on it counts."""
        for account in self.of_each:
            account.timetable = timetable

    def received(self, message: Received) -> None:
        """Take a message of the gateway."""
        for account in self.of_each:
            account.received(message)

    def note_stage(self, stage: dict[str, str], *, at_ns: int) -> None:
        """Take how far each model may go from an instant on."""
        for account in self.of_each:
            account.note_stage(stage, at_ns=at_ns)

    @property
    def tick_ns(self) -> int | None:
        """Return when the first model was last due before the first row."""
        return self.of_each[0].tick_ns

    @property
    def stage(self) -> dict[str, str]:
        """Return how far each model may go."""
        return self.of_each[0].stage

    @property
    def alarms(self) -> set[str]:
        """Return the alarms that have stood."""
        return self.of_each[0].alarms

    def summary(self, *, first: int) -> dict[str, Any]:
        """Return the figures over the rows from ``first`` on; of several analytes each by its name in ``outputs``."""
        if len(self.of_each) == 1:
            return self.of_each[0].summary(first=first)
        return {"outputs": {account.recording.analyte: account.summary(first=first) for account in self.of_each}}


def accounts_of(recording: Recording, models: Mapping[str, str]) -> Accounts:
    """Return the accounts of a recording and its other analytes; ``models``: by analyte, who predicts it."""
    if not recording.others:
        return Accounts((Account(recording),))
    played = (recording, *recording.others)
    return Accounts(tuple(Account(item, model=models.get(item.analyte), analyte=item.analyte) for item in played))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _r2(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    known = np.isfinite(predicted)
    actual, predicted = actual[known], predicted[known]
    if len(actual) < 2 or np.ptp(actual) == 0:
        return None
    return round(float(1 - np.sum((actual - predicted) ** 2) / np.sum((actual - actual.mean()) ** 2)), 4)
