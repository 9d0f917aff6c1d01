// The one-time link for a new password: shown once, for the administrator to hand over.

import { h, show } from "../dom.js";
import { time } from "../format.js";
import { text } from "../texts.js";

/** Show a link that was made for a user; it is kept nowhere. */
export function showLink(user, { fragment, valid_until_at: until }) {
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "link-heading" });
  const address = `${location.origin}/${fragment}`;
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show(dialog, h("h2", { id: "link-heading" }, text("users.link")), h("p", { class: "strong" }, user.full_name), h("p", {}, text("users.link_text", { until: time(until) })),
    h("div", { class: "field" }, h("label", { for: "one-time-link" }, text("users.link_address")), h("textarea", { id: "one-time-link", readonly: true, rows: 4, onfocus: (event) => event.target.select() }, address)),
    h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, text("dialog.close"))));
  dialog.showModal();
}
