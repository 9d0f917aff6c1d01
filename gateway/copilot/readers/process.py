"""Answers about what goes on: predictions, open guidance and alarms, samples, controls, limits, setpoints.

A suggestion's numbers are not said here: it stands only as long as the gateway judges it, and the board shows it.
"""

import json
import sqlite3
from collections.abc import Iterable

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import kind_of
from gateway.copilot.answers import Answer, limits_shown
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.copilot.readers.reasons import reason_text
from gateway.copilot.readers.times import shown_time
from gateway.lab.in_force import in_force
from gateway.records.alarms import Alarm
from gateway.records.guidance import Guidance, GuidanceKind
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.setpoints import AUTOMATIC, SetpointIntent
from gateway.store.codec import decode
from gateway.store.queries.alarms import standing_alarms
from gateway.store.statements import SQL
from gateway.texts.translating import in_language

_MOST = 6


def prediction(ground: Ground, asking: Asking) -> Answer:
    """Say what is predicted now with its interval, or why nothing is."""
    saying, reading = ground.saying(), ground.reading()
    analytes, equipment = asking.slots.analytes, asking.slots.equipment
    for model in ground.line.configured_models:
        if equipment and model.equipment_id not in equipment:
            continue
        outputs = [item.analyte for item in model.bundle.outputs if not analytes or item.analyte in analytes]
        rows = reading.rows("console_newest_predictions", {"model": model.name, "most": len(model.bundle.outputs)})
        newest = {item.analyte: item for item in reversed(reading.decoded(Prediction, rows))}
        for analyte in outputs:
            known = newest.get(analyte)
            if (
                known is not None
                and known.material_lot_id is not None
                and not ground.names.sees_lot(known.material_lot_id)
            ):
                continue
            if known is None:
                saying.say("NO_PREDICTION", analyte=analyte, equipment=model.equipment_id)
                continue
            saying.source(f"prediction {known.prediction_id}", f"{model.name} {analyte}")
            about = {"analyte": analyte, "equipment": model.equipment_id, "at": shown_time(ground, known.at_ns)}
            if known.at_ns < ground.now_ns - model.prediction_lives_ns:
                saying.say("PREDICTION_OLD", **about)
                saying.fact("stale", value=True)
            elif not known.verdict.accepted or known.value is None:
                why = " ".join(reason_text(ground, reason) for reason in known.verdict.reasons)
                saying.say("ABSTAINS", why=why or "-", **about)
                for reason in known.verdict.reasons:
                    saying.fact("reason", reason.code)
            else:
                saying.say(
                    "PREDICTED",
                    value=known.value,
                    low=known.low,
                    high=known.high,
                    unit=known.unit,
                    share=known.coverage,
                    **about,
                )
                saying.fact(analyte, known.value, known.unit)
                saying.fact("low", known.low, known.unit)
                saying.fact("high", known.high, known.unit)
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_MODEL", analyte=", ".join(analytes) or "-")
    return saying.answered(asking.intent)


def open_guidance(ground: Ground, asking: Asking) -> Answer:
    """Say which guidance is open and which alarms stand."""
    saying, reading = ground.saying(), ground.reading()
    rows = reading.rows("newest_open_guidance", {"most": 200})
    equipment = set(asking.slots.equipment)
    guidance = [
        item
        for item in reading.decoded(Guidance, rows)
        if ground.sees(item.scope, item.material_lot_id)
        and (not equipment or item.equipment_id in equipment)
        and (not asking.slots.lots or item.material_lot_id in asking.slots.lots)
    ]
    seen = ground.seen
    standing = [item for item in standing_alarms(ground.state) if item.guidance_id is None and not equipment]
    alarms = [item for item in standing if seen.alarm(item)]
    saying.fact("open_guidance", len(guidance))
    saying.fact("alarms", len(alarms))
    if not guidance and not alarms:
        saying.say("NOTHING_OPEN")
    if guidance:
        saying.say("GUIDANCE_OPEN", count=len(guidance))
    for item in guidance[:_MOST]:
        if item.kind is GuidanceKind.SETPOINT:
            saying.say(
                "SUGGESTION_OPEN",
                tag="-" if item.suggestion is None else item.suggestion.tag,
                equipment=item.equipment_id or "-",
            )
        else:
            saying.say("ITEM", title=item.title)
        saying.fact("guidance", item.kind.value)
        lot = item.material_lot_id
        saying.source(f"guidance {item.guidance_id}", item.kind.value, lot_link(lot) if lot else "#/now")
    if alarms:
        saying.say("ALARMS_STAND", count=len(alarms))
    for alarm in alarms[:_MOST]:
        saying.say("ITEM", title=_alarm_title(ground, alarm))
        saying.fact("alarm", alarm.alarm_id)
        saying.source(f"alarm {alarm.alarm_id}", alarm.title, "#/alarms")
    return saying.answered(asking.intent)


def _alarm_title(ground: Ground, alarm: Alarm) -> str:
    """Return what an alarm of the gateway says, in the language of who asks."""
    kind, name = kind_of(alarm.alarm_id.removeprefix(f"{GATEWAY}/"))
    return in_language(ground.language, kind.value, {"name": name}, alarm.title)


