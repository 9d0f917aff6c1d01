// Signing in, the first start, and one's own password.

import { keepToken, send } from "../api.js";
import { h, show } from "../dom.js";
import { page } from "../page.js";
import { text } from "../texts.js";
import { input } from "../parts/dialog.js";

const FEWEST_CHARACTERS = 12;
const door = { refusal: null, busy: false };

/** Return the form to sign in; `entered(me)` is called with who it is. */
export function signIn(target, entered, notice = null) {
  return form(target, {
    heading: text("sign_in.heading"), notice, label: text("sign_in.button"), entered,
    fields: () => [input({ name: "user", label: text("sign_in.user"), required: true, complete: "username" }),
      input({ name: "password", label: text("sign_in.password"), type: "password", required: true, complete: "current-password" }),
      input({ name: "code", label: text("sign_in.code"), mode: "numeric", complete: "one-time-code" })],
    ask: (values) => send("/session", { user: values.user, password: values.password, code: values.code }),
  });
}

/** Return the form that makes the first administrator by the one-time link. */
export function setUp(target, link, entered) {
  return form(target, {
    heading: text("set_up.heading"), notice: link ? text("set_up.text") : text("set_up.no_link"), label: text("set_up.button"), entered,
    fields: () => [input({ name: "user", label: text("sign_in.user"), required: true, complete: "username", hint: text("set_up.user_hint") }),
      input({ name: "full_name", label: text("set_up.full_name"), required: true, complete: "name", hint: text("set_up.name_hint") }),
      ...passwordFields()],
    ask: (values) => twice(values, () => send("/setup", { link, user_id: values.user, full_name: values.full_name, password: values.password })),
  });
}

/** Return the form to change one's own password; it ends the sessions of the user. */
export function password(target, entered, { level = "h1", focus = true } = {}) {
  return form(target, {
    level, focus,
    heading: text("password.heading"), notice: page.me.must_change_password ? text("password.must") : text("password.text"), label: text("password.button"), entered,
    fields: () => [input({ name: "old", label: text("password.old"), type: "password", required: true, complete: "current-password" }),
      input({ name: "code", label: text("sign_in.code"), mode: "numeric", complete: "one-time-code" }), ...passwordFields()],
    ask: (values) => twice(values, () => send("/api/password", { password: values.password, sign_in: { user: page.me.user_id, password: values.old, code: values.code } })),
  });
}

/** Return the form by which a one-time link gives its user a password of their own; `link`: user~secret. */
export function passwordByLink(target, link, entered) {
  const at = link.indexOf("~");
  const [user, secret] = [link.slice(0, at), link.slice(at + 1)];
  return form(target, {
    heading: text("password.heading"), notice: text("password.by_link", { user }), label: text("password.button"), entered,
    fields: () => [input({ name: "code", label: text("sign_in.code"), mode: "numeric", complete: "one-time-code" }), ...passwordFields()],
    ask: (values) => twice(values, async () => {
      const me = await send("/session", { user, password: secret, code: values.code });
      keepToken(me.csrf_token);
      return send("/api/password", { password: values.password, sign_in: { user, password: secret, code: values.code } });
    }),
  });
}

/** Sign in by the demo's link. */
export function byLink(link) {
  return send("/session/link", { link });
}

function form(target, { level = "h1", focus = true, heading, notice, fields, label, ask, entered }) {
  door.refusal = null;
  const draw = () => show(target, h("div", { class: "door", "data-key": `door-${heading}` }, // of its own: no field takes over what was typed at another door
     h(level, {}, heading), notice ? h("p", {}, notice) : null,
    h("form", { onsubmit: submit }, fields(),
      door.refusal ? h("div", { class: "failed", role: "alert" }, h("p", { class: "strong" }, door.refusal.why), h("p", {}, door.refusal.hint)) : null,
      h("div", { class: "actions" }, h("button", { type: "submit", class: "primary", disabled: door.busy }, door.busy ? text("dialog.busy") : label)))));
  const submit = async (event) => {
    event.preventDefault();
    if (door.busy) return;
    const values = Object.fromEntries(new FormData(event.currentTarget));
    door.busy = true;
    draw();
    try {
      const answer = await ask(values);
      door.refusal = answer?.outcome && answer.outcome !== "done" ? answer : null;
      if (!door.refusal) {
        if (answer?.csrf_token) keepToken(answer.csrf_token);
        door.busy = false;
        entered(answer);
        return;
      }
    } catch (refusal) {
      if (!refusal.why) throw refusal;
      door.refusal = refusal;
    }
    door.busy = false;
    for (const field of target.querySelectorAll("input[type=password]")) field.value = "";
    draw();
  };
  draw();
  if (focus) target.querySelector("input")?.focus();
}

function passwordFields() {
  return [input({ name: "password", label: text("password.new"), type: "password", required: true, complete: "new-password", hint: text("password.hint", { count: FEWEST_CHARACTERS }) }),
    input({ name: "again", label: text("password.again"), type: "password", required: true, complete: "new-password" })];
}

async function twice(values, next) {
  if (values.password !== values.again) return { outcome: "refused", why: text("password.differ"), hint: text("password.differ_hint") };
  return next();
}
