// Audit: search the trail, trace an id, verify the chain.

import { read } from "../api.js";
import { h } from "../dom.js";
import { time } from "../format.js";
import { seesAll } from "../page.js";
import { text, word } from "../texts.js";
import { empty, table } from "../parts/states.js";
import { condition } from "../parts/symbols.js";
import { more, search } from "../parts/search.js";

const LONGEST_BODY = 160;
const extra = { verified: null, trace: null, busy: false };

export const audit = {
  path: (_parameters, query) => `/api/audit?query=${encodeURIComponent(query)}`,
  render: (view, { query }) => [
    h("h1", {}, text("nav.audit")),
    search("audit", query, text("audit.search")),
    seesAll() ? h("div", { class: "actions", "data-key": "acts" },
      h("button", { "data-key": "verify", type: "button", class: "quiet", disabled: extra.busy, onclick: () => ask("verified", "/api/audit/verify") }, text("audit.verify")),
      query ? h("button", { "data-key": "trace", type: "button", class: "quiet", disabled: extra.busy, onclick: () => ask("trace", `/api/audit/trace/${encodeURIComponent(query)}`) }, text("audit.trace", { id: query })) : null) : null,
    verified(), traced(query),
    view.lines.length === 0 ? empty("audit.none") : table(text("nav.audit"),
      [text("audit.number"), text("audit.at"), text("audit.kind"), text("audit.subject"), text("audit.person"), text("audit.body")],
      view.lines.map((line) => ({ key: String(line.seq), cells: [String(line.seq), time(line.at), word("audit_kind", line.kind), subject(line.subject), line.person ? h("span", { class: "trail" }, line.person) : text("audit.gateway"), body(line)] }))),
    more(view),
  ],
};

async function ask(name, path) {
  extra.busy = true;
  extra[name] = await read(path, { longWork: true }).catch((refusal) => ({ refusal }));
  extra.busy = false;
  document.dispatchEvent(new CustomEvent("labline-acted"));
}

function verified() {
  const answer = extra.verified;
  if (!answer) return null;
  if (answer.refusal) return h("p", { class: "failed" }, answer.refusal.why);
  return h("div", { class: "part", "data-key": "verified", role: "status" },
    condition(answer.holds, text("audit.holds"), text("audit.broken"), "critical"),
    h("p", {}, text("audit.verified", { count: answer.lines, at: time(answer.at) })),
    answer.head ? h("p", {}, text("audit.head"), " ", h("code", {}, answer.head)) : null,
    answer.problems.length ? h("ul", {}, answer.problems.map((problem) => h("li", {}, problem))) : null);
}

function traced(query) {
  const answer = extra.trace;
  if (!answer || (answer.id && answer.id !== query)) return null;
  if (answer.refusal) return h("p", { class: "failed" }, answer.refusal.why);
  return h("div", { class: "part", "data-key": "trace" }, h("h2", {}, text("audit.traced", { id: answer.id })),
    answer.trees.length === 0 ? empty("audit.none") : h("ul", { class: "tree" }, answer.trees.map((tree) => branch(tree))));
}

function branch({ kind, id, details, leads_to: children = [] }) {
  return h("li", {}, h("span", { class: "strong" }, word("record", kind ?? "")), " ", h("code", {}, id ?? ""), details ? h("span", { class: "quiet" }, ` ${short(details)}`) : null,
    children.length ? h("ul", {}, children.map((child) => branch(child))) : null);
}

function subject(value) {
  return h("a", { class: "trail", href: `#/audit?query=${encodeURIComponent(value)}` }, value);
}

function body(line) {
  return h("details", { "data-key": `body-${line.seq}` }, h("summary", {}, line.body.reason ? String(line.body.reason).slice(0, LONGEST_BODY) : text("audit.details")),
    h("pre", {}, JSON.stringify(line.body, null, 1)), h("p", { class: "quiet" }, h("code", {}, line.hash)));
}

function short(details) {
  const shown = typeof details === "string" ? details : JSON.stringify(details);
  return shown.length > LONGEST_BODY ? `${shown.slice(0, LONGEST_BODY)}…` : shown;
}
