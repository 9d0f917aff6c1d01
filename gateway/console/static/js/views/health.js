// Health: connections, buffers, the clock, certificates, alarms and their figures.

import { h } from "../dom.js";
import { number, time } from "../format.js";
import { text, word } from "../texts.js";
import { empty, facts, section, table } from "../parts/states.js";
import { condition } from "../parts/symbols.js";
import { alarmLines } from "../parts/alarms.js";

const FEW_DAYS = 30, SIZES = ["B", "KiB", "MiB", "GiB", "TiB"];

export const health = {
  path: () => "/api/health",
  render: (view) => [
    h("h1", {}, text("nav.health")),
    h("div", { class: "columns" },
      h("div", { class: "column", "data-key": "left" }, connections(view),
        section("alarms", text("now.alarms"), view.alarms.length === 0 ? empty("health.no_alarm") : alarmLines(view.alarms)), tags(view), certificates(view)),
      h("div", { class: "column", "data-key": "right" }, figures("buffer", view.buffer), figures("disk", view.disk), figures("alarm_figures", view.alarm_figures), figures("console", view.console),
        section("version", text("health.version"), facts([[text("health.line"), view.line], [text("health.version"), view.version], [text("health.at"), time(view.at)]])))),
  ],
};

function connections(view) {
  return section("connections", text("health.connections"), view.connections.length === 0 ? empty("health.no_connection") : table(text("health.connections"),
    [text("health.name"), text("health.state"), text("health.why"), text("health.clock")],
    view.connections.map((one) => ({ key: one.name, cells: [one.name, condition(one.connected, text("health.connected"), text("health.disconnected")), one.why ? technical(one.why) : "–",
      one.skew_seconds === null ? "–" : `${number(one.skew_seconds, { maximumSignificantDigits: 3, signDisplay: "exceptZero" })} s`] }))));
}

/** A cause as the program words it for its log and the status, in English whatever the plant's language. */
function technical(cause) {
  return h("span", { class: "as-written", lang: "en" }, cause);
}

function figures(name, list) {
  return section(name, text(`health.${name}`), list.length === 0 ? empty("health.no_figure") : facts(list.map((one) => [nameOf(one.name), figure(one)])));
}

/** Return a figure's name; it may speak of a position, an alarm, a priority or a system: "per_10_minutes (operator)", "top: R1/ph". */
function nameOf(name) {
  const [, load, position] = /^(.+) \((.+)\)$/.exec(name) ?? [];
  if (position) return `${word("figure", load)} (${word("role", position)})`;
  const [, alarm] = /^top: (.+)$/.exec(name) ?? [];
  if (alarm) return text("figure.top", { alarm });
  const [, state, system] = /^delivery (waiting|refused): (.+)$/.exec(name) ?? [];
  if (state) return text(`figure.delivery_${state}`, { system });
  const [, severity, standard] = /^priority: (.+), standard (.+)$/.exec(name) ?? [];
  return severity ? text("figure.priority", { severity: word("severity", severity), standard }) : word("figure", name);
}

function figure({ value, unit }) {
  if (unit === "bytes") return size(value);
  if (unit === "share") return number(value, { style: "percent", maximumFractionDigits: 1 });
  if (!unit) return number(value);
  return `${number(value)} ${value === 1 ? word("unit_of_one", unit) : word("unit", unit)}`;
}

/** Return a number of bytes in the largest unit that leaves at least one of it. */
function size(value) {
  const power = value < 1 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log2(value) / 10));
  return `${number(value / 2 ** (10 * power), { maximumSignificantDigits: 3 })} ${SIZES[power]}`;
}

function tags(view) {
  const names = Object.keys(view.tags);
  if (names.length === 0) return null;
  return section("tags", text("health.tags"), table(text("health.tags"), [text("health.name"), text("health.why")], names.map((name) => ({ key: name, cells: [name, technical(view.tags[name])] }))));
}

function certificates(view) {
  return section("certificates", text("health.certificates"), view.certificates.length === 0 ? empty("health.no_certificate") : table(text("health.certificates"),
    [text("health.name"), text("health.subject"), text("health.expires"), text("health.state")],
    view.certificates.map((one) => ({ key: one.name, cells: [one.name, one.subject, time(one.expires_at), condition(one.days_left > FEW_DAYS, text("health.days", { count: one.days_left }), text("health.days", { count: one.days_left }))] }))));
}
