// One lot: what is recommended, what is still missing, results, charts, deviations, and what has happened.

import { h, island } from "../dom.js";
import { asWritten, limits, measured, time, unit, utc } from "../format.js";
import { may, page, seesAll } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { certificatesOfLot } from "../parts/certificates.js";
import { guidanceCard, signed } from "../parts/guidance.js";
import { outside } from "../parts/range.js";
import { empty, facts, section, table } from "../parts/states.js";
import { condition, recommendation, severity } from "../parts/symbols.js";
import { controlChart } from "../parts/trend.js";

export const lot = {
  path: ([id]) => `/api/lots/${encodeURIComponent(id)}`,
  also: (view) => view.charts.map((chart) => chart.path),
  render: (view, { others }) => [
    h("p", {}, h("a", { href: "#/lots" }, text("lot.back"))),
    head(view), parts(view),
    h("div", { class: "columns" },
      h("div", { class: "column", "data-key": "left" }, points(view), results(view), charts(view, others), deviations(view)),
      h("div", { class: "column", "data-key": "right" }, certificatesOfLot(view.certificates), guidance(view), settled(view), related(view), timeline(view))),
  ],
};

function head(view) {
  return h("div", { class: "lot-head", "data-key": "head" },
    partOf(view),
    h("div", { class: "card-head" }, h("h1", {}, view.material_lot_id), recommendation(view.recommendation),
      view.latched ? h("span", { class: "state" }, text("lot.latched")) : null,
      view.waits_to_be_judged ? h("span", { class: "state" }, text("lot.waits")) : null),
    view.reasons.length ? h("ul", { class: "reasons" }, view.reasons.map((reason) => h("li", {}, reason.text))) : null,
    view.missing_tests.length ? h("p", { class: "strong" }, text("lot.missing_tests", { tests: view.missing_tests.join(", ") })) : null,
    decision(view), waiting(view),
    facts([[text("lot.product"), view.products.join(", ")], [text("lot.order"), view.job_order_id], [text("lot.equipment"), view.equipment_id], [text("lot.client"), view.client_id],
      [text("lot.started"), view.started_at ? time(view.started_at) : null], [text("lot.ended"), view.ended_at ? time(view.ended_at) : null], [text("lot.closed"), view.closed_at ? time(view.closed_at) : null]]),
    view.damaged.length ? h("p", { class: "failed" }, text("damaged.text"), " ", view.damaged.join(", ")) : null,
    seesAll() ? h("p", {}, h("a", { href: `#/review/${encodeURIComponent(view.material_lot_id)}` }, text("lot.review"))) : null,
    may("decide_lot") && view.basis_sha256 ? h("div", { class: "actions" }, ["release", "reject", "hold"].map((decided) => decideButton(view, decided)), firstPart(view)) : firstPart(view));
}

/** Whoever may set parts apart does so here until there is one: then the parts have a section of their own. */
function firstPart(view) {
  return may("divide_lot") && !view.part_of && view.parts.length === 0 ? divideButton(view) : null;
}

function decision({ decision: made, signatures, parts: set }) {
  const kept = (set ?? []).filter((one) => one.decision !== "release" || one.on_other_facts || one.awaits_certificate).map((one) => one.part);
  if (!made) return signatures.map((signature) => signed(signature));
  return h("div", { class: "decision" },
    h("p", { class: "strong" }, text(made.of_rest_alone ? "lot.decided_rest" : "lot.decided", { decision: word("decision", made.decision), name: made.full_name, role: word("role", made.role), at: utc(made.at) })),
    h("p", {}, made.meaning, made.reason ? ` · ${made.reason}` : ""),
    made.on_other_facts ? h("p", { class: "failed" }, text("lot.other_facts")) : null,
    made.awaits_certificate ? h("p", { class: "failed" }, text("lot.awaits_certificate")) : null,
    made.decision === "release" && kept.length ? h("p", { class: "failed" }, text("part.not_released", { parts: kept.join(", ") })) : null,
    signatures.map((signature) => signed(signature)));
}

/** What is asked for and not done yet: it is no decision. */
function waiting(view) {
  return view.waiting.map((pending) => h("div", { class: "decision waiting", "data-key": pending.pending_id },
    h("p", { class: "strong" }, text("lot.pending", { act: word("act_title", pending.act), given: pending.signed.length, count: pending.count })),
    h("p", {}, `${pending.title}: `, h("a", { href: "#/signatures" }, text("nav.signatures"))),
    pending.signed.map((signature) => signed(signature))));
}

