// Models: which stage counts, how often they abstain and why, and how far they are from the laboratory.

import { read } from "../api.js";
import { h, svg } from "../dom.js";
import { limits, measured, number, share, span, time, unit } from "../format.js";
import { text, word } from "../texts.js";
import { may, page } from "../page.js";
import { askAndDo } from "../parts/acts.js";
import { signed } from "../parts/guidance.js";
import { empty, facts, table } from "../parts/states.js";
import { condition } from "../parts/symbols.js";

const STAGES = ["shadow", "advise", "approve", "automatic"];
const PILOT_MS = 60000, MOST_SIGNATURES = 5;
const pilots = new Map(); // by path: what was read, and when

export const models = {
  path: () => "/api/models",
  render: (view) => [
    h("h1", {}, text("nav.models")),
    view.models.length === 0 ? empty("models.none") : view.models.map((model) => card(model)),
  ],
};

function card(model) {
  return h("section", { "data-key": `${model.name}-${model.equipment_id}`, class: "part" },
    h("div", { class: "card-head" }, h("h2", {}, `${model.name} ${model.version}`), h("span", { class: "strong" }, model.equipment_id),
      condition(model.demoted_by.length === 0, word("stage", model.stage), text("models.demoted", { stage: word("stage", model.stage) }))),
    h("p", { class: "as-written" }, model.intended_use),
    stages(model),
    outside(model), demotions(model), signedStage(model),
    h("h3", {}, text("models.evidence")), evidence(model),
    stageButton(model),
    pilot(model),
    facts([[text("models.predictions"), model.predictions], [text("models.abstained"), model.abstained_share === null ? "–" : share(model.abstained_share)],
      [text("models.coverage"), model.coverage === null ? text("models.unknown") : share(model.coverage)]]),
    abstentions(model), model.outputs.map((output) => outputOf(output)), domain(model), versions(model));
}

function stages(model) {
  return h("ol", { class: "stages", "aria-label": text("models.stage") }, STAGES.map((stage) => h("li", {
    class: [stage === model.stage ? "here" : "", STAGES.indexOf(stage) > STAGES.indexOf(model.ceiling) ? "closed" : ""].join(" ").trim(), "aria-current": stage === model.stage ? "step" : null,
  }, word("stage", stage), stage === model.stage ? h("span", { class: "quiet" }, ` ${text("models.here")}`) : null, stage === model.ceiling ? h("span", { class: "quiet" }, ` ${text("models.ceiling")}`) : null)));
}

/** That the process is where the model has not learned: then nothing is predicted. */
function outside({ outside_since: since }) {
  return since === null ? null : h("p", { "data-key": "outside", class: "failed" }, text("models.outside", { at: time(since) }));
}

/** What keeps a model lower than it was signed for: since when, why, and what to do. Nothing raises it by itself. */
function demotions(model) {
  return [
    model.stage_record_holds ? null : h("p", { class: "failed" }, text("models.damaged")),
    model.demotions.map((one) => h("div", { "data-key": one.code, class: "failed" },
      h("p", { class: "strong" }, one.since_at ? text("models.demoted_since", { why: one.text, at: time(one.since_at) }) : text("models.demoted_because", { why: one.text })), h("p", {}, one.action))),
  ];
}

function signedStage({ stage_change: change, signatures }) {
  return [
    change ? h("p", {}, text("models.signed", { stage: word("stage", change.stage), name: change.person, at: time(change.at), reason: change.reason })) : null,
    signatures.slice(0, MOST_SIGNATURES).map((signature) => signed(signature)),
  ];
}

/** How it did beside the laboratory: what a change of its stage is signed with. */
function evidence({ evidence: known }) {
  return h("div", { "data-key": "evidence", class: "evidence" },
    facts([[text("evidence.results"), String(known.results)], [text("evidence.inside"), String(known.inside)], [text("evidence.outside"), String(known.outside)],
      [text("evidence.coverage"), known.coverage === null ? text("models.unknown") : share(known.coverage)],
      [text("evidence.mean_error"), known.mean_error === null ? text("models.unknown") : measured(known.mean_error)], [text("evidence.samples"), known.since_at ? text("evidence.since", { count: known.samples, at: time(known.since_at) }) : String(known.samples)],
      [text("evidence.abstained"), known.abstained.map((one) => `${one.count} × ${one.text}`).join("; ") || "0"]]));
}

