// A value on one line with its limits: where it stands between them is seen before it is read.

import { h, svg } from "../dom.js";
import { measured, number, unit } from "../format.js";
import { text } from "../texts.js";

const WIDTH = 400, HEIGHT = 44, MIDDLE = 22;

/**
 * Return a bar of a range with marks. `low` and `high` are limits (null: none on that side); `marks`: value, kind
 * (current, proposed, target); `interval`: [low, high] of a prediction.
 */
export function range({ low, high, marks, interval = null, label }) {
  const known = [low, high, ...marks.map((mark) => mark.value), ...(interval ?? [])].filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return null;
  let [from, to] = [Math.min(...known), Math.max(...known)];
  const margin = (to - from || 1) * 0.12;
  [from, to] = [from - margin, to + margin];
  const x = (value) => ((value - from) / (to - from)) * WIDTH;
  const inside = [low === null ? 0 : x(low), high === null ? WIDTH : x(high)];
  return svg("svg", { class: "range", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, preserveAspectRatio: "none" },
    svg("rect", { class: "range-outside", x: 0, y: MIDDLE - 8, width: WIDTH, height: 16 }),
    svg("rect", { class: "range-inside", x: inside[0], y: MIDDLE - 8, width: Math.max(0, inside[1] - inside[0]), height: 16 }),
    [low, high].map((limit) => (limit === null ? null : svg("line", { class: "range-limit", x1: x(limit), x2: x(limit), y1: 6, y2: HEIGHT - 6 }))),
    interval ? svg("line", { class: "range-interval", x1: x(interval[0]), x2: x(interval[1]), y1: MIDDLE, y2: MIDDLE }) : null,
    marks.map((mark) => drawn(mark, x, { low, high })));
}

/** Return the limits below a bar, each at its end. */
export function ends(low, high, name) {
  return h("div", { class: "ends" },
    h("span", {}, low === null ? "" : `${text("range.min")} ${number(low)}`),
    h("span", {}, high === null ? "" : `${text("range.max")} ${number(high)} ${unit(name)}`));
}

/** Return a large number with its unit, and beside it the limits. */
export function reading(value, name, beside, level = "normal") {
  return h("p", { class: `reading ${level}` },
    h("span", { class: "value" }, measured(value)), h("span", { class: "unit" }, unit(name)),
    h("span", { class: "beside" }, beside));
}

/** Whether a value is outside its limits. */
export function outside(value, low, high) {
  return value !== null && value !== undefined && ((low !== null && value < low) || (high !== null && value > high));
}

function drawn({ value, kind }, x, { low, high }) {
  if (value === null || value === undefined) return null;
  const at = x(value);
  const level = outside(value, low, high) ? "abnormal" : "";
  if (kind === "target") return svg("line", { class: "range-target", x1: at, x2: at, y1: MIDDLE - 8, y2: MIDDLE + 8 });
  if (kind === "proposed") return svg("path", { class: "range-proposed", d: `M${at} ${MIDDLE + 9}l9 12h-18z` });
  return svg("path", { class: `range-current ${level}`, d: `M${at} ${MIDDLE - 9}l-9 -12h18zM${at - 2} ${MIDDLE - 9}h4v18h-4z` });
}
