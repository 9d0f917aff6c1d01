// A search over a list, and older lines of it on request. What is searched for stands in the address.

import { h } from "../dom.js";
import { text } from "../texts.js";

/** Return the form; it leads to the view's address with the query. */
export function search(view, query, label) {
  const submit = (event) => {
    event.preventDefault();
    location.hash = `#/${view}?query=${encodeURIComponent(event.currentTarget.elements.query.value.trim())}`;
  };
  return h("form", { role: "search", class: "search", "data-key": "search", onsubmit: submit },
    h("label", { for: "search" }, label),
    h("input", { id: "search", name: "query", type: "search", value: query, autocomplete: "off", spellcheck: "false", maxlength: view === "search" ? 1000 : 200 }),
    h("button", { type: "submit", class: "primary" }, text("search.button")));
}

/** Return the button to older lines, where there are any. */
export function more(view) {
  if (view.before === null) return null;
  return h("button", { type: "button", class: "quiet", "data-key": "more", onclick: () => document.dispatchEvent(new CustomEvent("labline-more")) }, text("search.more"));
}
