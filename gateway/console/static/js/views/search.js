// Search: records of every kind by words and fields. What is searched for stands in the address.

import { h } from "../dom.js";
import { time } from "../format.js";
import { text } from "../texts.js";
import { empty } from "../parts/states.js";
import { search as form } from "../parts/search.js";

const KINDS = ["deviation", "action", "guidance", "settlement", "specification", "certificate", "lot", "result", "procedure"];
const OF_KIND = /(^|\s)kind:\S+/g;
const SHOWN = ["product", "analyte", "equipment", "supplier", "person"];

export const search = {
  path: (_parameters, query) => `/api/search?query=${encodeURIComponent(query)}`,
  render: (view, { query }) => [
    h("h1", {}, text("nav.search")),
    form("search", query, text("search.label")),
    h("p", { class: "quiet" }, text("search.how")),
    kinds(query),
    h("p", {}, h("a", { href: "#/actions" }, text("capa.all_actions")), " · ", h("a", { href: "#/suppliers" }, text("suppliers.heading"))),
    notes(view),
    view.findings.length === 0 ? empty(query ? "search.none" : "search.empty") : h("ol", { class: "findings" }, view.findings.map(finding)),
    view.findings.length === 0 ? null : exports_(query),
  ],
};

function kinds(query) {
  const rest = query.replace(OF_KIND, " ").replace(/\s+/g, " ").trim();
  const one = (kind) => {
    const wanted = kind ? `${rest} kind:${kind}`.trim() : rest;
    return h("a", { class: "button quiet", "data-key": kind || "all", href: `#/search?query=${encodeURIComponent(wanted)}`, "aria-current": wanted === query ? "true" : null },
      kind ? text(`search.kind.${kind}`) : text("search.all"));
  };
  return h("div", { class: "chips", "data-key": "kinds", role: "group", "aria-label": text("search.kinds") }, ["", ...KINDS].map(one));
}

function notes(view) {
  const { behind } = view;
  const lines = [
    ...view.problems.map((problem) => text(`search.problem.${problem}`)),
    view.any_word ? text("search.any_word") : null,
    behind.building ? text("search.building") : behind.lines > 0 ? text("search.behind", { lines: behind.lines }) : null,
    view.not_shown ? text("search.not_shown", { count: view.not_shown }) : null,
    behind.dropped ? text("search.dropped", { count: behind.dropped }) : null,
  ].filter(Boolean);
  return lines.length === 0 ? null : h("div", { class: "quiet", "data-key": "notes", role: "status" }, lines.map((line) => h("p", {}, line)));
}

function finding(one) {
  const title = one.link === null ? h("span", { class: "strong" }, one.title)
    : h("a", { href: one.link, target: one.link.startsWith("#") ? null : "_blank", rel: "noopener" }, one.title);
  const values = SHOWN.flatMap((name) => one.fields[name] ?? []).slice(0, 6).join(" · ");
  return h("li", { "data-key": `${one.kind} ${one.id}` },
    h("p", {}, h("span", { class: "state" }, text(`search.kind.${one.kind}`)), " ", title),
    h("p", {}, one.snippet),
    h("p", { class: "quiet" }, [one.at ? time(one.at) : null, values, one.client_id].filter(Boolean).join(" · ")));
}

function exports_(query) {
  const path = (form_) => `/api/search/export?query=${encodeURIComponent(query)}&format=${form_}`;
  return h("p", { class: "quiet", "data-key": "export" }, text("search.export"), " ",
    h("a", { href: path("csv"), download: "search-results.csv" }, "CSV"), " · ", h("a", { href: path("json"), download: "search-results.json" }, "JSON"));
}
