// What a view shows where there is nothing to show: empty, loading, refused.

import { h } from "../dom.js";
import { text } from "../texts.js";

/** Return the sentence of an empty place. */
export function empty(key, parameters) {
  return h("p", { class: "empty" }, text(key, parameters));
}

/** Return what stands there until the first answer. */
export function loading() {
  return h("p", { class: "empty", "aria-busy": "true" }, text("state.loading"));
}

/** Return why there is nothing, and what to do. */
export function failed(refusal) {
  return h("div", { class: "failed", role: "alert" }, h("p", { class: "strong" }, refusal.why), h("p", {}, refusal.hint));
}

/** Return a part of a view under its heading. */
export function section(key, heading, ...children) {
  return h("section", { "data-key": key, "aria-labelledby": `h-${key}`, class: `part part-${key}` },
    h("h2", { id: `h-${key}` }, heading), ...children);
}

/** Return pairs of a name and a value, one below the other. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Return a table; each row is a list of cells. On a phone each row stands as a block with the names of its cells. */
export function table(caption, columns, rows) {
  return h("div", { class: "scroll" },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, rows.map(({ key, cells, level }) =>
        h("tr", { "data-key": key, class: level ? `row-${level}` : null },
          cells.map((cell, at) => h("td", { "data-label": columns[at] }, cell)))))));
}
