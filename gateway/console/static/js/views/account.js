// One's own account: where one is signed in, the password, the language of this terminal.

import { h, island } from "../dom.js";
import { ago, time } from "../format.js";
import { page } from "../page.js";
import { chooseLanguage, chosenLanguage, locale, text, word } from "../texts.js";
import { doNow } from "../parts/acts.js";
import { facts, section } from "../parts/states.js";
import { password } from "./doors.js";

const LANGUAGES = [["", "account.plant"], ["en", "account.en"], ["de", "account.de"]];

export const account = {
  path: () => "/api/account",
  render: (view) => [
    h("h1", {}, view.full_name),
    facts([[text("sign_in.user"), h("code", {}, view.user_id)], [text("users.roles"), view.roles.map((role) => word("role", role)).join(", ")]]),
    h("div", { class: "columns" },
      h("div", { class: "column", "data-key": "left" }, sessions(view), language()),
      h("div", { class: "column", "data-key": "right" }, island(`own-password-${locale()}`, {}, mount, null))),
  ],
};

function mount(element) {
  password(element, () => document.dispatchEvent(new CustomEvent("labline-begin")), { level: "h2", focus: false });
  return { update() {}, destroy() {} };
}

function sessions(view) {
  const others = view.sessions.filter((one) => !one.this).length;
  return section("sessions", text("account.sessions"),
    h("ul", { class: "plain" }, view.sessions.map((one) => h("li", { "data-key": one.opened_at }, one.this ? h("span", { class: "state" }, text("account.this")) : null,
      h("span", {}, text("account.session", { at: time(one.opened_at), used: ago(one.used_at) }))))),
    others ? h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", disabled: !page.connected,
      onclick: () => doNow("end_sessions", { user_id: view.user_id }, text("account.end_others"), text("account.end_others")) }, text("account.end_others"))) : null);
}

function language() {
  return section("language", text("account.language"),
    h("div", { class: "choices", role: "group", "aria-label": text("account.language") }, LANGUAGES.map(([value, key]) =>
      h("button", { "data-key": key, type: "button", class: value === chosenLanguage() ? "primary" : "quiet", "aria-pressed": String(value === chosenLanguage()),
        onclick: async () => { await chooseLanguage(value, page.start.language); document.dispatchEvent(new CustomEvent("labline-acted")); } }, text(key)))),
    h("p", { class: "quiet" }, text("account.language_text")));
}