def next_samples(ground: Ground, asking: Asking) -> Answer:
    """Say which samples the laboratory is asked for, the most urgent first."""
    rows = [
        row
        for row in ground.state.execute(SQL["console_sample_requests"])
        if ground.names.sees_lot(row["material_lot_id"])
    ]
    if not rows:
        return ground.nothing(asking.intent, "NO_SAMPLES" if ground.line.sampling else "SAMPLES_OFF")
    saying = ground.saying()
    saying.say("SAMPLES_WAIT", count=len(rows))
    for row in rows[:_MOST]:
        lot, tests = row["material_lot_id"], _tests(row["tests"])
        saying.say("SAMPLE_WAITS", lot=lot, tests=", ".join(tests) or "-", share=row["probability"])
        saying.fact("lot", lot)
        saying.source(f"sample_request {lot}", lot, lot_link(lot))
    return saying.answered(asking.intent)


def _tests(text: str) -> list[str]:
    try:
        tests = json.loads(text)
    except ValueError:
        return []
    return [str(test) for test in tests] if isinstance(tests, list) else []


def qc_control(ground: Ground, asking: Asking) -> Answer:
    """Say the newest control of the laboratory, of an analyte or of each."""
    analytes = set(asking.slots.analytes)
    rows = ground.state.execute(SQL["newest_controls"], {"most": 500}).fetchall()
    newest: dict[tuple[str, str], sqlite3.Row] = {}
    for row in rows:
        if not analytes or row["analyte"] in analytes:
            newest.setdefault((row["analyte"], row["material"]), row)
    if not newest:
        return ground.nothing(asking.intent, "NO_CONTROL", analyte=", ".join(analytes) or "-")
    saying = ground.saying()
    for row in list(newest.values())[:_MOST]:
        code = "CONTROL_FAILED" if row["rejected"] else "CONTROL_PASSED"
        saying.say(
            code,
            analyte=row["analyte"],
            material=row["material"],
            at=shown_time(ground, row["at_ns"]),
            deviations=row["deviations"],
        )
        saying.fact(row["analyte"], row["deviations"], "s")
        saying.fact("passed", not row["rejected"])
        saying.source(f"control_point {row['result_id']}", f"{row['material']} {row['analyte']}")
    return saying.answered(asking.intent)


def specification(ground: Ground, asking: Asking) -> Answer:
    """Say which limits are in force of an analyte, of a product or of each that has any."""
    analyte = asking.slots.analytes[0]
    products = asking.slots.products or _products(ground, asking)
    saying = ground.saying()
    for product in products[:_MOST]:
        known = ground.reading().specifications(product)
        for client in _clients((*known.configured, *known.stated)):
            found = in_force(
                (*known.configured, *known.stated),
                product=product,
                analyte=analyte,
                client_id=client,
                at_ns=ground.now_ns,
            )
            if found is None or found.client_id != client or not ground.asker.sight.sees(found.scope):
                continue
            saying.say(
                "LIMITS",
                analyte=analyte,
                product=product,
                limits=limits_shown(ground.language, found),
                version=found.version or "-",
                client=client or "-",
            )
            saying.fact("product", product)
            saying.fact("lower", found.lower, found.unit)
            saying.fact("upper", found.upper, found.unit)
            saying.fact("version", found.version)
            saying.source(f"specification {product} {analyte} {found.version or '-'}", f"{product} {analyte}")
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_LIMITS_IN_FORCE", analyte=analyte, product=", ".join(products) or "-")
    return saying.answered(asking.intent)


def _products(ground: Ground, asking: Asking) -> list[str]:
    for lot in asking.slots.lots:
        row = ground.state.execute(SQL["lot_on_record"], {"material_lot_id": lot}).fetchone()
        if row is not None and row["product"]:
            return [row["product"]]
    configured = [item.product for item in ground.line.specifications if item.product]
    stated = [product for (product,) in ground.state.execute(SQL["copilot_stated_products"], {"most": 100})]
    return list(dict.fromkeys((*configured, *stated)))


def _clients(stated: Iterable[Specification]) -> list[str | None]:
    named = {item.client_id for item in stated}
    return [None, *sorted(name for name in named if name)]


def setpoint_history(ground: Ground, asking: Asking) -> Answer:
    """Say the last moves of a setpoint that people or the gateway approved."""
    tags = asking.slots.tags
    rows = ground.state.execute(SQL["copilot_moves"], {"tag": tags[0] if tags else None, "most": 200}).fetchall()
    intents = [(decode(SetpointIntent, row["body"]), row["state"]) for row in rows if row["holds"]]
    seen = [
        (intent, state) for intent, state in intents if asking.from_ns is None or intent.issued_ns >= asking.from_ns
    ][:_MOST]
    if not seen:
        return ground.nothing(asking.intent, "NO_MOVES", tag=tags[0] if tags else "-")
    saying = ground.saying()
    for intent, state in seen:
        code = "MOVE_AUTOMATIC" if intent.approved_by == AUTOMATIC else "MOVE_BY"
        saying.say(
            code,
            tag=intent.tag,
            was=intent.from_value,
            to=intent.to_value,
            unit=intent.unit,
            state=state,
            person=intent.approved_by,
            at=shown_time(ground, intent.issued_ns),
        )
        saying.fact("to", intent.to_value, intent.unit)
        saying.fact("approved_by", intent.approved_by)
        saying.source(f"setpoint_intent {intent.intent_id}", intent.tag)
    return saying.answered(asking.intent)
