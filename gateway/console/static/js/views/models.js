// Models: which stage counts, how often they abstain and why, and how far they are from the laboratory.

import { h, svg } from "../dom.js";
import { measured, number, share, time, unit, limits } from "../format.js";
import { text, word } from "../texts.js";
import { may, page } from "../page.js";
import { askAndDo } from "../parts/acts.js";
import { empty, facts, table } from "../parts/states.js";
import { condition } from "../parts/symbols.js";

const STAGES = ["shadow", "advise", "approve", "automatic"];

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
    h("p", {}, model.intended_use),
    stages(model),
    model.demoted_by.length ? h("p", { class: "failed" }, text("models.demoted_by", { alarms: model.demoted_by.join(", ") })) : null,
    facts([[text("models.predictions"), model.predictions], [text("models.abstained"), model.abstained_share === null ? "–" : share(model.abstained_share)],
      [text("models.coverage"), model.coverage === null ? text("models.unknown") : share(model.coverage)]]),
    stageButton(model),
    abstentions(model), model.outputs.map((output) => outputOf(output)), domain(model), versions(model));
}

function stages(model) {
  return h("ol", { class: "stages", "aria-label": text("models.stage") }, STAGES.map((stage) => h("li", {
    class: [stage === model.stage ? "here" : "", STAGES.indexOf(stage) > STAGES.indexOf(model.ceiling) ? "closed" : ""].join(" ").trim(), "aria-current": stage === model.stage ? "step" : null,
  }, word("stage", stage), stage === model.stage ? h("span", { class: "quiet" }, ` ${text("models.here")}`) : null, stage === model.ceiling ? h("span", { class: "quiet" }, ` ${text("models.ceiling")}`) : null)));
}

function stageButton(model) {
  if (!may("change_stage")) return null;
  const next = STAGES.filter((stage) => stage !== model.stage && STAGES.indexOf(stage) <= STAGES.indexOf(model.ceiling));
  return h("div", { class: "actions" }, next.map((stage) => h("button", {
    "data-key": stage, type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({ name: "change_stage", parameters: { model: model.name, bundle_sha256: model.sha256, stage }, heading: text("models.change", { model: model.name, stage: word("stage", stage) }), label: text("models.change_button"),
      meaning: text("models.change_meaning", { stage: word("stage", stage) }), about: [facts([[text("models.coverage"), model.coverage === null ? "–" : share(model.coverage)], [text("models.abstained"), model.abstained_share === null ? "–" : share(model.abstained_share)]])] }),
  }, text("models.change_to", { stage: word("stage", stage) }))));
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
