// An alarm after ISA-18.2: what is wrong, its two memories, what keeps it from calling, and what people can do about it.

import { h } from "../dom.js";
import { ago, limits, measured, span, time, unit, until } from "../format.js";
import { hasRole, may, page } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo, doNow } from "./acts.js";
import { severity } from "./symbols.js";

const SHELVES_SECONDS = [900, 1800, 3600, 7200, 14400, 28800];

/** Return each alarm that has called in a line, with what stands below it and the one act that takes it away. */
export function alarmLines(all) {
  return all.filter((one) => isHead(one)).map((one) => alarmLine(one, all));
}

function alarmLine(alarm, all) {
  const near = alarm.acts.find(({ act, roles }) => act.startsWith("acknowledge") && may(act) && hasRole(roles));
  return h("div", { "data-key": alarm.alarm_id, class: "alarm" }, severity(alarm.severity),
    h("div", { class: "alarm-text" }, h("p", { class: "strong" }, alarm.text), alarm.action ? h("p", {}, alarm.action) : null,
      h("p", { class: "quiet" }, [alarm.since_at ? ago(alarm.since_at) : null, ...memories(alarm), away(alarm)].filter(Boolean).join(" · ")),
      below(alarm, all, (one) => h("p", { "data-key": one.alarm_id }, h("span", { class: "strong" }, one.text), " ", one.action))),
    near ? button(alarm, near.act) : null);
}

/** Return whether an alarm has called by itself, and stands below no other one. */
export function isHead(alarm) {
  return alarm.group_id === null;
}

/** Return what stands below an alarm, which has called for it, too. */
function below(alarm, all, shown) {
  const parts = all.filter((one) => one.group_id === alarm.alarm_id);
  return parts.length === 0 ? null : h("div", { "data-key": "below", class: "below" }, h("p", { class: "quiet" }, text("alarm.below")), parts.map(shown));
}

/** Return one alarm as a card with all that can be done about it; `longest`: for how many seconds it may be shelved. */
export function alarmCard(alarm, longest, all) {
  const possible = alarm.acts.filter(({ act, roles }) => may(act) && hasRole(roles));
  const others = alarm.acts.filter((one) => !possible.includes(one));
  return h("article", { "data-key": alarm.alarm_id, class: `card ${alarm.suppressed ? "suppressed" : alarm.severity}`, "aria-label": alarm.text },
    h("div", { class: "card-head" }, severity(alarm.severity), h("span", { class: "state" }, word("alarm_state", alarm.state)),
      h("span", { class: "quiet" }, alarm.since_at ? `${time(alarm.since_at)}, ${ago(alarm.since_at)}` : "–"), h("span", { class: "quiet" }, word("role", alarm.position))),
    h("h3", {}, alarm.text),
    next(alarm),
    h("p", {}, memories(alarm).join(" · ")),
    values(alarm),
    away(alarm) ? h("p", { class: "strong" }, away(alarm)) : null,
    alarm.reason ? h("p", {}, [alarm.person, alarm.reason].filter(Boolean).join(": ")) : null,
    h("div", { class: "actions" }, possible.map(({ act }) => button(alarm, act, longest)),
      alarm.active && alarm.guidance_id ? h("a", { class: "button quiet", href: "#/now", "data-key": "guidance" }, text("alarm.guidance")) : null,
      alarm.material_lot_id ? h("a", { class: "button quiet", href: `#/lots/${encodeURIComponent(alarm.material_lot_id)}`, "data-key": "lot" }, alarm.material_lot_id) : null),
    others.length ? h("p", { class: "quiet" }, others.map(({ act, roles }) => text("alarm.who", { act: word("alarm_act", act), roles: roles.map((role) => word("role", role)).join(", ") })).join(" · ")) : null,
    h("p", { class: "quiet" }, h("a", { class: "trail", href: `#/audit?query=${encodeURIComponent(alarm.alarm_id)}` }, alarm.alarm_id)),
    below(alarm, all, (one) => alarmCard(one, longest, all)));
}

function next(alarm) {
  return alarm.action ? h("p", { class: "next" }, h("span", { class: "next-word" }, text("guidance.next")), " ", alarm.action) : null;
}

/** Return the two memories of an alarm in words: whether it stands, and whether somebody has seen it. */
function memories(alarm) {
  return [text(alarm.active ? "alarm.active" : "alarm.returned"), text(alarm.acknowledged ? "alarm.acknowledged" : "alarm.unacknowledged"),
    alarm.latched && alarm.active ? text("alarm.latched") : null].filter(Boolean);
}

/** Return why it calls nobody, and for how long still; null where it may call. */
function away(alarm) {
  if (!alarm.suppressed) return null;
  if (alarm.state !== "shelved") return word("alarm_state", alarm.state);
  return text("alarm.shelved", { until: time(alarm.shelved_until_at), span: until(alarm.shelved_until_at) ?? span(0) });
}

function values(alarm) {
  if (alarm.lowest === null && alarm.highest === null) return null;
  const { specification } = alarm;
  return h("p", { class: "alarm-values" }, text("alarm.range", { analyte: alarm.analyte ?? "", low: measured(alarm.lowest), high: measured(alarm.highest), unit: unit(alarm.unit) }),
    specification ? h("span", { class: "quiet" }, ` (${limits(specification.lower, specification.upper, alarm.unit)})`) : null);
}

function button(alarm, act, longest) {
  return h("button", { "data-key": act, type: "button", class: act.startsWith("acknowledge") && !alarm.suppressed ? "primary" : "quiet", disabled: !page.connected,
    onclick: () => begin(alarm, act, longest) }, word("alarm_act", act));
}

function begin(alarm, act, longest) {
  if (act === "acknowledge") return doNow(act, { alarm_id: alarm.alarm_id }, alarm.text, text("alarm.reason"));
  return askAndDo({
    name: act,
    parameters: ({ seconds }) => act === "acknowledge_alarm" ? { code: alarm.code } : { alarm_id: alarm.alarm_id, ...(act === "shelve" ? { seconds: Number(seconds) } : {}) },
    heading: text(`alarm_ask.${act}`), label: word("alarm_act", act),
    done: `${word("alarm_act", act)}: ${alarm.text}`,
    about: [h("p", { class: "strong" }, alarm.text), h("p", { class: "quiet" }, text(`alarm_effect.${act}`))],
    fields: act === "shelve" ? [{ name: "seconds", label: text("alarm.for"), options: SHELVES_SECONDS.filter((one) => one <= longest).map((one) => [one, span(one)]) }] : [],
    need: ["shelve", "take_out_of_service", "acknowledge_alarm"].includes(act) ? "required" : "optional",
  });
}
