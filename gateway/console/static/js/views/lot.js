// One lot: what is recommended, what is still missing, results, charts, deviations, and what has happened.

import { h, island } from "../dom.js";
import { asWritten, limits, measured, time, unit, utc } from "../format.js";
import { may, page } from "../page.js";
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
    head(view),
    h("div", { class: "columns" },
      h("div", { class: "column", "data-key": "left" }, points(view), results(view), charts(view, others), deviations(view)),
      h("div", { class: "column", "data-key": "right" }, certificatesOfLot(view.certificates), guidance(view), settled(view), related(view), timeline(view))),
  ],
};

function head(view) {
  return h("div", { class: "lot-head", "data-key": "head" },
    h("div", { class: "card-head" }, h("h1", {}, view.material_lot_id), recommendation(view.recommendation),
      view.latched ? h("span", { class: "state" }, text("lot.latched")) : null,
      view.waits_to_be_judged ? h("span", { class: "state" }, text("lot.waits")) : null),
    view.reasons.length ? h("ul", { class: "reasons" }, view.reasons.map((reason) => h("li", {}, reason.text))) : null,
    view.missing_tests.length ? h("p", { class: "strong" }, text("lot.missing_tests", { tests: view.missing_tests.join(", ") })) : null,
    decision(view), waiting(view),
    facts([[text("lot.product"), view.products.join(", ")], [text("lot.order"), view.job_order_id], [text("lot.equipment"), view.equipment_id], [text("lot.client"), view.client_id],
      [text("lot.started"), view.started_at ? time(view.started_at) : null], [text("lot.ended"), view.ended_at ? time(view.ended_at) : null], [text("lot.closed"), view.closed_at ? time(view.closed_at) : null]]),
    view.damaged.length ? h("p", { class: "failed" }, text("damaged.text"), " ", view.damaged.join(", ")) : null,
    h("p", {}, h("a", { href: `#/review/${encodeURIComponent(view.material_lot_id)}` }, text("lot.review"))),
    may("decide_lot") && view.basis_sha256 ? h("div", { class: "actions" }, ["release", "reject", "hold"].map((decided) => decideButton(view, decided))) : null);
}

function decision({ decision: made, signatures }) {
  if (!made) return signatures.map((signature) => signed(signature));
  return h("div", { class: "decision" },
    h("p", { class: "strong" }, text("lot.decided", { decision: word("decision", made.decision), name: made.full_name, role: word("role", made.role), at: utc(made.at) })),
    h("p", {}, made.meaning, made.reason ? ` · ${made.reason}` : ""),
    made.on_other_facts ? h("p", { class: "failed" }, text("lot.other_facts")) : null,
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
      name: "decide_lot", parameters: { material_lot_id: view.material_lot_id, verdict: decided, basis_sha256: view.basis_sha256, over_open_points: decided === "release" ? view.against_release : 0 },
      heading: `${word("decide", decided)}: ${view.material_lot_id}`, label: word("decide", decided), danger: decided === "reject",
      meaning: word("decide_meaning", decided), stillOpen: () => unchanged(view),
      about: [h("p", {}, text("lot.recommended"), " ", recommendation(view.recommendation)),
        speaksAgainst(view)],
    }),
  }, word("decide", decided));
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
  return section("results", text("lot.results"), view.results.length === 0 ? empty("lot.no_results") : table(text("lot.results"), columns, view.results.map((one) => {
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
    h("li", { "data-key": draft.deviation_id }, h("a", { href: draft.document, target: "_blank", rel: "noopener" }, draft.title), " ", h("a", { href: `#/deviation/${encodeURIComponent(draft.deviation_id)}` }, text("capa.more")), h("span", { class: "quiet" }, ` ${time(draft.at)} · ${text("lot.version", { version: draft.version })}`)))));
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
