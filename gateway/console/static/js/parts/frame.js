// What stands above every view: the line, the way to the views, the connection, and the one line of the highest alarm.

import { h } from "../dom.js";
import { ago, time } from "../format.js";
import { may, page, seesAll } from "../page.js";
import { askAndDo } from "./acts.js";
import { text } from "../texts.js";
import { ORDER, isOpenTo, openKeys } from "./keys.js";
import { severity, symbol } from "./symbols.js";
import { nextTheme } from "./theme.js";

const STALE_MS = 5000;

/** Return the line at the top. */
export function top({ signOut }) {
  const { me } = page;
  const inside = me && !me.must_change_password; // before, nothing is heard of the gateway and no view opens
  return [
    h("div", { class: "bar", "data-key": "bar" },
      h("span", { class: "line-name" }, (page.start?.line ?? "Labline").replaceAll("/", "/\u200b")),
      inside ? link() : null,
      h("span", { class: "spring" }),
      me ? h("button", { "data-key": "menu", type: "button", class: "quiet menu-button", "aria-expanded": String(page.menuOpen), "aria-controls": "nav", onclick: () => { page.menuOpen = !page.menuOpen; document.dispatchEvent(new CustomEvent("labline-menu")); } }, text("nav.menu")) : null,
      h("div", { class: `tools${page.menuOpen ? " open" : ""}`, "data-key": "tools" },
        me ? h("a", { class: "button quiet", href: "#/account", "data-key": "account" }, me.full_name) : null,
        h("button", { "data-key": "theme", type: "button", class: "quiet", onclick: nextTheme }, text("theme.button")),
        me ? h("button", { "data-key": "keys", type: "button", class: "quiet", onclick: openKeys }, text("keys.button")) : null,
        me ? h("button", { "data-key": "out", type: "button", class: "quiet", onclick: signOut }, text("sign_in.out")) : null)),
    inside ? navigation() : null,
  ];
}

function navigation() {
  const open = { lot: "lots", certificate: "certificates", deviation: "search", actions: "search", suppliers: "search" }[page.route.name] ?? page.route.name;
  const count = { now: page.now?.guidance.length, alarms: page.now?.alarms_calling, signatures: page.now?.waiting.filter(waitsForMe).length };
  return h("nav", { id: "nav", "data-key": "nav", class: page.menuOpen ? "open" : null, "aria-label": text("nav.label") }, ORDER.filter(isOpenTo).map((name) =>
    h("a", { "data-key": name, href: `#/${name}`, "aria-current": name === open ? "page" : null }, text(`nav.${name}`), count[name] ? h("span", { class: "count" }, String(count[name])) : null)));
}

function link() {
  return h("span", { class: "link", "data-key": "link" },
    symbol(page.connected ? "normal" : "critical"), page.connected ? text("connection.up") : text("connection.down"));
}

/** Return the alarm that the gateway cannot be heard, or nothing. */
export function connection() {
  if (page.connected) return null;
  if (page.lostAt === null) return h("p", { class: "connecting" }, text("connection.connecting"));
  return h("div", { class: "connection-lost" }, symbol("critical"), h("div", {}, h("p", { class: "strong" }, text("connection.lost")),
    h("p", {}, text("connection.old", { at: time(page.nowAt || page.lostAt) }))));
}

/** Whether an act waits for a signature of the person who is signed in. */
export function waitsForMe({ roles, not_by: others }) {
  return roles.some((role) => page.me?.roles.includes(role)) && !others.includes(page.me?.user_id);
}

/** Return what stands above every view: the one line of the highest open alarm, and whether writing is stopped. */
export function banner() {
  if (!page.now) return null;
  return [h("div", { class: "banner-row", "data-key": "row" }, highestAlarm(page.now), stopButton(page.now)), stopped(page.now)];
}

/** The stop is one touch and its confirmation, from every view: whoever sees a danger stops. */
function stopButton(view) {
  const writes = Object.values(view.stages).some((stage) => stage === "approve" || stage === "automatic") || view.setpoints.some((one) => one.write);
  if (!writes || view.writes_stopped || !may("stop_writes")) return null;
  return h("button", {
    "data-key": "stop", type: "button", class: "stop", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "stop_writes", parameters: {}, heading: text("stop.heading"), about: [h("p", {}, text("stop.about"))], label: text("stop.confirm"),
      need: "optional", otherwise: text("stop.reason"), danger: true, ready: true, stillOpen: () => !page.now?.writes_stopped, done: text("stop.stopped"),
    }),
  }, text("stop.button"));
}

function stopped({ writes_stopped: stop }) {
  if (!stop) return null;
  const resume = may("resume_writes") ? h("button", {
    "data-key": "resume", type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "resume_writes", parameters: { stopped_at: stop.at }, heading: text("stop.resume_heading"), label: text("stop.resume"), done: text("stop.resume"),
      about: [h("p", {}, text("stop.line", { name: stop.person, at: time(stop.at), reason: stop.reason }))], stillOpen: () => page.now?.writes_stopped?.at === stop.at,
    }),
  }, text("stop.resume")) : h("span", { class: "quiet" }, text("stop.who"));
  return h("div", { class: "stopped", "data-key": "stopped" }, symbol("critical"),
    h("div", { class: "stopped-text" }, h("p", { class: "strong" }, text("stop.stopped")), h("p", {}, text("stop.line", { name: stop.person, at: time(stop.at), reason: stop.reason }))),
    resume);
}

function highestAlarm(view) {
  const { banner: highest } = view;
  if (!highest) return h("div", { class: "banner normal", "data-key": "calm" }, symbol("normal"), h("span", {}, text("banner.none")));
  const target = highest.guidance_id ? "#/now" : "#/alarms";
  return h("a", { class: `banner ${highest.severity}`, href: target, "data-key": "alarm" }, severity(highest.severity),
    h("span", { class: "banner-text" }, highest.text), h("span", { class: "banner-since" }, highest.since_at ? ago(highest.since_at) : ""),
    highest.more ? h("span", { class: "count" }, text("banner.more", { count: highest.more })) : null);
}

/** Return the line of the last act and of the age of what is shown; it is always there, so that it moves nothing. */
export function lastAct() {
  const old = page.now && Date.now() - page.nowAt > STALE_MS * 6 && page.connected;
  return h("p", { class: `last-act${page.last?.level === "warning" ? " refused" : ""}` },
    page.last ? [page.last.level === "warning" ? symbol("warning") : null, `${time(page.last.at)} ${page.last.text}`] : text("act.none"),
    seesAll() ? null : h("span", { class: "quiet", "data-key": "sight" }, ` · ${text("sight.limited")}`),
    old ? h("span", { class: "quiet" }, ` · ${text("connection.unchanged", { at: time(page.nowAt) })}`) : null);
}
