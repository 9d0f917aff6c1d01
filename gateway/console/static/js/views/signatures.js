// Signatures: which acts wait for whom, and what was signed.

import { h } from "../dom.js";
import { time, until } from "../format.js";
import { hasRole, may, page } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { signed } from "../parts/guidance.js";
import { empty, facts, section, table } from "../parts/states.js";

export const signatures = {
  path: () => "/api/signatures",
  render: (view) => [
    h("h1", {}, text("nav.signatures")),
    section("waiting", text("signatures.waiting"), view.waiting.length === 0 ? empty("signatures.none") : view.waiting.map((pending) => card(pending))),
    section("given", text("signatures.given"), view.given.length === 0 ? empty("signatures.none_given") : table(text("signatures.given"),
      [text("signatures.name"), text("signatures.role"), text("signatures.meaning"), text("signatures.record"), text("signatures.at")],
      view.given.map(({ signature, record_kind: kind, record_id: id }) => ({
        key: signature.signature_id,
        cells: [signature.full_name, word("role", signature.role), signature.meaning, h("a", { href: `#/audit?query=${encodeURIComponent(id)}` }, `${word("record", kind)} ${id.slice(0, 8)}`), `${signature.signed_at.slice(0, 19).replace("T", " ")} UTC`],
      })))),
  ],
};

function card(pending) {
  const left = until(pending.expires_at);
  const record = { record_id: pending.pending_id };
  const about = [h("p", { class: "strong" }, pending.title), h("p", {}, `${pending.asked_by}: ${pending.reason}`), ...pending.signed.map((signature) => signed(signature))];
  return h("article", { "data-key": pending.pending_id, class: "card information" },
    h("h3", {}, pending.title),
    h("p", {}, text("signatures.count", { given: pending.signed.length, count: pending.count, roles: pending.roles.map((role) => word("role", role)).join(", ") })),
    h("p", {}, text("signatures.asked", { name: pending.asked_by, at: time(pending.asked_at), reason: pending.reason })),
    facts(Object.entries(pending.parameters).map(([name, value]) => [word("parameter", name), value])),
    pending.signed.map((signature) => signed(signature)),
    h("p", { class: "quiet" }, left ? text("guidance.expires", { span: left }) : text("guidance.expired")),
    h("div", { class: "actions" },
      may("sign_pending") && hasRole(pending.roles) ? h("button", {
        "data-key": "sign", type: "button", class: "primary", disabled: !page.connected,
        onclick: () => askAndDo({ name: "sign_pending", parameters: { ...record, sha256: pending.sha256 }, heading: text("signatures.sign_heading"), about, need: "optional", label: text("signatures.sign"), meaning: pending.title }),
      }, text("signatures.sign")) : h("p", { class: "quiet" }, text("guidance.needs", { roles: pending.roles.map((role) => word("role", role)).join(", ") })),
      may("withdraw_pending") && pending.asked_by === page.me.full_name ? h("button", {
        "data-key": "withdraw", type: "button", class: "quiet", disabled: !page.connected,
        onclick: () => askAndDo({ name: "withdraw_pending", parameters: record, heading: text("signatures.withdraw"), about, label: text("signatures.withdraw"), danger: true }),
      }, text("signatures.withdraw")) : null));
}
