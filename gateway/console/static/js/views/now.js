// Now: what is wrong, the one next action, what runs, what is predicted, where the setpoints stand.

import { h, island } from "../dom.js";
import { limits, measured, share, time, toBeSet, unit } from "../format.js";
import { may, page } from "../page.js";
import { text, word } from "../texts.js";
import { doNow } from "../parts/acts.js";
import { alarmLines } from "../parts/alarms.js";
import { guidanceCard } from "../parts/guidance.js";
import { moved } from "../parts/moves.js";
import { ends, outside, range, reading } from "../parts/range.js";
import { empty, facts, loading, section } from "../parts/states.js";
import { condition, recommendation, severity } from "../parts/symbols.js";
import { trend } from "../parts/trend.js";

/** Return the view; `trends`: what was read of each path. */
export function now(view, trends) {
  if (!view) return loading();
  return [
    missed(),
    h("div", { class: "columns now" },
      h("div", { class: "column first-column", "data-key": "left" }, guidance(view), alarms(view)),
      h("div", { class: "column last-column", "data-key": "right" }, lots(view), setpoints(view)),
      h("div", { class: "column middle-column", "data-key": "middle" }, predictions(view, trends))),
    damaged(view),
  ];
}

/** What to do goes first: of a warning, the move that is proposed against it; the banner says what is wrong. */
function ordered([highest, ...others]) {
  const move = highest?.kind === "warning"
    ? others.find((one) => one.kind === "setpoint" && one.equipment_id === highest.equipment_id && one.analyte === highest.analyte) : null;
  return move ? [move, highest, ...others.filter((one) => one !== move)] : [highest, ...others].filter(Boolean);
}

function guidance(view) {
  const [first, ...others] = ordered(view.guidance);
  return section("guidance", text("now.guidance"),
    first ? guidanceCard(first, { first: true }) : empty("now.no_guidance"),
    others.map((one) => guidanceCard(one)),
    view.more_guidance ? h("p", { class: "quiet" }, text("now.more_guidance", { count: view.more_guidance })) : null);
}

function missed() {
  if (!page.missed) return null;
  const { from, until, guidance: gone, alarms: called } = page.missed;
  return section("missed", text("missed.heading", { from: time(from), until: time(until) }),
    gone.length ? gone.map((one) => h("div", { "data-key": one.guidance_id, class: "missed-line" }, severity(one.severity),
      h("span", { class: "strong" }, one.title), h("span", { class: "quiet" }, `${word("kind", one.kind)} · ${word("guidance_state", one.state)} · ${time(one.issued_at)}`)))
      : null,
    called.map((one) => h("div", { "data-key": one.alarm_id, class: "missed-line" }, severity(one.severity), h("span", { class: "strong" }, one.text),
      h("span", { class: "quiet" }, [one.until_at ? text("missed.over", { from: time(one.since_at), until: time(one.until_at) }) : text("missed.stands", { from: time(one.since_at) }),
        one.count > 1 ? text("missed.calls", { count: one.count }) : null].filter(Boolean).join(" · ")))),
    gone.length + called.length === 0 ? empty("missed.none") : null,
    h("button", { type: "button", class: "quiet", onclick: () => { page.missed = null; document.dispatchEvent(new CustomEvent("labline-acted")); } }, text("missed.seen")));
}

function alarms(view) {
  if (view.alarms.length === 0) return null;
  return section("alarms", text("now.alarms"), alarmLines(view.alarms), h("p", {}, h("a", { class: "button quiet", href: "#/alarms" }, text("alarm.all"))));
}

function lots(view) {
  return section("lots", text("now.lots"), view.lots.length === 0 ? empty("now.no_lot") : view.lots.map((lot) =>
    h("div", { "data-key": `${lot.equipment_id}-${lot.material_lot_id}`, class: "lot" },
      h("div", { class: "card-head" }, h("span", { class: "strong" }, lot.equipment_id),
        lot.material_lot_id ? h("a", { class: "big", href: `#/lots/${encodeURIComponent(lot.material_lot_id)}` }, lot.material_lot_id) : h("span", { class: "quiet" }, text("now.no_lot")),
        recommendation(lot.recommendation)),
      facts([[text("lot.product"), lot.product], [text("lot.order"), lot.job_order_id], [text("lot.client"), lot.client_id],
        [text("lot.started"), lot.started_at ? time(lot.started_at) : null], [text("lot.results"), lot.results],
        [text("lot.open_points"), lot.open_points || null]]))));
}

