// Signatures: which acts wait for whom, what was never done, and what was signed, with its export.

import { h } from "../dom.js";
import { measured, share, time, until, utc } from "../format.js";
import { may, page } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { waitsForMe } from "../parts/frame.js";
import { signed } from "../parts/guidance.js";
import { empty, facts, section, table } from "../parts/states.js";

const WORDS = { verdict: "verdict", recommendation: "recommendation", roles: "role" }; // values that are codes
const LONGEST_ID = 12; // hashes and ids are shown by their first characters; the audit trail has the whole

export const signatures = {
  path: () => "/api/signatures",
  render: (view) => {
    const mine = view.waiting.filter((pending) => waitsForMe(signers(pending)));
    const others = view.waiting.filter((pending) => !mine.includes(pending));
    return [
      h("h1", {}, text("nav.signatures")),
      view.passwords.length === 0 ? null : section("passwords", text("signatures.passwords"), view.passwords.map((one) => password(one))),
      section("mine", text("signatures.mine"), mine.length === 0 ? empty("signatures.none") : mine.map((pending) => card(pending))),
      others.length === 0 ? null : section("waiting", text("signatures.others"), others.map((pending) => card(pending))),
      view.ended.length === 0 ? null : section("ended", text("signatures.ended"), ended(view.ended)),
      section("given", text("signatures.given"), view.given.length === 0 ? empty("signatures.none_given") : given(view.given)),
    ];
  },
};

/** Return for whom an act waits, as Now has it. */
function signers(pending) {
  return { roles: pending.roles, not_by: [pending.asked_by_user, ...pending.signed.map((one) => one.user_id)] };
}

/** A password that somebody else has issued: its user decides nothing until a third person has asked them. */
function password(one) {
  const confirms = one.replaced && waitsForMe({ roles: ["quality", "administrator"], not_by: [one.user_id, one.issued_by_user] });
  const about = [h("p", { class: "strong" }, `${one.full_name} (${one.user_id})`), h("p", {}, text("signatures.password_ask", { name: one.full_name }))];
  return h("article", { "data-key": `password-${one.user_id}`, class: "card information", "aria-label": one.full_name },
    h("h3", {}, text("signatures.password", { name: one.full_name })),
    h("p", {}, text(one.replaced ? "signatures.password_issued" : "signatures.password_not_yet", { name: one.full_name, issuer: one.issued_by })),
    confirms ? h("div", { class: "actions" }, h("button", {
      "data-key": "confirm", type: "button", class: "primary", disabled: !page.connected,
      onclick: () => askAndDo({
        name: "confirm_password", parameters: { user_id: one.user_id }, heading: text("signatures.password_confirm"), about,
        label: text("signatures.password_confirm"), meaning: text("signatures.password_meaning", { name: one.full_name }),
      }),
    }, text("signatures.password_confirm"))) : null);
}

function card(pending) {
  const left = until(pending.expires_at);
  const about = [h("p", { class: "strong" }, pending.title), h("p", {}, `${pending.asked_by}: ${pending.reason}`), what(pending), pending.signed.map((signature) => signed(signature))];
  return h("article", { "data-key": pending.pending_id, class: "card information", "aria-label": pending.title },
    h("h3", {}, `${word("act_title", pending.act)}: ${pending.title}`),
    h("p", {}, text("signatures.count", { given: pending.signed.length, count: pending.count, roles: pending.roles.map((role) => word("role", role)).join(", ") })),
    h("p", {}, text("signatures.asked", { name: pending.asked_by, at: time(pending.asked_at), reason: pending.reason })),
    what(pending),
    pending.signed.map((signature) => signed(signature)),
    h("p", { class: "quiet" }, left ? text("guidance.expires", { span: left }) : text("guidance.expired")),
    buttons(pending, about));
}

/** Return what is signed: the act, the facts that it rests on, and what stood beside it. */
function what(pending) {
  const pairs = [pending.parameters, pending.rests_on, pending.evidence].flatMap((part) => Object.entries(part));
  return facts(pairs.map(([name, value]) => [word("parameter", name), shown(name, value)]));
}

function shown(name, value) {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return text(value ? "shown.yes" : "shown.no");
  if (name === "from_ns") return time(new Date(value / 1e6).toISOString());
  if (typeof value === "number") return name === "coverage" ? share(value) : Number.isInteger(value) ? String(value) : measured(value);
  if (Array.isArray(value)) return value.map((one) => shown(name, one)).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => `${word("parameter", key)} ${shown(key, one) ?? "–"}`).join(" · ");
  if (/^[0-9a-f]{40,}$/.test(value)) return `${value.slice(0, LONGEST_ID)}…`;
  if (WORDS[name]) return word(WORDS[name], value);
  return name.startsWith("stage") ? word("stage", value) : String(value);
}

function buttons(pending, about) {
  const record = { record_id: pending.pending_id };
  const mine = pending.asked_by_user === page.me.user_id;
  const signs = may("sign_pending") && waitsForMe(signers(pending));
  return h("div", { class: "actions" },
    h("button", {
      "data-key": "sign", type: "button", class: signs ? "primary" : "quiet", disabled: !page.connected,
      onclick: () => askAndDo({
        name: "sign_pending", parameters: { ...record, sha256: pending.sha256 }, heading: text("signatures.sign_heading"), about, need: null,
        label: text("signatures.sign"), meaning: pending.meaning, stillOpen: () => standing(pending),
      }),
    }, text(signs ? "signatures.sign" : "signatures.sign_other")),
    signs || mine ? h("button", {
      "data-key": "end", type: "button", class: "quiet", disabled: !page.connected,
      onclick: () => askAndDo({
        name: "withdraw_pending", parameters: record, heading: text(mine ? "signatures.withdraw" : "signatures.reject"), about,
        label: text(mine ? "signatures.withdraw" : "signatures.reject"), danger: true, stillOpen: () => standing(pending),
      }),
    }, text(mine ? "signatures.withdraw" : "signatures.reject")) : null);
}

/** Whether an act still waits; another view that is open meanwhile says nothing of it. */
function standing(pending) {
  return !page.data?.waiting || page.data.waiting.some((one) => one.pending_id === pending.pending_id && one.signed.length === pending.signed.length);
}

function ended(acts) {
  return table(text("signatures.ended"), [text("signatures.what"), text("signatures.state"), text("signatures.why"), text("signatures.by"), text("signatures.at")],
    acts.map((one) => ({
      key: one.pending_id, level: "old",
      cells: [one.title, word("signing_state", one.state), one.state === "expired" ? time(one.why) : one.why || "–", one.asked_by, time(one.asked_at)],
    })));
}

function given(records) {
  return table(text("signatures.given"),
    [text("signatures.name"), text("signatures.role"), text("signatures.meaning"), text("signatures.at"), text("signatures.record"), text("signatures.export")],
    records.map(({ signature, record_kind: kind, record_id: id, signed_record_id: record, state }) => ({
      key: signature.signature_id,
      cells: [signature.full_name, word("role", signature.role), signature.meaning, utc(signature.signed_at),
        h("a", { href: `#/audit?query=${encodeURIComponent(id)}` }, `${word("act_title", kind)} ${id.length > 36 ? `${id.slice(0, LONGEST_ID)}…` : id}`),
        state === "done" ? h("a", { href: `/api/signatures/${encodeURIComponent(record)}/bundle`, download: "" }, text("signatures.download")) : word("signing_state", state)],
    })));
}
