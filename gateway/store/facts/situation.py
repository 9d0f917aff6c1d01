"""From the tables: the situation that an event meets. Runs inside the writer's transaction."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypedDict, TypeVar

from pydantic import ValidationError

from gateway.advice.provisional import IN_A_ROW
from gateway.advice.publication import BOARD_LONGEST
from gateway.decisions.table import row_of
from gateway.events import (
    AdviceWithheld,
    ContextChanged,
    Event,
    FollowUpDue,
    GatewayStarted,
    HeadWitnessed,
    LotsJudgedAgain,
    ModelDue,
    ResponseArrived,
    ResultArrived,
    Timer,
    TimerDue,
    VersionTaken,
)
from gateway.facts.audit_head import SignHeadFacts, WitnessFacts
from gateway.facts.base import Facts
from gateway.facts.deviation import DeviationFacts, FingerprintFacts
from gateway.facts.guidance import OpenGuidanceFacts, ResponseFacts, StartFacts
from gateway.facts.lab_result import FeedbackHistory, LabResultFacts, QcSampleFacts, ResultHistory, SeriesOnRecord
from gateway.facts.lot import LotFacts, LotsAgainFacts
from gateway.facts.model_due import LotInProgress, LotPrediction, ModelDueFacts
from gateway.facts.production import LotClosedFacts, LotEndedFacts
from gateway.facts.sample_request import SampleRequestFacts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.feedback import MOST_ENTRIES, BiasState, Feedback, serving
from gateway.inference.signed_bias import SignedBias
from gateway.lab.disposition import LotState
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.release import Relation
from gateway.lab.result_versions import says_nothing_new, together
from gateway.lab.samples import Measured
from gateway.lab.series import Series, goes_on
from gateway.lab.together import FrozenReference
from gateway.lab.westgard import MOST_VALUES, ControlPoint, is_control
from gateway.line.definition import LineDefinition, ModelAssignment, ModelBundle, SignHead
from gateway.line.spc_rules import Together
from gateway.records.guidance import Guidance
from gateway.records.laboratory import LabResult, ProvisionalHold, Recommendation, Specification
from gateway.records.outgoing import SignedHead
from gateway.records.prediction import Prediction
from gateway.records.production import Context
from gateway.setpoints.interactions import coupled_models
from gateway.store.audit.heads import contains, head_of
from gateway.store.codec import decode
from gateway.store.facts.investigation import around_result, uses_of_lot
from gateway.store.facts.lot import LotReading, with_known_lots
from gateway.store.facts.master_data import stated_in
from gateway.store.facts.samples import points_on_record, results_in
from gateway.store.facts.sampling import sampling_of
from gateway.store.queries.signed_biases import newest_acts
from gateway.store.statements import SQL, value_of

Decoded = TypeVar("Decoded")


class _Base(TypedDict):
    line: LineDefinition
    latches: tuple[str, ...]
    damaged: tuple[str, ...]


def load(
    connection: sqlite3.Connection,
    event: Event,
    line: LineDefinition,
    windows: Mapping[WindowRequest, TagWindow],
) -> Facts:
    """Return the facts that deciding an event stands on, as committed or as written before it in the same transaction.

    A record that does not match its hash is left out and named in ``damaged``.
    """
    loading = _Loading(connection, line, windows)
    facts = _LOADERS[row_of(event).facts](loading, event)
    return replace(facts, damaged=loading.damaged) if loading.damaged else facts


class _Loading:
    """Reads the facts of one event, and notes which records do not hold."""

    def __init__(
        self, connection: sqlite3.Connection, line: LineDefinition, windows: Mapping[WindowRequest, TagWindow]
    ) -> None:
        self._connection = connection
        self._line = line
        self._windows = windows
        self._damaged: list[str] = []

    @property
    def damaged(self) -> tuple[str, ...]:
        """Return the records that do not hold."""
        return tuple(dict.fromkeys(self._damaged))

    def _base(self) -> _Base:
        return {"line": self._line, "latches": self._latches(), "damaged": ()}

    def facts(self, _event: Event) -> Facts:
        """Return what every decision stands on."""
        return Facts(**self._base())

    def sign_head(self, event: TimerDue) -> SignHeadFacts:
        """Return the trail's head, signed, where it has grown."""
        signer = self._line.head_signer
        signed = None if signer is None else self._grown_head(signer, event.at_ns)
        return SignHeadFacts(**self._base(), signed_head=signed)

    def witness(self, event: HeadWitnessed) -> WitnessFacts:
        """Return whether the trail contains a head."""
        return WitnessFacts(**self._base(), head_holds=contains(self._connection, event.head))

    def start(self, _event: GatewayStarted) -> StartFacts:
        """Return what a start stands on."""
        return StartFacts(
            **self._base(),
            previous_configuration_sha256=value_of(self._connection, "last_configuration"),
            open_guidance=self._board_and_advice(),
        )

    def lot_ended(self, event: ContextChanged) -> LotEndedFacts:
        """Return what is known of a lot that has ended."""
        lot = event.change.material_lot_id
        context = None if lot is None else self._context("context_of_lot", material_lot_id=lot)
        started_ns = self._lot_started_ns(lot)
        return LotEndedFacts(**self._base(), context=context or Context(), lot_started_ns=started_ns)

    def lot_closed(self, event: ContextChanged) -> LotClosedFacts:
        """Return the open guidance of a lot that is closed."""
        lot = event.change.material_lot_id
        return LotClosedFacts(**self._base(), open_guidance=self._guidance("open_guidance_of_lot", material_lot_id=lot))

    def response(self, event: ResponseArrived) -> ResponseFacts:
        """Return the guidance that was answered."""
        row = self._row("guidance_by_id", guidance_id=event.response.guidance_id)
        return ResponseFacts(**self._base(), answered=None if row is None else decode(Guidance, row["body"]))

    def _lot_started_ns(self, lot: str | None) -> int | None:
        row = self._connection.execute(SQL["lot_times"], {"material_lot_id": lot}).fetchone()
        return None if row is None else row["started_ns"]

    def fingerprint(self, event: FollowUpDue) -> FingerprintFacts:
        """Return what an ended lot was made of."""
        lot = event.follow_up.subject
        return FingerprintFacts(
            **self._base(),
            windows=self._windows,
            context=self._context("context_of_lot", material_lot_id=lot) or Context(),
            uses=uses_of_lot(self, lot),
        )

    def sample_request(self, event: FollowUpDue) -> SampleRequestFacts:
        """Return what a request for samples of a lot stands on."""
        lot = event.follow_up.subject
        context = self._context("context_of_lot", material_lot_id=lot) or Context()
        specifications = self._specifications(context.material_definition_id)
        return SampleRequestFacts(
            **self._base(),
            specifications=specifications,
            context=context,
            sampling=sampling_of(self, context, specifications, lot, at_ns=event.at_ns),
        )

    def deviation(self, event: FollowUpDue) -> DeviationFacts:
        """Return what is on record around a result that failed."""
        wanted = event.follow_up
        investigation = around_result(self, wanted, at_ns=event.at_ns)
        result = investigation.result
        context = Context(
            equipment_id=wanted.equipment_id,
            material_lot_id=None if result is None else result.material_lot_id,
            material_definition_id=None if result is None else result.material_definition_id,
        )
        gaps = () if result is None else self._gaps(context, self._line, wanted.from_ns, wanted.until_ns)
        return DeviationFacts(
            **self._base(),
            windows=self._windows,
            context=context,
            investigation=investigation,
            specifications=self._specifications(context.material_definition_id),
            gaps=gaps,
        )

    def open_guidance(self, event: TimerDue | VersionTaken | AdviceWithheld) -> OpenGuidanceFacts:
        """Return the open guidance that an event is about."""
        return OpenGuidanceFacts(**self._base(), open_guidance=self._open_guidance(event))

    def _open_guidance(self, event: TimerDue | VersionTaken | AdviceWithheld) -> tuple[Guidance, ...]:
        match event:
            case VersionTaken():
                return self._guidance("open_guidance_of_model", model=event.model)
            case AdviceWithheld():
                named = (self._guidance("guidance_by_id", guidance_id=each) for each in event.refused)
                return tuple(guidance for found in named for guidance in found)
            case _:
                return (
                    self._board()
                    if event.timer is Timer.REFRESH_BOARD
                    else self._guidance("open_guidance_that_expires")
                )

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Return the rows that hold."""
        return self.that_hold(self._connection.execute(SQL[statement], parameters).fetchall())

    def that_hold(self, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return those of the rows that hold."""
        holding = [row for row in rows if row["holds"]]
        if len(holding) < len(rows):
            self._damaged += [row["record"] for row in rows if not row["holds"]]
        return holding

    def _row(self, statement: str, **parameters: Any) -> sqlite3.Row | None:
        return next(iter(self.rows(statement, parameters)), None)

    def _grown_head(self, sign: SignHead, at_ns: int) -> SignedHead | None:
        head, last = head_of(self._connection), self._connection.execute(SQL["last_signed_head"]).fetchone()
        if head is None or (last is not None and last["seq"] == head.seq):
            return None
        return sign(head, at_ns)

    def _board(self) -> tuple[Guidance, ...]:
        return self._guidance("newest_open_guidance", most=BOARD_LONGEST)

    def _board_and_advice(self) -> tuple[Guidance, ...]:
        """Return what the board shows, and all advice that expires, on the board or not: it is judged again."""
        both = (*self._board(), *self._guidance("open_guidance_that_expires"))
        return tuple({guidance.guidance_id: guidance for guidance in both}.values())

    def _guidance(self, statement: str, **parameters: Any) -> tuple[Guidance, ...]:
        return self.decoded(Guidance, self.rows(statement, parameters))

    def decoded(self, kind: type[Decoded], rows: Iterable[sqlite3.Row]) -> tuple[Decoded, ...]:
        found = []
        for row in rows:
            try:
                found.append(decode(kind, row["body"]))
            except ValidationError:  # of another version: named, and no reason to stop all else
                self._damaged.append(row["record"])
        return tuple(found)

    def _latches(self) -> tuple[str, ...]:
        return tuple(code for (code,) in self._connection.execute(SQL["latches"]))

    def model_due(self, event: ModelDue) -> ModelDueFacts:
        """Return what a model's turn stands on; nothing of a model that is not in service any more."""
        model = self._line.model_named(event.model)
        if model is None:
            return ModelDueFacts(
                **self._base(), windows=self._windows, context=Context(), specifications=self._specifications(),
                open_guidance=(), open_suggestions=(), last_advised_ns={}, bias={}, coupled_predictions={},
                lot=LotInProgress(state=LotState(), closed=False, provisional=(), predictions={}),
            )  # fmt: skip
        moves = {item.tag: value_of(self._connection, "last_move", tag=item.tag) for item in model.bundle.manipulated}
        context = self._context_of_equipment(model.equipment_id, event.at_ns)
        coupled = {other.name: self._said_last(other, event.at_ns) for other in coupled_models(model, self._line)}
        products = (prediction.material_definition_id for newest in coupled.values() for prediction in newest)
        return ModelDueFacts(
            **self._base(),
            windows=self._windows,
            context=context,
            specifications=self._specifications(context.material_definition_id, *products),
            open_guidance=self._guidance("open_guidance_of_model", model=model.name),
            bias=self._learned(model.bundle, self._line, event.at_ns),
            open_suggestions=self._guidance("open_suggestions") if moves else (),
            coupled_predictions=coupled,
            lot=self._lot_in_progress(model, context.material_lot_id, event.at_ns),
            last_advised_ns={tag: moved_ns for tag, moved_ns in moves.items() if moved_ns is not None},
        )

    def _specifications(self, *products: str | None) -> SpecificationsOnRecord:
        """Return the specifications of the configuration, and what has been stated of products."""
        return SpecificationsOnRecord(configured=self._line.specifications, stated=self._master_data(*products))

    def _master_data(self, *products: str | None) -> tuple[Specification, ...]:
        """Return what has been stated of products, each in force from its date, else from when it was stated."""
        found: list[Specification] = []
        for product in dict.fromkeys(products):
            rows = [] if product is None else self.rows("specifications_of_product", {"product": product})
            found += stated_in(rows)
        return tuple(found)

    def _lot_in_progress(self, model: ModelAssignment, lot_id: str | None, at_ns: int) -> LotInProgress:
        """Return how the lot stands that is being made, and what the model has said of it until now."""
        lot = None if lot_id is None else self._row("lot_state", material_lot_id=lot_id)
        predictions: dict[str, list[LotPrediction]] = {}
        parameters = {
            "model": model.name,
            "material_lot_id": lot_id,
            "after_ns": at_ns - IN_A_ROW * model.prediction_lives_ns,
            "most": (IN_A_ROW - 1) * len(model.bundle.outputs),
        }
        for row in self._connection.execute(SQL["said_of_lot"], parameters) if lot_id is not None else ():
            prediction = LotPrediction(at_ns=row["at_ns"], low=row["low"], high=row["high"])
            predictions.setdefault(row["analyte"], []).append(prediction)
        return LotInProgress(
            state=_state_in(lot),
            closed=lot is not None and lot["closed_ns"] is not None,
            provisional=self._provisional(lot_id),
            predictions={analyte: tuple(newest) for analyte, newest in predictions.items()},
        )

    def _provisional(self, material_lot_id: str | None) -> tuple[ProvisionalHold, ...]:
        rows = self.rows("provisional_holds", {"material_lot_id": material_lot_id})
        return tuple(ProvisionalHold(**{name: row[name] for name in _PROVISIONAL}) for row in rows)

    def _gaps(self, context: Context, line: LineDefinition, from_ns: int | None, until_ns: int) -> tuple[str, ...]:
        """Return the first known holes in what an equipment told between two instants."""
        if from_ns is None or context.equipment_id is None:
            return ()
        between: dict[str, Any] = {"from_ns": from_ns, "until_ns": until_ns}
        if value_of(self._connection, "any_gap_between", **between) is None:
            return ()
        tags = [tag for tag in line.tags.values() if tag.equipment_id == context.equipment_id]
        subjects = {"history", *(tag.name for tag in tags), *(tag.source for tag in tags)}
        between["subjects"] = json.dumps(sorted(subjects))
        return tuple(gap_id for (gap_id,) in self._connection.execute(SQL["gaps_between"], between))

    def _of_control(self, event: ResultArrived, history: ResultHistory) -> QcSampleFacts:
        """Return what a control is judged by: the ones around it, and whom it would concern."""
        current = history.current
        around = self._controls(event, self._line, besides=None if current is None else current.result_id)
        before = tuple(each for each in around if each.at_ns <= event.measured_ns)
        same = (each for each in reversed(before) if each.material == event.result.control_id)
        good_ns = next((each.arrived_ns for each in same if not each.rejected), None)
        of = {"analyte": event.result.analyte, "instrument_id": event.result.instrument_id, "since_ns": good_ns}
        lots = () if good_ns is None else self._connection.execute(SQL["lots_measured_since"], of)
        return QcSampleFacts(
            **self._base(),
            history=history,
            context=Context(),
            controls=before,
            later_controls=around[len(before) :],
            measured_since=None if good_ns is None else tuple(lot for (lot,) in lots),
        )

    def _controls(self, event: ResultArrived, line: LineDefinition, *, besides: str | None) -> tuple[ControlPoint, ...]:
        """Return the controls around when a result was measured, of its analyte and instrument, the oldest first.

        So many of each material that is configured: one that is measured seldom is not crowded out by the others.
        """
        analyte = event.result.analyte
        asked = {"analyte": analyte, "instrument_id": event.result.instrument_id, "at_ns": event.measured_ns,
                 "besides": besides, "most": _CONTROLS_AROUND}  # fmt: skip
        rows = [
            row
            for material in dict.fromkeys(each.name for each in line.controls if each.analyte == analyte)
            for statement in ("controls_until", "controls_after")
            for row in self.rows(statement, {**asked, "material": material})
        ]
        rows.sort(key=lambda row: (row["at_ns"], row["row_number"]))
        return tuple(
            ControlPoint(**{name: row[name] for name in _CONTROL} | {"rejected": bool(row["rejected"])}) for row in rows
        )

    def _rejected_control(self, event: ResultArrived, line: LineDefinition) -> ControlPoint | None:
        """Return a control next to when a result was measured that was out: nobody knows since when, or until when.

        Of each material at each instrument the last before and the first after count: a level that is in line says
        nothing of another one. Materials that are not configured any more count for nothing.
        """
        nearest: dict[tuple[bool, str, str | None], ControlPoint] = {}
        for each in self._controls(event, line, besides=None):
            after = each.at_ns > event.measured_ns
            where = (after, each.material, each.instrument_id)
            if not (after and where in nearest):
                nearest[where] = each
        return next((each for each in nearest.values() if each.rejected), None)

    def result(self, event: ResultArrived) -> LabResultFacts | QcSampleFacts:
        """Return what a result stands on: a control's, or that of a lot's result."""
        history = self._history(event)
        control = is_control(event.result, history.current, self._line.control_names)
        return self._of_control(event, history) if control else self._of_result(event, history)

    def _of_result(self, event: ResultArrived, history: ResultHistory) -> LabResultFacts:
        event = _with_earlier_messages(event, history)
        reading = self._lot_reading()
        lots, relation = reading.lots_of(event.result, event.at_ns)
        certain = lots if relation is not Relation.POSSIBLE else ()
        facts = reading.of_result(event, first=history.current is None)
        context = self._context_of_result(event.result, facts[0] if certain else None)
        of_order = reading.products_of_order(event.result.job_order_id)
        products = (context.material_definition_id, *of_order, *(each for lot in facts for each in _products(lot)))
        return LabResultFacts(
            **self._base(),
            windows=self._windows,
            history=history,
            context=context,
            result_lots=certain,
            possible_lots=() if certain else lots,
            order_products=of_order,
            lots=facts,
            series=self._series(event, context.material_definition_id, history),
            left_series=self._left_series(event, context.material_definition_id, history),
            specifications=self._specifications(*products),
            rejected_control=self._rejected_control(event, self._line),
            lot_started_ns=facts[0].started_ns,
            lot_ended_ns=facts[0].ended_ns,
            known_until_ns=facts[0].made_known_until_ns if certain else None,
            feedback={
                model.name: self._lessons(model.bundle, self._line, event, history.current)
                for model in self._line.models_of(event.result.analyte)
                if _learns(model.bundle, event.result.analyte)
            },
            open_guidance=()
            if certain
            else self._guidance("open_guidance_of_sample", sample_id=event.result.sample_id),
        )

    def lots_again(self, event: LotsJudgedAgain) -> LotsAgainFacts:
        """Return what is on record of lots that are judged again."""
        facts = self._lot_reading().of_lots(event.lots, at_ns=event.at_ns)
        products = dict.fromkeys(each for lot in facts for each in _products(lot))
        return LotsAgainFacts(**self._base(), lots=facts, specifications=self._specifications(*products))

    def _lot_reading(self) -> LotReading:
        return LotReading(
            self._connection,
            self,
            lambda context, from_ns, until_ns: self._gaps(context, self._line, from_ns, until_ns),
        )

    def _series(self, event: ResultArrived, product: str | None, history: ResultHistory) -> SeriesOnRecord | None:
        """Return the series of a result, with its points where it is to be charted again."""
        if product is None:
            return None
        result, replaced = event.result, history.current.result_id if history.current else None
        of_series = {"product": product, "analyte": result.analyte}
        series = next(iter(self.decoded(Series, self.rows("series", of_series))), Series())
        of_sample = self._results_of_sample(of_series, result.sample_id)
        at_ns = event.at_ns if result.sampled_ns is None else result.sampled_ns
        needs_none = replaced is None and goes_on(series, result.sample_id, at_ns, known=bool(of_sample))
        wanted = [each for each in self._line.together if each.product == product and result.analyte in each.analytes]
        found = SeriesOnRecord(
            series=series,
            points=None if needs_none else points_on_record(self, of_series, besides=result.sample_id),
            replicates=tuple(each for each in of_sample if each.result_id != replaced),
            replaced_ns=next((each.at_ns for each in of_sample if each.result_id == replaced), None),
        )
        return self._beside(found, wanted, result) if wanted else found

    def _results_of_sample(self, of_series: Mapping[str, str], sample_id: str) -> tuple[Measured, ...]:
        """Return the results on record of a sample, of which its point in a series is made."""
        row = self._row("point_of_sample", **of_series, sample_id=sample_id)
        return () if row is None else results_in(row["results"])

    def _left_series(self, event: ResultArrived, product: str | None, history: ResultHistory) -> SeriesOnRecord | None:
        """Return the series that a corrected result's point stands in, where the correction is of another one."""
        current = history.current
        if current is None or current.material_definition_id is None:
            return None
        if (current.material_definition_id, current.analyte) == (product, event.result.analyte):
            return None
        of_series = {"product": current.material_definition_id, "analyte": current.analyte}
        series = next(iter(self.decoded(Series, self.rows("series", of_series))), None)
        if series is None:
            return None
        of_sample = self._results_of_sample(of_series, current.sample_id)
        return SeriesOnRecord(
            series=series,
            points=points_on_record(self, of_series, besides=current.sample_id),
            replicates=tuple(each for each in of_sample if each.result_id != current.result_id),
        )

    def _beside(self, found: SeriesOnRecord, wanted: list[Together], result: LabResult) -> SeriesOnRecord:
        """Return what a result's series is judged together with: references, or the samples to freeze them from."""
        together = {each: self._reference(each) for each in wanted}
        product = wanted[0].product
        of_product = {"product": product, "besides": result.sample_id}
        samples: dict[str, dict[str, float]] = {}
        for each in (each for each, known in together.items() if known is None):
            most = {"most": 2 * each.baseline}  # of each analyte: some samples are incomplete
            for analyte in each.analytes:
                for row in self.rows("newest_numbers", {**of_product, "analyte": analyte, **most}):
                    samples.setdefault(row["sample_id"], {})[analyte] = row["value"]
        same = self.rows(
            "numbers_of_sample", {"product": product, "sample_id": result.sample_id, "besides": result.analyte}
        )
        return replace(
            found,
            together=together,
            sample_values={row["analyte"]: row["value"] for row in same},
            samples=samples,
        )

    def _reference(self, wanted: Together) -> FrozenReference | None:
        key = {"product": wanted.product, "analytes": " + ".join(wanted.analytes)}
        return next(iter(self.decoded(FrozenReference, self.rows("analytes_together", key))), None)

    def _said_last(self, model: ModelAssignment, at_ns: int) -> tuple[Prediction, ...]:
        """Return a model's newest predictions that still stand, one for each of its analytes, the newest last."""
        after_ns = at_ns - model.prediction_lives_ns
        most = len(model.bundle.outputs)
        rows = self.rows(
            "newest_predictions", {"model": model.name, "after_ns": after_ns, "until_ns": at_ns, "most": most}
        )
        return self.decoded(Prediction, reversed(rows))

    def _learned(self, bundle: ModelBundle, line: LineDefinition, at_ns: int) -> dict[str, BiasState]:
        """Return what has been learned of a bundle, by analyte; what is damaged counts as not learned."""
        found = {}
        for output in bundle.outputs:
            row = self._row("learned", bundle_sha256=bundle.identity.sha256, analyte=output.analyte)
            if row is not None:
                found[output.analyte] = decode(BiasState, row["body"])
            if output.value is not None and output.value.bias is not None and output.value.bias.signed:
                acts = self._acts(bundle, line, output.analyte, at_ns)
                found[output.analyte] = serving(found.get(output.analyte, BiasState()), output.value.bias, acts, at_ns)
        return found

    def _acts(self, bundle: ModelBundle, line: LineDefinition, analyte: str, at_ns: int) -> tuple[SignedBias, ...]:
        """Return the corrections of a model that people have signed until an instant."""
        output = bundle.output_of(analyte)
        if output is None or output.value is None or output.value.bias is None or not output.value.bias.signed:
            return ()
        acts, damaged = newest_acts(
            self._connection, bundle.identity.sha256, analyte, at_ns=at_ns, trusted=line.trusted_keys
        )
        self._damaged += damaged
        return tuple(acts)

    def _lessons(
        self, bundle: ModelBundle, line: LineDefinition, event: ResultArrived, current: LabResult | None
    ) -> FeedbackHistory:
        analyte = event.result.analyte
        acts = self._acts(bundle, line, analyte, event.at_ns)
        key = {"bundle_sha256": bundle.identity.sha256, "analyte": analyte}
        standing = self._row("learned", **key)
        rows = self.rows("newest_feedback", {**key, "most": MOST_ENTRIES})
        entries = tuple(Feedback(**{name: row[name] for name in _FEEDBACK}) for row in reversed(rows))
        before = None
        if current is not None:
            row = self._row("feedback_of_result", **key, result_id=current.result_id)
            before = None if row is None else Feedback(**{name: row[name] for name in _FEEDBACK})
        if standing is None:
            return FeedbackHistory(entries=entries, superseded=before, acts=acts)
        return FeedbackHistory(
            entries=entries,
            superseded=before,
            charts_from_ns=standing["charts_from_ns"],
            state=decode(BiasState, standing["body"]),
            acts=acts,
        )

    def _context_of_equipment(self, equipment_id: str, at_ns: int) -> Context:
        """Return what ran on an equipment at an instant: its lot, else its order, else only the equipment."""
        lot = self._row("lot_on_equipment", equipment_id=equipment_id, at_ns=at_ns)
        order = None if lot else self._row("order_on_equipment", equipment_id=equipment_id, at_ns=at_ns)
        found = None
        if lot is not None:
            found = self._context("context_of_lot", material_lot_id=lot["material_lot_id"])
        elif order is not None:
            found = self._context("context_of_order", job_order_id=order["job_order_id"])
        return found or Context(equipment_id=equipment_id)

    def _context(self, statement: str, **parameters: Any) -> Context | None:
        row = self._row(statement, **parameters)
        return None if row is None else Context(**{name: row[name] for name in _CONTEXT})

    def _context_of_result(self, result: LabResult, lot: LotFacts | None) -> Context:
        """Return the context a result belongs to: its lot's, else by equipment and drawn time, else its own words."""
        found = None if lot is None else lot.production
        if lot is None and result.equipment_id is not None and result.sampled_ns is not None:
            found = self._context_of_equipment(result.equipment_id, result.sampled_ns)
        order = found.job_order_id if found and found.job_order_id else result.job_order_id
        by_order = self._context("context_of_order", job_order_id=order) if order else None
        known = [context for context in (found, by_order) if context is not None]

        def first(name: str) -> str | None:
            return next((value for context in known if (value := getattr(context, name)) is not None), None)

        return Context(
            equipment_id=result.equipment_id or first("equipment_id"),
            material_lot_id=None if lot is None else lot.knowledge.context.material_lot_id,
            job_order_id=order,
            material_definition_id=result.material_definition_id or first("material_definition_id"),
            client_id=result.client_id or first("client_id"),
        )

    def _history(self, event: ResultArrived) -> ResultHistory:
        known = self._connection.execute(SQL["versions_of_result"], _key(event.result)).fetchall()
        newest = max((row["result_version"] for row in known), default=0)  # damaged ones count, too
        rows = self.that_hold(known)
        if not rows:
            return ResultHistory(next_version=newest + 1)
        current = next((row for row in rows if row["current"]), rows[-1])
        standing = with_known_lots(self._connection, decode(LabResult, current["body"]))
        numbered = event.result.result_version is not None
        same = [row for row in rows if row["payload_sha256"] == event.origin.payload_sha256]
        earlier = [row for row in same if row is not current]
        return ResultHistory(
            current=standing,
            next_version=newest + 1,
            repeats_current=not numbered and current in same,
            repeats_superseded=earlier[-1]["result_id"] if not numbered and earlier and current not in same else None,
            says_nothing_new=numbered and _says_nothing_new(standing, event.result),
        )


