"""From the tables: the situation that an event meets. Runs inside the writer's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.advice.provisional import IN_A_ROW
from gateway.advice.publication import BOARD_LONGEST
from gateway.advice.side_effects import neighbours
from gateway.chart_rules import Together
from gateway.definitions import LineDefinition, ModelAssignment, ModelBundle, SignHead
from gateway.events import (
    AdviceWithheld,
    ContextChanged,
    Event,
    FollowUpDue,
    FollowUpKind,
    GatewayStarted,
    HeadWitnessed,
    Lessons,
    LotFacts,
    LotsJudgedAgain,
    ModelDue,
    ProvisionalHold,
    ResponseArrived,
    ResultArrived,
    ResultHistory,
    SaidOfLot,
    SeriesSituation,
    Situation,
    Timer,
    TimerDue,
    VersionTaken,
)
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.feedback import MOST_ENTRIES, Feedback, Learned, serving
from gateway.inference.signed_bias import SignedBias
from gateway.lab.disposition import LotState
from gateway.lab.release import Relation
from gateway.lab.result_versions import says_nothing_new, together
from gateway.lab.samples import Measured
from gateway.lab.series import Series, goes_on
from gateway.lab.together import FrozenReference
from gateway.lab.westgard import MOST_VALUES, ControlPoint, is_control
from gateway.records import (
    Context,
    ContextChange,
    ContextKind,
    Guidance,
    LabResult,
    Prediction,
    Recommendation,
    SignedHead,
    Specification,
)
from gateway.store.codec import decode
from gateway.store.heads import contains, head_of
from gateway.store.investigating import around_lot, around_result
from gateway.store.lot_facts import LotReading, with_known_lots
from gateway.store.master_data import stated_in
from gateway.store.samples import points_on_record, results_in
from gateway.store.sampling import sampling_of
from gateway.store.signed_biases import newest_acts
from gateway.store.statements import SQL, value_of

Decoded = TypeVar("Decoded")
SomeEvent = TypeVar("SomeEvent", bound=Event)


def load(
    connection: sqlite3.Connection,
    event: Event,
    line: LineDefinition,
    windows: Mapping[WindowRequest, TagWindow],
) -> Situation:
    """Return the situation of an event, as committed or as written before it in the same transaction.

    A record that does not match its hash is left out and named in ``damaged``.
    """
    return _Loading(connection).situation(event, line, windows)


class _Loading:
    """Reads one situation, and notes which records do not hold."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._damaged: list[str] = []

    def situation(self, event: Event, line: LineDefinition, windows: Mapping[WindowRequest, TagWindow]) -> Situation:
        """Return what deciding an event of this kind stands on."""
        if isinstance(event, ResultArrived):
            history = self._history(event)
            control = is_control(event.result, history.current, line.control_names)
            found = (self._of_control if control else self._of_result)(event, history, line, windows)
        else:
            found = self._of_other(event, Situation(line=line, windows=windows, latches=self._latches()))
        return replace(found, damaged=tuple(dict.fromkeys(self._damaged))) if self._damaged else found

    def _of_other(self, event: Event, found: Situation) -> Situation:
        match event:
            case LotsJudgedAgain():
                found = self._of_lots(event, found)
            case ModelDue():
                found = self._of_model(event, found)
            case ContextChanged() if event.change.kind is ContextKind.LOT_ENDED:
                found = self._of_lot_ended(event.change, found)
            case FollowUpDue():
                found = self._of_follow_up(event, found)
            case ContextChanged() | TimerDue() | VersionTaken() | AdviceWithheld() if not _signs(event):
                found = replace(found, open_guidance=self._open_guidance(event))
            case ResponseArrived():
                row = self._row("guidance_by_id", guidance_id=event.response.guidance_id)
                found = replace(found, answered=None if row is None else decode(Guidance, row["body"]))
            case TimerDue() | HeadWitnessed() | GatewayStarted():
                found = self._of_gateway(event, found)
        return found

    def _of_gateway(self, event: TimerDue | HeadWitnessed | GatewayStarted, found: Situation) -> Situation:
        signer = found.line.head_signer
        match event:
            case TimerDue() if event.timer is Timer.SIGN_HEAD and signer is not None:
                return replace(found, signed_head=self._grown_head(signer, event.at_ns))
            case HeadWitnessed():
                return replace(found, head_holds=contains(self._connection, event.head))
            case GatewayStarted():
                previous = value_of(self._connection, "last_configuration")
                return replace(found, previous_configuration_sha256=previous, open_guidance=self._board_and_advice())
        return found

    def _of_lot_ended(self, change: ContextChange, found: Situation) -> Situation:
        lot = change.material_lot_id
        context = None if lot is None else self._context("context_of_lot", material_lot_id=lot)
        return replace(found, context=context or Context(), lot_started_ns=self._lot_started_ns(lot))

    def _lot_started_ns(self, lot: str | None) -> int | None:
        row = self._connection.execute(SQL["lot_times"], {"material_lot_id": lot}).fetchone()
        return None if row is None else row["started_ns"]

    def _of_follow_up(self, event: FollowUpDue, found: Situation) -> Situation:
        wanted = event.follow_up
        if wanted.kind is FollowUpKind.JUDGE_AGAIN:
            return found
        if wanted.kind is FollowUpKind.SAMPLE_REQUEST:
            context = self._context("context_of_lot", material_lot_id=wanted.subject) or Context()
            found = replace(found, context=context, master_data=self._master_data(context.material_definition_id))
            return replace(found, sampling=sampling_of(self, found, wanted.subject, at_ns=event.at_ns))
        if wanted.kind is FollowUpKind.FINGERPRINT:
            context = self._context("context_of_lot", material_lot_id=wanted.subject) or Context()
            return replace(found, context=context, investigation=around_lot(self, wanted.subject))
        investigation = around_result(self, wanted, at_ns=event.at_ns)
        result = investigation.result
        if result is None:
            return found
        context = Context(
            equipment_id=wanted.equipment_id,
            material_lot_id=result.material_lot_id,
            material_definition_id=result.material_definition_id,
        )
        return replace(
            found,
            context=context,
            investigation=investigation,
            master_data=self._master_data(result.material_definition_id),
            gaps=self._gaps(context, found.line, wanted.from_ns, wanted.until_ns),
        )

    def _open_guidance(self, event: ContextChanged | TimerDue | VersionTaken | AdviceWithheld) -> tuple[Guidance, ...]:
        """Return the open guidance that an event is about."""
        match event:
            case ContextChanged() if event.change.kind is ContextKind.LOT_CLOSED:
                return self._guidance("open_guidance_of_lot", material_lot_id=event.change.material_lot_id)
            case TimerDue() if event.timer is Timer.EXPIRE_GUIDANCE:
                return self._guidance("open_guidance_that_expires")
            case TimerDue() if event.timer is Timer.REFRESH_BOARD:
                return self._board()
            case VersionTaken():
                return self._guidance("open_guidance_of_model", model=event.model)
            case AdviceWithheld():
                named = (self._guidance("guidance_by_id", guidance_id=each) for each in event.refused)
                return tuple(guidance for found in named for guidance in found)
        return ()

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

    def _of_model(self, event: ModelDue, found: Situation) -> Situation:
        model = found.line.model_named(event.model)
        if model is None:
            return found
        moves = {item.tag: value_of(self._connection, "last_move", tag=item.tag) for item in model.bundle.manipulated}
        context = self._context_of_equipment(model.equipment_id, event.at_ns)
        said_last = {each.name: self._said_last(each, event.at_ns) for each in neighbours(model, found.line)}
        products = (each.material_definition_id for said in said_last.values() for each in said)
        return replace(
            found,
            context=context,
            master_data=self._master_data(context.material_definition_id, *products),
            open_guidance=self._guidance("open_guidance_of_model", model=model.name),
            learned=self._learned(model.bundle, found.line, event.at_ns),
            open_suggestions=self._guidance("open_suggestions") if moves else (),
            said_last=said_last,
            **self._of_lot_made(model, context, event.at_ns),
            last_advised_ns={tag: moved_ns for tag, moved_ns in moves.items() if moved_ns is not None},
        )

    def _master_data(self, *products: str | None) -> tuple[Specification, ...]:
        """Return what has been stated of products, each in force from its date, else from when it was stated."""
        found: list[Specification] = []
        for product in dict.fromkeys(products):
            rows = [] if product is None else self.rows("specifications_of_product", {"product": product})
            found += stated_in(rows)
        return tuple(found)

    def _of_lot_made(self, model: ModelAssignment, context: Context, at_ns: int) -> dict[str, Any]:
        """Return how the lot stands that is being made, and what the model has said of it until now."""
        lot_id = context.material_lot_id
        lot = None if lot_id is None else self._row("lot_state", material_lot_id=lot_id)
        said: dict[str, list[SaidOfLot]] = {}
        parameters = {
            "model": model.name,
            "material_lot_id": lot_id,
            "after_ns": at_ns - IN_A_ROW * model.prediction_lives_ns,
            "most": (IN_A_ROW - 1) * len(model.bundle.outputs),
        }
        for row in self._connection.execute(SQL["said_of_lot"], parameters) if lot_id is not None else ():
            said.setdefault(row["analyte"], []).append(SaidOfLot(at_ns=row["at_ns"], low=row["low"], high=row["high"]))
        return {
            "lot_state": _state_in(lot),
            "lot_closed": lot is not None and lot["closed_ns"] is not None,
            "provisional": self._provisional(lot_id),
            "said_of_lot": {analyte: tuple(each) for analyte, each in said.items()},
        }

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

    def _of_control(
        self,
        event: ResultArrived,
        history: ResultHistory,
        line: LineDefinition,
        windows: Mapping[WindowRequest, TagWindow],
    ) -> Situation:
        """Return what a control is judged by: the ones around it, and whom it would concern."""
        current = history.current
        around = self._controls(event, line, besides=None if current is None else current.result_id)
        before = tuple(each for each in around if each.at_ns <= event.measured_ns)
        same = (each for each in reversed(before) if each.material == event.result.control_id)
        good_ns = next((each.arrived_ns for each in same if not each.rejected), None)
        of = {"analyte": event.result.analyte, "instrument_id": event.result.instrument_id, "since_ns": good_ns}
        lots = () if good_ns is None else self._connection.execute(SQL["lots_measured_since"], of)
        return Situation(
            line=line,
            windows=windows,
            latches=self._latches(),
            history=history,
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

    def _of_result(
        self,
        event: ResultArrived,
        history: ResultHistory,
        line: LineDefinition,
        windows: Mapping[WindowRequest, TagWindow],
    ) -> Situation:
        event = _with_earlier_messages(event, history)
        reading = self._lot_reading(line)
        lots, relation = reading.lots_of(event.result, event.at_ns)
        certain = lots if relation is not Relation.POSSIBLE else ()
        facts = reading.of_result(event, first=history.current is None)
        context = self._context_of_result(event.result, facts[0] if certain else None)
        of_order = reading.products_of_order(event.result.job_order_id)
        products = (context.material_definition_id, *of_order, *(each for lot in facts for each in _products(lot)))
        return Situation(
            line=line,
            windows=windows,
            latches=self._latches(),
            history=history,
            context=context,
            result_lots=certain,
            possible_lots=() if certain else lots,
            order_products=of_order,
            lots=facts,
            series=self._series(event, context.material_definition_id, history, line),
            left_series=self._left_series(event, context.material_definition_id, history),
            master_data=self._master_data(*products),
            rejected_control=self._rejected_control(event, line),
            lot_started_ns=facts[0].started_ns,
            lot_ended_ns=facts[0].ended_ns,
            lot_known_until_ns=facts[0].made_known_until_ns if certain else None,
            lessons={
                model.name: self._lessons(model.bundle, line, event, history.current)
                for model in line.models_of(event.result.analyte)
                if _learns(model.bundle, event.result.analyte)
            },
            open_guidance=()
            if certain
            else self._guidance("open_guidance_of_sample", sample_id=event.result.sample_id),
        )

    def _of_lots(self, event: LotsJudgedAgain, found: Situation) -> Situation:
        facts = self._lot_reading(found.line).of_lots(event.lots, at_ns=event.at_ns)
        products = dict.fromkeys(each for lot in facts for each in _products(lot))
        return replace(found, lots=facts, master_data=self._master_data(*products))

    def _lot_reading(self, line: LineDefinition) -> LotReading:
        return LotReading(
            self._connection,
            self,
            lambda context, from_ns, until_ns: self._gaps(context, line, from_ns, until_ns),
        )

    def _series(
        self, event: ResultArrived, product: str | None, history: ResultHistory, line: LineDefinition
    ) -> SeriesSituation | None:
        """Return the series of a result, with its points where it is to be charted again."""
        if product is None:
            return None
        result, replaced = event.result, history.current.result_id if history.current else None
        of_series = {"product": product, "analyte": result.analyte}
        series = next(iter(self.decoded(Series, self.rows("series", of_series))), Series())
        of_sample = self._results_of_sample(of_series, result.sample_id)
        at_ns = event.at_ns if result.sampled_ns is None else result.sampled_ns
        needs_none = replaced is None and goes_on(series, result.sample_id, at_ns, known=bool(of_sample))
        wanted = [each for each in line.together if each.product == product and result.analyte in each.analytes]
        found = SeriesSituation(
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

    def _left_series(self, event: ResultArrived, product: str | None, history: ResultHistory) -> SeriesSituation | None:
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
        return SeriesSituation(
            series=series,
            points=points_on_record(self, of_series, besides=current.sample_id),
            replicates=tuple(each for each in of_sample if each.result_id != current.result_id),
        )

    def _beside(self, found: SeriesSituation, wanted: list[Together], result: LabResult) -> SeriesSituation:
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

    def _learned(self, bundle: ModelBundle, line: LineDefinition, at_ns: int) -> dict[str, Learned]:
        """Return what has been learned of a bundle, by analyte; what is damaged counts as not learned."""
        found = {}
        for output in bundle.outputs:
            row = self._row("learned", bundle_sha256=bundle.identity.sha256, analyte=output.analyte)
            if row is not None:
                found[output.analyte] = decode(Learned, row["body"])
            if output.value is not None and output.value.bias is not None and output.value.bias.signed:
                acts = self._acts(bundle, line, output.analyte, at_ns)
                found[output.analyte] = serving(found.get(output.analyte, Learned()), output.value.bias, acts, at_ns)
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
    ) -> Lessons:
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
            return Lessons(entries=entries, superseded=before, acts=acts)
        return Lessons(
            entries=entries,
            superseded=before,
            charts_from_ns=standing["charts_from_ns"],
            state=decode(Learned, standing["body"]),
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


def _signs(event: Event) -> bool:
    return isinstance(event, TimerDue) and event.timer is Timer.SIGN_HEAD


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