/** Only what is recommended stands out, and no release of a lot that still runs: nothing invites a wrong release. What a
 *  person has decided is done, and invites nobody again. */
function standsOut(view, decided) {
  const done = view.decision?.decision === decided && !view.decision.on_other_facts;
  return decided === view.recommendation && !done && (decided !== "release" || view.ended_at !== null);
}

function decideButton(view, decided) {
  return h("button", {
    "data-key": decided, type: "button", class: standsOut(view, decided) ? "primary" : "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "decide_lot", parameters: { material_lot_id: view.material_lot_id, verdict: decided, basis_sha256: view.basis_sha256, over_open_points: decided === "release" ? view.against_release : 0, part: view.part_of?.part ?? "" },
      heading: `${toDecide(view, decided)}: ${view.part_of ? text("part.named", view.part_of) : view.material_lot_id}`, label: toDecide(view, decided), danger: decided === "reject",
      meaning: meant(view, decided), stillOpen: () => unchanged(view),
      about: [h("p", {}, text("lot.recommended"), " ", recommendation(view.recommendation)),
        decidesOn(view, decided), speaksAgainst(view)],
    }),
  }, toDecide(view, decided));
}

/** What is signed: of a part, of what is left beside parts, or of the lot. */
function meant(view, decided) {
  if (view.part_of) return text(`part.meaning.${decided}`);
  return view.parts.length && decided === "release" ? text("part.meaning.release_rest") : word("decide_meaning", decided);
}

/** What is decided on: the part, what is left beside parts, or the lot. */
function toDecide(view, decided) {
  if (view.part_of && decided !== "hold") return text(`part.${decided}`);
  return view.parts.length && decided === "release" ? text("part.release_rest") : word("decide", decided);
}

/** Of a lot with parts, and of a part: what a decision is about, and what it is not. */
function decidesOn(view, decided) {
  if (view.part_of) return h("p", { class: "strong" }, text("part.alone", view.part_of));
  if (view.parts.length === 0) return null;
  if (decided !== "release") return h("p", { class: "strong" }, text("part.held_too"));
  return h("p", { class: "strong" }, text("part.rest_alone", { parts: view.parts.map((one) => one.part).join(", ") }));
}

function partOf({ part_of: of }) {
  if (!of) return null;
  return h("p", { class: "strong", "data-key": "part-of" }, text("part.of"), " ", h("a", { href: `#/lots/${encodeURIComponent(of.lot)}` }, of.lot), ` · ${of.quantity}`, of.undone ? h("span", { class: "failed" }, ` · ${text("part.put_back")}`) : null,
    h("span", { class: "quiet" }, ` · ${of.reason}`));
}

/** The parts of a lot and what is left, each with what is recommended and decided. */
function parts(view) {
  if (view.part_of) return null;
  if (view.parts.length === 0) return null;
  const columns = [text("part.part"), text("part.quantity"), text("lot.recommendation"), text("part.decision"), ...(may("undo_division") ? [""] : [])];
  const rows = view.parts.map((one) => ({ key: one.part_id, cells: [
    h("a", { href: `#/lots/${encodeURIComponent(one.part_id)}` }, one.part), one.quantity, recommendation(one.recommendation),
    one.undone ? [decidedOn(one.decision, one.on_other_facts, one.awaits_certificate), h("p", { class: "quiet" }, text("part.reported_again"))] : decidedOn(one.decision, one.on_other_facts, one.awaits_certificate),
    ...(may("undo_division") ? [one.decision || one.undone ? null : undoButton(view, one)] : [])] }));
  const { rest } = view;
  const left = rest.not_comparable !== null ? condition(false, "", text("part.not_comparable", { stated: rest.not_comparable }), "critical")
    : rest.quantity === null ? text("part.unknown") : text("part.left", { rest: rest.quantity, of: rest.of });
  rows.push({ key: "rest", cells: [h("span", { class: "strong" }, text("part.rest")), rest.exceeded ? condition(false, "", text("part.exceeded", { of: rest.of }), "critical") : left,
    recommendation(view.recommendation), decidedOn(view.decision?.decision ?? null, view.decision?.on_other_facts, view.decision?.awaits_certificate), ...(may("undo_division") ? [null] : [])] });
  return section("parts", text("part.parts"), table(text("part.parts"), columns, rows), may("divide_lot") ? h("div", { class: "actions" }, divideButton(view)) : null);
}

