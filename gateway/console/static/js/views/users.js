// Users, for administrators: who may act here, in which roles, how they sign in, and what an administrator does about it.

import { act, send } from "../api.js";
import { h } from "../dom.js";
import { ago, time } from "../format.js";
import { page } from "../page.js";
import { text, word } from "../texts.js";
import { reported } from "../parts/acts.js";
import { ask } from "../parts/dialog.js";
import { showLink } from "../parts/link.js";
import { empty, facts, section } from "../parts/states.js";
import { condition, symbol } from "../parts/symbols.js";

const ROLES = ["viewer", "operator", "supervisor", "quality", "engineer", "administrator"];
const FREE_FAILURES = 3;

export const users = {
  path: () => "/api/users",
  render: (view) => [
    h("h1", {}, text("nav.users")),
    h("div", { class: "actions" }, button("add", text("users.add"), add, "primary")),
    section("users", text("users.heading"), view.users.length === 0 ? empty("users.none") : view.users.map((user) => card(user))),
  ],
};

function card(user) {
  return h("article", { "data-key": user.user_id, class: "card", "aria-label": user.full_name },
    h("div", { class: "card-head" }, h("h3", {}, user.full_name), h("code", {}, user.user_id), state(user)),
    facts([[text("users.roles"), roles(user.roles)], [text("users.last"), user.last_sign_in_at ? `${time(user.last_sign_in_at)}, ${ago(user.last_sign_in_at)}` : text("users.never")],
      [text("users.sessions"), user.sessions], [text("users.password"), password(user)],
      [text("users.account"), user.os_user], [text("users.keys"), user.keys.length ? user.keys.map(({ label }) => label).join(", ") : null]]),
    h("div", { class: "actions" }, acts(user)));
}

function state(user) {
  if (user.disabled) return h("span", { class: "state" }, text("users.disabled"));
  if (user.locked) return condition(false, "", text("users.locked"));
  if (user.next_attempt_at) return condition(false, "", text("users.waits", { at: time(user.next_attempt_at) }));
  return h("span", { class: "badge normal" }, symbol("normal"), text("users.active"));
}

function password(user) {
  if (!user.has_password) return text("users.no_password");
  const first = user.must_change ? text("users.must_change") : text("users.own_password");
  return user.second_device ? `${first}, ${text("users.second_device")}` : first;
}

function acts(user) {
  const own = user.user_id === page.me.user_id;
  return [
    button("roles", text("users.change_roles"), () => change(user)),
    own ? null : button("link", text("users.link"), () => link(user)),
    own || user.failures < FREE_FAILURES ? null : button("unlock", text("users.unlock"), () => simple("unlock_user", user, "unlock")),
    own || user.sessions === 0 ? null : button("end", text("users.end"), () => simple("end_sessions", user, "end")),
    user.keys.map((key) => button(`key-${key.key_id}`, text("users.revoke", { label: key.label }), () => revoke(user, key))),
    user.disabled ? button("enable", text("users.enable"), () => simple("change_user", user, "enable", { disabled: false }))
      : own ? null : button("disable", text("users.disable"), () => simple("change_user", user, "disable", { disabled: true })),
  ];
}

function button(key, label, onclick, kind = "quiet") {
  return h("button", { "data-key": key, type: "button", class: kind, disabled: !page.connected, onclick }, label);
}

function add() {
  ask({
    heading: text("users.add"), label: text("users.add"), reason: "optional", about: [h("p", { class: "quiet" }, text("users.add_text"))],
    fields: [{ name: "user_id", label: text("users.id"), required: true, hint: text("set_up.user_hint") },
      { name: "full_name", label: text("set_up.full_name"), required: true, hint: text("set_up.name_hint") },
      roleField(["operator"]), { name: "os_user", label: text("users.account_optional"), hint: text("users.account_hint") }],
    confirm: (values, form) => done("add_user", { user_id: values.user_id.trim(), full_name: values.full_name, roles: chosen(form), os_user: values.os_user || null }, values.reason, text("users.added", { name: values.full_name })),
  });
}

function change(user) {
  ask({
    heading: text("users.change_roles"), label: text("users.save"), reason: "required", about: who(user), fields: [roleField(user.roles)],
    confirm: (values, form) => done("change_user", { user_id: user.user_id, roles: chosen(form) }, values.reason, `${text("users.change_roles")}: ${user.full_name}`),
  });
}

function simple(name, user, key, more = {}) {
  ask({
    heading: text(`users.${key}`), label: text(`users.${key}`), reason: "required", danger: key === "disable", about: [...who(user), h("p", {}, text(`users_effect.${key}`))],
    confirm: (values) => done(name, { user_id: user.user_id, ...more }, values.reason, `${text(`users.${key}`)}: ${user.full_name}`),
  });
}

function revoke(user, { key_id: key, label }) {
  ask({
    heading: text("users.revoke", { label }), label: text("users.revoke", { label }), reason: "required", danger: true, about: [...who(user), h("p", {}, text("users_effect.revoke"))],
    confirm: (values) => done("revoke_key", { key_id: key }, values.reason, text("users.revoke", { label })),
  });
}

function link(user) {
  ask({
    heading: text("users.link"), label: text("users.link"), reason: "required", about: [...who(user), h("p", {}, text("users_effect.link"))],
    fields: [{ name: "password", label: text("users.own"), type: "password", required: true, hint: text("users.own_hint") }, { name: "code", label: text("sign_in.code"), mode: "numeric" }],
    confirm: async ({ reason, password: secret, code }) => {
      try {
        const made = await send(`/api/users/${encodeURIComponent(user.user_id)}/password-link`, { reason, sign_in: { user: page.me.user_id, password: secret, code } });
        setTimeout(() => showLink(user, made), 0); // once the question has closed, so that the focus is there
        return reported({ outcome: "done", why: "", hint: "" }, `${text("users.link")}: ${user.full_name}`);
      } catch (refusal) {
        if (!refusal.why) throw refusal;
        return { outcome: "refused", why: refusal.why, hint: refusal.hint, details: {} };
      }
    },
  });
}

async function done(name, parameters, reason, about) {
  return reported(await act(name, parameters, { reason: reason ?? "" }), about);
}

function who(user) {
  return [h("p", { class: "strong" }, `${user.full_name} (${user.user_id})`)];
}

function roles(list) {
  return list.map((role) => word("role", role)).join(", ");
}

function roleField(now) {
  return { name: "roles", label: text("users.roles"), several: ROLES.map((role) => [role, word("role", role), now.includes(role)]) };
}

function chosen(form) {
  return new FormData(form).getAll("roles");
}