function predictions(view, trends) {
  return section("predictions", text("now.predictions"), view.predictions.length === 0 ? empty("now.no_prediction")
    : view.predictions.map((one) => prediction(one, trends.get(one.trend))));
}

function outsideBadge() {
  return condition(false, "", text("result.outside"));
}

function prediction(one, drawn) {
  const { specification, predicted } = one;
  const [low, high] = [specification?.lower ?? null, specification?.upper ?? null];
  const value = predicted?.value ?? null;
  const shown = limits(low, high, one.unit);
  const isOut = outside(value, low, high);
  return h("div", { "data-key": one.trend, class: `prediction${one.stale ? " stale" : ""}` },
    h("div", { class: "card-head" }, h("h3", {}, `${one.equipment_id} ${one.analyte}`),
      isOut ? outsideBadge() : null,
      one.stale ? h("span", { class: "state" }, text("now.stale", { at: one.at ? time(one.at) : "–" })) : null,
      h("span", { class: "quiet" }, word("stage", one.stage))),
    predicted ? [reading(value, one.unit, shown, isOut ? "warning" : "normal"),
      range({ low, high, marks: [{ value: specification?.target ?? null, kind: "target" }, { value, kind: "current" }], interval: [predicted.low, predicted.high],
        label: `${one.analyte} ${measured(value)} ${unit(one.unit)}, ${shown}` }),
      h("p", { class: "quiet" }, text("guidance.interval", { low: measured(predicted.low), high: measured(predicted.high), coverage: share(predicted.coverage) }))]
      : h("div", { class: "abstained" }, h("p", { class: "strong" }, text("now.abstained")), h("ul", {}, one.reasons.map((reason) => h("li", {}, reason.text)))),
    one.rejected ? h("p", { class: "quiet" }, text("now.rejected", { at: time(one.rejected.at), person: one.rejected.person, reason: one.rejected.reason })) : null,
    drawn && drawn.value.filter((one) => one !== null).length > 1 ? island(`chart-${one.trend}`, { class: "chart", role: "img", "aria-label": text("now.trend", { analyte: one.analyte, limits: shown }) }, trend, drawn) : null);
}

function setpoints(view) {
  return section("setpoints", text("now.setpoints"), view.setpoints.length === 0 ? empty("now.no_setpoint") : view.setpoints.map((one) => {
    const shown = limits(one.low, one.high, one.unit);
    const isOut = outside(one.value, one.low, one.high);
    const name = one.tag.replaceAll("_", " ");
    return h("div", { "data-key": one.tag, class: "setpoint" },
      h("div", { class: "card-head" }, h("h3", {}, `${one.equipment_id} ${name}`), isOut ? outsideBadge() : null,
        one.state === "unknown" ? h("span", { class: "state" }, text("now.unknown")) : null,
        one.write === null ? null : h("span", { class: "state" }, text("now.write", { state: word("write", one.write) })),
        one.proposed === null ? null : h("span", { class: "state" }, text("now.proposed", { value: toBeSet(one.proposed), unit: unit(one.unit) }))),
      reading(one.value, one.unit, shown, isOut ? "warning" : "normal"),
      range({ low: one.low, high: one.high, marks: [{ value: one.value, kind: "current" }, { value: one.proposed, kind: "proposed" }],
        label: `${name} ${measured(one.value)} ${unit(one.unit)}, ${shown}` }),
      ends(one.low, one.high, one.unit), moved(one.last_move, { whole: true }));
  }));
}

function damaged(view) {
  if (view.damaged.length === 0) return null;
  return section("damaged", text("damaged.heading"), h("p", {}, text("damaged.text")), h("ul", {}, view.damaged.map((record) => h("li", {}, h("code", {}, record)))));
}
