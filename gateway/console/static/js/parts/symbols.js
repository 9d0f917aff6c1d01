// What is abnormal has a shape and a word; the colour only repeats them. Normal is grey.

import { h, svg } from "../dom.js";
import { word } from "../texts.js";

const SHAPES = {
  critical: ["polygon", { points: "8,1 16,1 23,8 23,16 16,23 8,23 1,16 1,8" }],
  warning: ["polygon", { points: "12,2 23,22 1,22" }],
  information: ["circle", { cx: 12, cy: 12, r: 10 }],
  normal: ["circle", { cx: 12, cy: 12, r: 10 }],
};
const MARKS = { critical: "M12 6v7M12 16.5v2", warning: "M12 9v6M12 17.5v2", information: "M12 6v2M12 11v7", normal: "M7 12l4 4 6-8" };
const LEVEL_OF = {
  hold: "critical", review: "warning", release: "normal", pending: "information",
};

/** Return the drawn shape of a severity: octagon, triangle, circle with i, circle with tick. */
export function symbol(level) {
  const [name, attributes] = SHAPES[level] ?? SHAPES.information;
  return svg("svg", { class: `symbol ${level}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg(name, { ...attributes, class: "shape" }), svg("path", { d: MARKS[level] ?? MARKS.information, class: "mark" }));
}

/** Return shape and word of a severity. */
export function severity(level) {
  return h("span", { class: `badge ${level}` }, symbol(level), h("span", {}, word("severity", level)));
}

/** Return shape and word of what is recommended for a lot. */
export function recommendation(value) {
  if (!value) return h("span", { class: "badge none" }, "–");
  const level = LEVEL_OF[value] ?? "information";
  return h("span", { class: `badge ${level}` }, symbol(level), h("span", {}, word("recommendation", value)));
}

/** Return shape and word of something that is well or not. */
export function condition(good, goodWord, badWord, level = "warning") {
  const shown = good ? "normal" : level;
  return h("span", { class: `badge ${shown}` }, symbol(shown), h("span", {}, good ? goodWord : badWord));
}
