// Numbers and times as people of the plant write them: by Intl, in the page's language and the terminal's time zone.

import { locale, text } from "./texts.js";

const SIGNIFICANT_DIGITS = 5;
const UNITS = { degC: "°C", "degC/s": "°C/s", "mPa.s": "mPa·s", percent: "%", pH: "" };
const cache = new Map();

/** Return a number as it is read, or a dash. */
export function number(value, options = {}) {
  if (value === null || value === undefined) return "–";
  const key = `${locale()}${JSON.stringify(options)}`;
  if (!cache.has(key)) {
    cache.set(key, new Intl.NumberFormat(locale(), { maximumSignificantDigits: SIGNIFICANT_DIGITS, ...options }));
  }
  return cache.get(key).format(value).replace("-", "−");
}

/** Return a number to the digits that a value of this size is read in: 104.9, 7.02, 0.31. */
export function measured(value) {
  if (value === null || value === undefined) return "–";
  return withDigits(value, 0);
}

/** Return a number that is to be set, or was: to the digits that it is read in, and all that it has besides: 78.05. */
export function toBeSet(value) {
  if (value === null || value === undefined) return "–";
  return withDigits(value, 3);
}

function withDigits(value, more) {
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 20 ? 1 : size >= 1 ? 2 : 3;
  return number(value, { maximumSignificantDigits: undefined, minimumFractionDigits: digits, maximumFractionDigits: digits + more });
}

/** Return a value as the laboratory has written it, with the digits that it gave; only the point is the language's. */
export function asWritten(value) {
  if (!/^[<>]?\s?-?\d+\.\d+$/.test(value)) return value;
  return value.replace(".", number(1.5).charAt(1));
}

/** Return a unit as screens write it. */
export function unit(name) {
  return name ? (UNITS[name] ?? name) : "";
}

/** Return a value with its unit. */
export function withUnit(value, name) {
  return [measured(value), unit(name)].filter(Boolean).join("\u00a0");
}

/** Return limits on one line: "95 to 105 mPa·s". */
export function limits(lower, upper, name) {
  if (lower === null && upper === null) return text("limits.none");
  const shown = unit(name);
  const tail = shown ? `\u00a0${shown}` : "";
  if (lower === null) return text("limits.upper", { upper: number(upper) }) + tail;
  if (upper === null) return text("limits.lower", { lower: number(lower) }) + tail;
  return text("limits.both", { lower: number(lower), upper: number(upper) }) + tail;
}

/** Return a share of 1 as a percentage. */
export function share(value) {
  return number(value, { style: "percent", maximumSignificantDigits: 3 });
}

/** Return the time of day, with the date where it is another day. */
export function time(instant) {
  if (!instant) return "–";
  const at = new Date(instant);
  const today = at.toDateString() === new Date().toDateString();
  const style = { timeStyle: "medium", hourCycle: "h23", ...(today ? {} : { dateStyle: "medium" }) };
  return new Intl.DateTimeFormat(locale(), style).format(at);
}

/** Return date and time in UTC, as signatures show it. */
export function utc(instant) {
  return `${String(instant).slice(0, 19).replace("T", " ")} UTC`;
}

/** Return a span of time in its largest unit: "12 s", "5 min", "3 h". */
export function span(seconds) {
  const size = Math.max(0, Math.round(seconds));
  if (size < 90) return text("span.seconds", { count: size });
  if (size < 5400) return text("span.minutes", { count: Math.round(size / 60) });
  if (size < 172800) return text("span.hours", { count: Math.round(size / 3600) });
  return text("span.days", { count: Math.round(size / 86400) });
}

/** Return how long ago an instant was. */
export function ago(instant) {
  return text("span.ago", { span: span((Date.now() - Date.parse(instant)) / 1000) });
}

/** Return how long it is until an instant; null where it has passed. */
export function until(instant) {
  const seconds = (Date.parse(instant) - Date.now()) / 1000;
  return seconds > 0 ? span(seconds) : null;
}