def _with_earlier_messages(event: ResultArrived, history: ResultHistory) -> ResultArrived:
    """Return a result with what earlier messages of its version have said."""
    current = history.current
    if current is None or event.result.result_version is None or current.result_version != event.result.result_version:
        return event
    return replace(event, result=together(current.in_its_own_words(), event.result))


def _says_nothing_new(standing: LabResult, arrived: LabResult) -> bool:
    if standing.result_version != arrived.result_version:
        return False
    own = standing.in_its_own_words()
    return says_nothing_new(own, together(own, arrived))


def _products(lot: LotFacts) -> tuple[str | None, ...]:
    """Return every product by which results of a lot may be judged."""
    results, refused = lot.knowledge.results, lot.knowledge.refused
    return (
        *lot.knowledge.context.products,
        *(record.result.material_definition_id for record in results),
        *(product for record in results for product in record.order_products),
        *(message.result.material_definition_id for message in refused if message.result is not None),
        *(product for message in refused for product in message.order_products),
    )


def _learns(bundle: ModelBundle, analyte: str) -> bool:
    output = bundle.output_of(analyte)
    return output is not None and output.value is not None and output.value.learns


_FEEDBACK = tuple(field.name for field in fields(Feedback))
_PROVISIONAL = tuple(field.name for field in fields(ProvisionalHold))
_CONTROLS_AROUND = 2 * MOST_VALUES  # on each side, of each material
_CONTROL = tuple(field.name for field in fields(ControlPoint))
_CONTEXT = tuple(field.name for field in fields(Context))


def _state_in(lot: sqlite3.Row | None) -> LotState:
    if lot is None:
        return LotState()
    return LotState(recommendation=Recommendation(lot["recommendation"]), latched=bool(lot["latched"]))


def _key(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }


_LOADERS: Mapping[type[Facts], Callable[[_Loading, Any], Facts]] = {
    Facts: _Loading.facts,
    ModelDueFacts: _Loading.model_due,
    LabResultFacts: _Loading.result,
    LotsAgainFacts: _Loading.lots_again,
    LotEndedFacts: _Loading.lot_ended,
    LotClosedFacts: _Loading.lot_closed,
    ResponseFacts: _Loading.response,
    FingerprintFacts: _Loading.fingerprint,
    DeviationFacts: _Loading.deviation,
    SampleRequestFacts: _Loading.sample_request,
    OpenGuidanceFacts: _Loading.open_guidance,
    SignHeadFacts: _Loading.sign_head,
    WitnessFacts: _Loading.witness,
    StartFacts: _Loading.start,
}
