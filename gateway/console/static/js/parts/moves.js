// What became of an approved move of a setpoint: grey and small while it is as it should be.

import { h } from "../dom.js";
import { measured, time, toBeSet, unit } from "../format.js";
import { text, word } from "../texts.js";
import { condition } from "./symbols.js";

const AS_USUAL = ["written", "cause_ended"];

/** Return where writing a move stands, and what came of it. `whole`: with the move itself, where it is shown alone. */
export function moved(move, { whole = false } = {}) {
  if (!move) return null;
  return h("div", { "data-key": "move", class: "moved" },
    whole ? h("p", { class: "quiet" }, text("move.last", { from: toBeSet(move.from_value), to: toBeSet(move.to_value), unit: unit(move.unit) })) : null,
    state(move),
    move.reason ? h("p", {}, move.reason) : null,
    move.outcomes.map((outcome) => came(move, outcome)),
    move.helped === null ? null : h("p", { class: move.helped ? "quiet" : "strong" }, text(move.helped ? "move.helped" : "move.not_helped")),
    move.holds ? null : h("p", { class: "failed" }, text("move.damaged")));
}

function state(move) {
  const shown = text("move.state", { state: word("write", move.state), at: time(move.at) });
  if (move.on_its_way) return h("p", { class: "strong" }, text("move.on_its_way", { state: word("write", move.state) }));
  const readBack = move.read_back === null ? "" : ` ${text("move.read_back", { value: toBeSet(move.read_back), unit: unit(move.unit) })}`;
  return AS_USUAL.includes(move.state) ? h("p", { class: "quiet" }, `${shown}${readBack}`) : h("p", {}, condition(false, "", shown), readBack);
}

function came(move, { followed, value, as_expected: expected }) {
  const shown = text(`move.${followed}`, { analyte: move.analyte, value: measured(value), unit: unit(move.analyte_unit) });
  const range = text("move.expected", { low: measured(move.expected_low), high: measured(move.expected_high) });
  return h("p", { class: "quiet" }, `${shown} (${range})`, expected ? null : [" ", condition(false, "", text("move.not_as_expected"))]);
}