function decidedOn(decided, lapsed, awaits = false) {
  if (!decided) return h("span", { class: "quiet" }, text("part.undecided"));
  if (lapsed) return condition(false, "", text("part.lapsed", { decision: word("decision", decided) }), "warning");
  if (awaits) return condition(false, "", text("part.awaits_certificate", { decision: word("decision", decided) }), "warning");
  return condition(decided === "release", word("decision", decided), word("decision", decided), "critical");
}

function divideButton(view) {
  return h("button", {
    "data-key": "divide", type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "divide_lot", heading: `${text("part.divide")}: ${view.material_lot_id}`, label: text("part.divide"),
      about: [h("p", {}, text("part.divide_about"))],
      fields: [{ name: "part", label: text("part.part"), required: true, hint: text("part.part_hint") }, { name: "quantity", label: text("part.quantity"), required: true, hint: text("part.quantity_hint") }],
      parameters: (values) => ({ material_lot_id: view.material_lot_id, part: values.part.trim(), quantity: values.quantity.trim() }),
    }),
  }, text("part.divide"));
}

/** A part is put back only while nothing is decided, reported or certified of it by itself. */
function undoButton(view, one) {
  return h("button", {
    "data-key": `undo-${one.part_id}`, type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "undo_division", parameters: { material_lot_id: view.material_lot_id, part: one.part },
      heading: `${text("part.undo")}: ${text("part.named", { part: one.part, lot: view.material_lot_id })}`, label: text("part.undo"),
      about: [h("p", {}, text("part.undo_about"))],
    }),
  }, text("part.undo"));
}

/** What speaks against a release: nobody decides without having it before them. */
function speaksAgainst({ open_points: points }) {
  if (points.length === 0) return null;
  return [h("p", { class: "strong" }, text("lot.still_open", { count: points.length })),
    h("ul", { class: "reasons", "data-key": "speaks-against" }, points.map((point) => h("li", {}, point.text)))];
}

/** Whether the lot still stands as the question shows it; another view that is open meanwhile says nothing of it. */
function unchanged(asked) {
  const view = page.data?.material_lot_id === asked.material_lot_id ? page.data : asked;
  return view.basis_sha256 === asked.basis_sha256 && view.decision?.at === asked.decision?.at && view.waiting.length === asked.waiting.length;
}

function points(view) {
  return section("points", text("lot.missing"), view.open_points.length === 0 ? empty("lot.nothing_open") : view.open_points.map((point) =>
    h("div", { "data-key": point.point_id, class: "alarm" }, recommendation(point.asks),
      h("div", { class: "alarm-text" }, h("p", { class: "strong" }, point.text),
        h("p", { class: "quiet" }, [point.analyte, point.sample_id, point.can_be_settled ? null : text("lot.cannot_settle")].filter(Boolean).join(" · "))),
      point.can_be_settled && may("settle_point") ? h("button", {
        type: "button", class: "quiet", disabled: !page.connected,
        onclick: () => askAndDo({ name: "settle_point", parameters: { material_lot_id: view.material_lot_id, point_id: point.point_id }, heading: text("lot.settle_heading"), about: [h("p", { class: "strong" }, point.text)], label: text("lot.settle") }),
      }, text("lot.settle")) : null)));
}

function results(view) {
  const columns = [text("result.analyte"), text("result.value"), text("result.limits"), text("result.predicted"), text("result.sample"), text("result.status"), text("result.received")];
  return section("results", text("lot.results"), view.results.length === 0 ? empty(view.part_of ? "part.no_results" : "lot.no_results") : table(text("lot.results"), columns, view.results.map((one) => {
    const isOut = outside(one.value, one.lower, one.upper);
    return {
      key: `${one.result_id}-${one.result_version}`, level: one.current ? null : "old",
      cells: [one.analyte, h("span", { class: "strong" }, `${asWritten(one.value_text)} ${unit(one.unit)}`, isOut ? [" ", condition(false, "", text("result.outside"), "critical")] : null), limits(one.lower, one.upper, one.unit), one.predicted === null ? "–" : measured(one.predicted),
        one.sample_id, `${one.status ? word("status", one.status) : "–"}${one.result_version ? ` · v${one.result_version}` : ""}${one.current ? "" : ` · ${text("result.old")}`}`, time(one.received_at)],
    };
  })));
}

