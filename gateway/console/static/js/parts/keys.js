// The keyboard: digits open the views, A acknowledges the first guidance, / goes to the search. They can be switched
// off (WCAG 2.1.4), for people whose speech or switches type letters.

import { h, show } from "../dom.js";
import { may, page } from "../page.js";
import { text } from "../texts.js";

const NAME = "labline-keys";
/** The views, in the order of their keys. */
export const ORDER = ["now", "alarms", "lots", "samples", "models", "signatures", "audit", "health", "users", "search", "ask", "certificates"];

/** Listen for the keys. */
export function watchKeys() {
  addEventListener("keydown", (event) => {
    const busy = event.target.closest?.("input, textarea, select, dialog") || event.ctrlKey || event.altKey || event.metaKey;
    if (busy || !page.me || !isOn()) return;
    const view = ORDER.filter(isOpenTo)[Number(event.key) - 1];
    if (view) location.hash = `#/${view}`;
    else if (event.key === "a") focusFirst("#content .card.first button.primary");
    else if (event.key === "/") focusFirst("#content input[type=search]");
    else if (event.key === "?") openKeys();
    else return;
    event.preventDefault();
  });
}

/** Show what the keys do. */
export function openKeys() {
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "keys-heading" });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show(dialog, h("h2", { id: "keys-heading" }, text("keys.heading")),
    h("dl", { class: "facts" },
      ORDER.filter(isOpenTo).map((view, at) => h("div", {}, h("dt", {}, h("kbd", {}, String(at + 1))), h("dd", {}, text(`nav.${view}`)))),
      ["a", "/", "?"].map((key) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text(`keys.${{ a: "first", "/": "search", "?": "help" }[key]}`))))),
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: isOn(), onchange: (event) => keep(event.target.checked) }), text("keys.on")),
    h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, text("dialog.close"))));
  dialog.showModal();
}

/** Return whether the person who is signed in has a view: users are an administrator's, and some show all clients'. */
export function isOpenTo(view) {
  return !page.me?.closed_views.includes(view) && (view !== "users" || may("add_user"));
}

function focusFirst(selector) {
  const element = document.querySelector(selector);
  element?.focus();
  element?.scrollIntoView({ block: "nearest" });
}

function isOn() {
  try {
    return localStorage.getItem(NAME) !== "off";
  } catch {
    return true;
  }
}

function keep(on) {
  try {
    localStorage.setItem(NAME, on ? "on" : "off");
  } catch {
    // a browser that keeps nothing: the keys stay on
  }
}
