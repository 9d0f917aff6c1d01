// One card of guidance: how urgent, what is wrong, the one next action, the numbers with their limits, the buttons.

import { h } from "../dom.js";
import { asWritten, limits, measured, share, time, toBeSet, unit, until } from "../format.js";
import { hasRole, page } from "../page.js";
import { text, word } from "../texts.js";
import { answerGuidance } from "./acts.js";
import { moved } from "./moves.js";
import { ends, outside, range, reading } from "./range.js";
import { severity } from "./symbols.js";

const ORDER = ["approve", "acknowledge", "reject"];

/** Return a card. `first`: it is the next thing to do, and shown with its numbers. */
export function guidanceCard(guidance, { first = false, acts = true } = {}) {
  return h("article", { "data-key": guidance.guidance_id, class: `card ${guidance.severity}${first ? " first" : ""}`, "aria-label": guidance.title },
    h("div", { class: "card-head" }, severity(guidance.severity), h("span", { class: "quiet" }, word("kind", guidance.kind)), where(guidance),
      h("span", { class: "quiet" }, time(guidance.issued_at)), expiry(guidance),
      guidance.state === "proposed" ? null : h("span", { class: "state" }, word("guidance_state", guidance.state))),
    h("h3", { class: first && guidance.suggestion ? "unseen" : null }, guidance.title), // of a move: the next line says the same
    h("p", { class: "next" }, h("span", { class: "next-word" }, text("guidance.next")), " ", guidance.next_action),
    first ? numbers(guidance) : null,
    answered(guidance),
    moved(guidance.move),
    acts ? buttons(guidance) : null,
    details(guidance, first));
}

function where(guidance) {
  return [
    guidance.equipment_id ? h("span", { class: "strong" }, guidance.equipment_id) : null,
    guidance.material_lot_id ? h("a", { href: `#/lots/${encodeURIComponent(guidance.material_lot_id)}` }, guidance.material_lot_id) : null,
  ];
}

function expiry(guidance) {
  if (!guidance.expires_at) return null;
  const left = until(guidance.expires_at);
  return h("span", { class: "quiet" }, left ? text("guidance.expires", { span: left }) : text("guidance.expired"));
}

function numbers(guidance) {
  return h("div", { class: "numbers" }, valueLine(guidance), suggestionLine(guidance));
}

function valueLine(guidance) {
  const { predicted, measured: result, specification } = guidance;
  const value = predicted?.value ?? result?.value ?? null;
  if (value === null) return result?.value_text ? h("p", { class: "reading" }, h("span", { class: "value" }, asWritten(result.value_text))) : null;
  const [low, high] = [specification?.lower ?? null, specification?.upper ?? null];
  const name = guidance.unit ?? specification?.unit;
  const label = predicted ? text("guidance.predicted", { analyte: guidance.analyte }) : text("guidance.measured", { analyte: guidance.analyte });
  const marks = [{ value: specification?.target ?? null, kind: "target" }, { value, kind: "current" }];
  const sentence = `${label} ${measured(value)} ${unit(name)}, ${limits(low, high, name)}`;
  return h("div", { class: "number" },
    h("p", { class: "label" }, label),
    reading(value, name, limits(low, high, name), outside(value, low, high) ? guidance.severity : "normal"),
    range({ low, high, marks, interval: predicted ? [predicted.low, predicted.high] : null, label: sentence }),
    predicted ? h("p", { class: "quiet" }, text("guidance.interval", { low: measured(predicted.low), high: measured(predicted.high), coverage: share(predicted.coverage) })) : null);
}

function suggestionLine({ suggestion, analyte, unit: name }) {
  if (!suggestion) return null;
  const [low, high] = suggestion.validated;
  const { expected } = suggestion;
  const shown = unit(suggestion.unit);
  return h("div", { class: "number" },
    h("p", { class: "label" }, suggestion.tag.replaceAll("_", " ")),
    h("p", { class: "reading" }, h("span", { class: "value" }, `${toBeSet(suggestion.current)} → ${toBeSet(suggestion.proposed)}`), h("span", { class: "unit" }, shown),
      h("span", { class: "beside" }, limits(low, high, suggestion.unit))),
    range({ low, high, marks: [{ value: suggestion.current, kind: "current" }, { value: suggestion.proposed, kind: "proposed" }],
      label: `${suggestion.tag} ${toBeSet(suggestion.current)} → ${toBeSet(suggestion.proposed)} ${shown}, ${limits(low, high, suggestion.unit)}` }),
    ends(low, high, suggestion.unit),
    h("p", { class: "quiet" }, text("guidance.expected", { analyte, value: measured(expected.value), low: measured(expected.low), high: measured(expected.high), unit: unit(name) })));
}

/** Who has answered, and what was signed: it stands with the guidance wherever that is shown. */
function answered({ answered: answer, signatures }) {
  if (signatures.length) return signatures.map((signature) => signed(signature));
  if (!answer) return null;
  return h("p", { class: "quiet" }, text("guidance.answered", { answer: word("answered", answer.answer), name: answer.person, at: time(answer.at) }),
    answer.identified ? null : ` ${text("guidance.not_identified")}`);
}

function buttons(guidance) {
  const allowed = guidance.answers.filter((one) => hasRole(one.roles))
    .sort((one, other) => ORDER.indexOf(one.answer) - ORDER.indexOf(other.answer));
  const main = allowed.find((one) => one.answer === "approve") ?? allowed.find((one) => one.answer === "acknowledge");
  const others = guidance.answers.filter((one) => !hasRole(one.roles));
  if (guidance.answers.length === 0) return null;
  return h("div", { class: "actions" },
    allowed.map((one) => h("button", {
      "data-key": one.answer, type: "button", class: one === main ? "primary" : "quiet", disabled: !page.connected,
      onclick: () => answerGuidance(guidance, one),
    }, text(`answer.${one.answer}.button`))),
    others.length && !allowed.length ? h("p", { class: "quiet" }, text("guidance.needs", { roles: [...new Set(others.flatMap((one) => one.roles))].map((role) => word("role", role)).join(", ") })) : null);
}

function details(guidance, first) {
  return h("details", { "data-key": "details" },
    h("summary", {}, text("guidance.why")),
    h("ul", {}, guidance.reasons.map((reason) => h("li", {}, reason.text, " ", h("code", {}, reason.code)))),
    guidance.instructions.map((instruction) => [h("h4", {}, `${instruction.procedure}: ${instruction.title}`), h("ol", {}, instruction.steps.map((step) => h("li", {}, step)))]),
    first ? null : numbers(guidance),
    h("p", { class: "quiet" }, guidance.model ? `${guidance.model.name} ${guidance.model.version} · ${word("stage", guidance.stage)} · ` : "",
      h("a", { href: `#/audit?query=${encodeURIComponent(guidance.guidance_id)}` }, text("guidance.trail"))));
}

/** Return a signature as it is shown with its record: printed name, role, meaning, UTC time. */
export function signed({ full_name: name, role, meaning, signed_at: at }) {
  return h("p", { class: "signed" }, text("signature.line", { name, role: word("role", role), meaning, at: `${String(at).slice(0, 19).replace("T", " ")} UTC` }));
}