function charts(view, others) {
  const drawn = view.charts.map((link) => ({ link, chart: others.get(link.path) })).filter(({ chart }) => chart && chart.points.length > 0);
  if (drawn.length === 0) return null;
  return section("charts", text("lot.charts"), drawn.map(({ link, chart }) => h("div", { "data-key": link.path },
    h("h3", {}, `${chart.analyte} ${unit(chart.unit)}`),
    h("p", { class: "quiet" }, chart.centre === null ? text("chart.too_few") : text("chart.limits", { centre: measured(chart.centre), low: measured(chart.lower_limit), high: measured(chart.upper_limit) })),
    island(`chart-${link.path}`, { class: "chart", role: "img", "aria-label": text("chart.label", { analyte: chart.analyte, count: chart.points.length }) }, controlChart, chart),
    signals(chart))));
}

function signals(chart) {
  const marked = chart.points.filter((point) => point.rules.length > 0);
  if (marked.length === 0) return h("p", { class: "quiet" }, text("chart.no_rule"));
  return h("ul", { class: "signals" }, marked.slice(-5).map((point) => h("li", {}, h("span", { class: "ring", "aria-hidden": "true" }), `${measured(point.value)} ${unit(chart.unit)} · ${point.sample_id} · ${point.rules.join("; ")}`)));
}

function deviations(view) {
  if (view.deviations.length === 0) return null;
  return section("deviations", text("lot.deviations"), h("ul", {}, view.deviations.map((draft) =>
    h("li", { "data-key": draft.deviation_id }, h("a", { href: draft.document, target: "_blank", rel: "noopener" }, draft.title), " ", h("a", { href: `#/deviation/${encodeURIComponent(draft.deviation_id)}` }, text("capa.more")), h("span", { class: "quiet" }, ` ${time(draft.at)} · ${text("lot.version", { version: draft.version })} · ${text(draft.closed ? "capa.state.closed" : "capa.state.open")}`)))));
}

function guidance(view) {
  if (view.guidance.length === 0) return null;
  return section("guidance", text("lot.guidance"), view.guidance.map((one) => guidanceCard(one, { acts: false })));
}

function settled(view) {
  if (view.settled.length === 0) return null;
  return section("settled", text("lot.settled"), h("ul", {}, view.settled.map((point) =>
    h("li", { "data-key": point.point_id }, point.text, h("span", { class: "quiet" }, ` · ${point.person}, ${time(point.at)}: ${point.reason}`)))));
}

function related(view) {
  const link = (other) => h("li", { "data-key": other.material_lot_id }, h("a", { href: `#/lots/${encodeURIComponent(other.material_lot_id)}` }, other.material_lot_id), " ", recommendation(other.recommendation));
  if (view.parents.length + view.children.length === 0) return null;
  return section("related", text("lot.related"),
    view.parents.length ? [h("h3", {}, text("lot.parents")), h("ul", { class: "plain" }, view.parents.map(link))] : null,
    view.children.length ? [h("h3", {}, text("lot.children")), h("ul", { class: "plain" }, view.children.map(link))] : null);
}

const IN_WORDS = {
  context: (state) => word("context", state), disposition: (state) => word("recommendation", state), guidance: (state) => word("guidance_state", state),
  response: (state) => word("guidance_state", state), signature: (state) => word("role", state),
  move: (state) => word("write", state), outcome: (state) => word("followed", state),
};

/** Return what has happened: its text, and its state in words. */
function happened({ kind, text: what, state }) {
  if (state === null) return what;
  return what ? `${what} (${IN_WORDS[kind](state)})` : IN_WORDS[kind](state);
}

function timeline(view) {
  return section("timeline", text("lot.timeline"), view.timeline.length === 0 ? empty("lot.no_timeline") : h("ol", { class: "timeline" }, [...view.timeline].reverse().map((entry) =>
    h("li", { "data-key": `${entry.at}-${entry.id}-${entry.kind}` }, h("span", { class: "at" }, time(entry.at)), h("span", { class: "quiet" }, word("happened", entry.kind)), h("span", {}, happened(entry)),
      entry.severity && entry.severity !== "information" ? severity(entry.severity) : null))));
}