function stageButton(model) {
  if (!may("change_stage")) return null;
  const next = STAGES.filter((stage) => stage !== (model.signed_stage ?? model.stage) && STAGES.indexOf(stage) <= STAGES.indexOf(model.ceiling));
  return h("div", { class: "actions" }, next.map((stage) => h("button", {
    "data-key": stage, type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "change_stage", parameters: { model: model.name, bundle_sha256: model.sha256, stage }, heading: text("models.change", { model: model.name, stage: word("stage", stage) }),
      label: text("models.change_button"), meaning: text("models.change_meaning", { stage: word("stage", stage) }),
      about: [h("p", {}, text("models.from_to", { from: word("stage", model.signed_stage ?? model.stage), to: word("stage", stage) })), evidence(model)],
    }),
  }, text("models.change_to", { stage: word("stage", stage) }))));
}

/** The figures by stage: read when the view opens and each minute, as they cost more than the rest. */
function pilot(model) {
  const known = pilots.get(model.pilot);
  if (!known || performance.now() - known.at > PILOT_MS) {
    pilots.set(model.pilot, { at: performance.now(), view: known?.view ?? null });
    read(model.pilot, { byItself: true }).catch(() => null).then((view) => {
      if (view) pilots.set(model.pilot, { at: performance.now(), view });
      document.dispatchEvent(new CustomEvent("labline-draw"));
    });
  }
  const view = known?.view;
  return h("div", { "data-key": "pilot" }, h("h3", {}, text("pilot.heading")),
    view === undefined || view === null ? empty("state.loading") : view.periods.length === 0 ? empty("pilot.none") : periods(view),
    view ? h("p", {}, h("a", { class: "button quiet", href: view.report, target: "_blank", rel: "noopener" }, text("pilot.report"))) : null);
}

function periods(view) {
  const part = (some, all, of) => (of === null ? "–" : `${share(of)} (${some} / ${all})`);
  const columns = [text("pilot.stage"), text("pilot.from"), text("pilot.results"), text("pilot.off_specification"), text("pilot.decision_time"), text("pilot.accepted"), text("pilot.rejected")];
  return table(text("pilot.heading"), columns, view.periods.map((one) => ({
    key: one.from_at,
    cells: [word("stage", one.stage), time(one.from_at), String(one.results), part(one.off_specification, one.results, one.off_specification_share),
      one.decision_seconds === null ? "–" : `${span(one.decision_seconds)} (${one.decisions})`, part(one.accepted, one.suggestions, one.accepted_share),
      one.rejected.map((item) => `${item.count} × ${item.reason || "–"}`).join("; ") || "–"],
  })));
}

function abstentions(model) {
  if (model.abstentions.length === 0) return null;
  const most = Math.max(...model.abstentions.map((one) => one.count));
  return h("div", { "data-key": "abstentions" }, h("h3", {}, text("models.abstentions")), h("ul", { class: "bars" }, model.abstentions.map((one) =>
    h("li", { "data-key": one.code }, h("span", {}, one.text), bar(one.count / most), h("span", { class: "strong" }, number(one.count))))));
}

function bar(part) {
  return svg("svg", { class: "bar-drawn", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: 100 * part, height: 10 }));
}

function outputOf(output) {
  const columns = [text("models.at"), text("result.predicted"), text("result.measured"), text("models.difference")];
  return h("div", { "data-key": output.analyte }, h("h3", {}, `${output.analyte} ${unit(output.unit)}`),
    facts(Object.entries(output.figures).map(([name, value]) => [word("figure", name), number(value)])),
    output.residuals.length === 0 ? empty("models.no_residuals") : table(output.analyte, columns, [...output.residuals].reverse().slice(0, 8).map((one) => ({
      key: one.at, cells: [time(one.at), measured(one.predicted), measured(one.measured), number(one.measured - one.predicted, { maximumSignificantDigits: 3, signDisplay: "exceptZero" })],
    }))));
}

function domain(model) {
  return h("details", { "data-key": "domain" }, h("summary", {}, text("models.domain")), table(text("models.domain"), [text("models.input"), text("models.tag"), text("models.range")],
    model.inputs.map((input) => ({ key: input.name, cells: [input.name, input.tag, limits(input.low, input.high, input.unit)] }))));
}

function versions(model) {
  if (model.versions.length === 0) return null;
  return h("details", { "data-key": "versions" }, h("summary", {}, text("models.versions")), h("ul", {}, model.versions.map((one) =>
    h("li", { "data-key": `${one.at}-${one.act}` }, `${time(one.at)} · ${word("act", one.act)} ${one.version} · ${one.person}: ${one.reason}`))));
}
