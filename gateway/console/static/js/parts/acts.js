// What a person does here, and what is shown of what came of it.

import { act } from "../api.js";
import { h } from "../dom.js";
import { page } from "../page.js";
import { text, word } from "../texts.js";
import { limits, toBeSet, unit } from "../format.js";
import { ask, signInOf } from "./dialog.js";

/** Do an act at once and say what came of it in the line of the last act. */
export async function doNow(name, parameters, about, reason = "") {
  return reported(await act(name, parameters, { reason }), about);
}

/** Acknowledge, approve or reject guidance: acknowledging at once, the others after a question. */
export function answerGuidance(guidance, { answer, signature }) {
  const parameters = { guidance_id: guidance.guidance_id, answer };
  if (answer === "acknowledge" && !signature) return doNow("answer_guidance", parameters, guidance.title, text("alarm.reason"));
  const isOpen = () => page.now?.guidance.some((one) => one.guidance_id === guidance.guidance_id) ?? true;
  return ask({
    heading: text(`answer.${answer}.heading`),
    about: aboutGuidance(guidance),
    reason: answer === "reject" ? "required" : "optional",
    reasons: answer === "reject" ? ["not_plausible", "not_possible", "otherwise", "laboratory"].map((key) => text(`reason.${key}`)) : [],
    signature: signature ? text(`answer.${answer}.meaning`) : null,
    label: text(`answer.${answer}.button`),
    danger: answer === "reject",
    stillOpen: isOpen,
    confirm: async (values) =>
      reported(await act("answer_guidance", parameters, { reason: values.reason, signIn: signInOf(values) }), guidance.title),
  });
}

/**
 * Ask for a reason, and a signature where one is needed, and do an act. `meaning`: with which it is signed; without one
 * the heading, where this plant has such acts signed. `otherwise`: the reason where none is typed. `parameters` may be
 * made of what was typed. `done`: what was done, in the line of the last act.
 */
export function askAndDo({ name, parameters, heading, about, label, meaning = null, need = "required", danger = false, reasons = [], otherwise = "", ready = false, stillOpen, fields = [], done = heading }) {
  const signature = meaning ?? (page.me?.signed_acts.includes(name) ? heading : null);
  const of = (values) => typeof parameters === "function" ? parameters(values) : parameters;
  ask({
    heading, about, reason: need, reasons, signature, label, danger, ready, stillOpen, fields,
    confirm: async (values) => reported(await act(name, of(values), { reason: values.reason || otherwise, signIn: signInOf(values) }), done),
  });
}

/** Say in the line of the last act what came of one, and have everything read again. */
export function reported(answer, about) {
  const refused = answer.outcome !== "done" && answer.outcome !== "pending";
  page.last = {
    at: new Date().toISOString(), level: refused ? "warning" : "normal",
    text: refused ? `${text("act.refused")}: ${[answer.why, answer.hint].filter(Boolean).join("; ")}` : `${text(`act.${answer.outcome}`)}: ${about}`,
  };
  document.dispatchEvent(new CustomEvent("labline-acted"));
  return answer;
}

function aboutGuidance(guidance) {
  const { suggestion } = guidance;
  return [
    h("p", { class: "strong" }, guidance.title),
    h("p", {}, [word("kind", guidance.kind), guidance.equipment_id, guidance.material_lot_id].filter(Boolean).join(" · ")),
    suggestion ? h("p", { class: "move" }, `${suggestion.tag}: ${toBeSet(suggestion.current)} → ${toBeSet(suggestion.proposed)} ${unit(suggestion.unit)} `,
      h("span", { class: "quiet" }, `(${limits(suggestion.validated[0], suggestion.validated[1], suggestion.unit)})`)) : null,
  ];
}
