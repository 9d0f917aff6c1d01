// Questions before an act: what it is about, the reason, and both components of a signature. It opens only where the
// person has asked for it, and closes with Escape. A refused act shows why and what to do, and keeps what was typed.

import { h, show } from "../dom.js";
import { page } from "../page.js";
import { text } from "../texts.js";

let opened = null;

/**
 * Ask. `about`: elements that say what it is about. `reason`: "required", "optional" or null; `reasons`: usual ones, as
 * buttons. `signature`: the meaning that is signed, or null. `ready`: it can be confirmed at once, without a word typed.
 * `confirm(values)` returns the gateway's answer.
 */
export function ask({ heading, about, reason = null, reasons = [], signature = null, label, danger = false, fields = [], ready = false, confirm, stillOpen = () => true }) {
  opened?.dialog.close();
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-heading" });
  const state = { dialog, busy: false, answer: null, stillOpen };
  const draw = () => show(dialog, form(state, { heading, about, reason, reasons, signature, label, danger, fields }, submit));
  const submit = async (event) => {
    event.preventDefault();
    if (state.busy || !page.connected) return;
    const filled = event.currentTarget;
    const values = Object.fromEntries(new FormData(filled));
    state.busy = true;
    draw();
    state.answer = await confirm(values, filled);
    state.busy = false;
    const password = dialog.querySelector("input[type=password]");
    if (password) password.value = "";
    if (state.answer.outcome === "done" || state.answer.outcome === "pending") dialog.close();
    else {
      draw();
      dialog.querySelector("[aria-invalid]")?.focus();
    }
  };
  state.draw = draw;
  opened = state;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opened === state) opened = null;
  });
  document.body.append(dialog);
  draw();
  dialog.showModal();
  dialog.querySelector(ready ? "button[type=submit]" : "textarea, input")?.focus();
}

/** Look whether what an open dialog asks about is still there. */
export function reviewDialog() {
  opened?.draw();
}

function form(state, { heading, about, reason, reasons, signature, label, danger, fields }, submit) {
  const over = !state.stillOpen() && !state.busy;
  return h("form", { onsubmit: submit, autocomplete: "off" },
    h("h2", { id: "ask-heading" }, heading),
    h("div", { class: "about" }, about),
    fields.map((field) => fieldOf(field, state.answer)),
    reason ? reasonField(reason, reasons) : null,
    signature ? signatureFields(signature) : null,
    over ? h("p", { class: "failed", role: "alert" }, text("dialog.over")) : null,
    page.connected ? null : h("p", { class: "failed", role: "alert" }, text("dialog.offline")),
    state.answer && !atField(fields, state.answer) ? refusal(state.answer) : null,
    h("div", { class: "actions" },
      h("button", { type: "button", class: "quiet", onclick: () => state.dialog.close() }, text("dialog.cancel")),
      h("button", { type: "submit", class: danger ? "danger" : "primary", disabled: state.busy || over || !page.connected },
        state.busy ? text("dialog.busy") : label)));
}

/** Return a field; what is wrong with it stands at it. */
function fieldOf(field, answer) {
  const wrong = answer && answer.details?.field === field.name ? answer : null;
  if (field.several) return several(field, wrong);
  return field.options ? choice(field) : input({ ...field, wrong });
}

function atField(fields, answer) {
  return fields.some(({ name }) => name === answer.details?.field);
}

function several({ name, label, several: options }, wrong) {
  return h("fieldset", { class: "several", "aria-describedby": wrong ? `wrong-${name}` : null }, h("legend", {}, label),
    options.map(([value, words, checked]) => h("label", { class: "check" }, h("input", { type: "checkbox", name, value, checked }), words)),
    wrong ? wrongAt(name, wrong) : null);
}

function wrongAt(name, { why, hint }) {
  return h("p", { class: "failed", role: "alert", id: `wrong-${name}` }, h("strong", {}, why), hint ? `: ${hint}` : "");
}

function refusal({ why, hint }) {
  return h("div", { class: "failed", role: "alert" }, h("p", { class: "strong" }, why), hint ? h("p", {}, hint) : null);
}

function reasonField(need, reasons) {
  const put = (event) => {
    const field = event.currentTarget.closest("form").elements.reason;
    field.value = event.currentTarget.textContent;
    field.focus();
  };
  return h("div", { class: "field" },
    h("label", { for: "ask-reason" }, text(need === "required" ? "dialog.reason" : "dialog.reason_optional")),
    reasons.length ? h("div", { class: "choices" }, reasons.map((one) => h("button", { type: "button", class: "quiet", onclick: put }, one))) : null,
    h("textarea", { id: "ask-reason", name: "reason", rows: 2, maxlength: 4000, required: need === "required" }));
}

function signatureFields(meaning) {
  return h("fieldset", { class: "signature" },
    h("legend", {}, text("dialog.signature")),
    h("p", {}, text("dialog.meaning"), " ", h("strong", {}, meaning)),
    input({ name: "user", label: text("sign_in.user"), required: true }),
    input({ name: "password", label: text("sign_in.password"), type: "password", required: true }),
    input({ name: "code", label: text("sign_in.code"), mode: "numeric" }));
}

/** Return a labelled field. */
export function input({ name, label, type = "text", required = false, mode = null, value = null, complete = "off", hint = null, wrong = null }) {
  return h("div", { class: "field" },
    h("label", { for: `ask-${name}` }, label),
    h("input", { id: `ask-${name}`, name, type, required, inputmode: mode, value, autocomplete: complete, autocapitalize: "none", spellcheck: "false",
      "aria-describedby": [hint ? `hint-${name}` : null, wrong ? `wrong-${name}` : null].filter(Boolean).join(" ") || null, "aria-invalid": wrong ? "true" : null }),
    wrong ? wrongAt(name, wrong) : null,
    hint ? h("p", { class: "hint", id: `hint-${name}` }, hint) : null);
}

/** Return a labelled choice of one; `options`: pairs of a value and its words. */
export function choice({ name, label, options, value = null }) {
  return h("div", { class: "field" }, h("label", { for: `ask-${name}` }, label),
    h("select", { id: `ask-${name}`, name }, options.map(([one, words]) => h("option", { value: one, selected: String(one) === String(value) }, words))));
}

/** Return the components of a signature among a form's values, or null. */
export function signInOf({ user, password, code }) {
  return user ? { user, password, code: code ?? "" } : null;
}
