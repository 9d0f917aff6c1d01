// Charts by uPlot: predictions with their interval against the specification, and control charts. The canvas takes its
// colours from the page's, so that light and dark hold there, too.

import uPlot from "/vendor/uplot/uPlot.esm.js";

import { measured } from "../format.js";
import { locale } from "../texts.js";

const HEIGHT = 200, SMALL_HEIGHT = 160, SMALL_WIDTH = 500;

/** Mount a trend of predictions: data of /api/trend. */
export function trend(element, data) {
  return chart(element, data, {
    columns: (view) => merged(view),
    options: (colours) => ({
      series: [
        {},
        { label: "high", stroke: colours.interval, width: 1, points: { show: false }, spanGaps: false },
        { label: "low", stroke: colours.interval, width: 1, points: { show: false }, spanGaps: false },
        { label: "value", stroke: colours.line, width: 2, points: { show: false }, spanGaps: false },
        { label: "result", paths: () => null, stroke: colours.line, points: { show: true, size: 9, width: 2, fill: colours.surface, stroke: colours.line } },
      ],
      bands: [{ series: [1, 2], fill: colours.band }],
    }),
    lines: (view) => specificationLines(view.specification),
  });
}

/** Mount a control chart: data of /api/charts. */
export function controlChart(element, data) {
  return chart(element, data, {
    columns: (view) => [
      view.points.map((_point, at) => at + 1),
      view.points.map((point) => point.value),
      view.points.map((point) => (point.rules.length > 0 ? point.value : null)),
      view.points.map((point) => (point.of_this_lot ? point.value : null)),
    ],
    options: (colours) => ({
      series: [
        {},
        { label: "value", stroke: colours.line, width: 1.5, points: { show: true, size: 6, fill: colours.line } },
        { label: "rule", paths: () => null, stroke: colours.abnormal, points: { show: true, size: 16, width: 3, fill: "transparent", stroke: colours.abnormal } },
        { label: "lot", paths: () => null, stroke: colours.line, points: { show: true, size: 11, fill: colours.line } },
      ],
      x: { time: false },
    }),
    lines: (view) => [
      ...specificationLines(view.specification),
      { value: view.centre, kind: "centre" }, { value: view.upper_limit, kind: "control" },
      { value: view.lower_limit, kind: "control", lower: true },
    ].filter((line) => line.value !== null),
  });
}

function chart(element, data, { columns, options, lines }) {
  let current = data, plot = null;
  const draw = () => {
    plot?.destroy();
    const colours = colourSet(element);
    plot = new uPlot(settings(element, () => lines(current), colours, options(colours)), columns(current), element);
  };
  const watcher = new ResizeObserver(() => plot?.setSize(size(element)));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  document.addEventListener("labline-theme", draw);
  draw();
  watcher.observe(element);
  return {
    update(next) {
      if (next === current) return;
      current = next;
      plot.setData(columns(next));
    },
    destroy() {
      watcher.disconnect();
      dark.removeEventListener("change", draw);
      document.removeEventListener("labline-theme", draw);
      plot.destroy();
    },
  };
}

function settings(element, lines, colours, { series, bands = [], x = { time: true } }) {
  const axis = { stroke: colours.text, grid: { stroke: colours.grid, width: 1 }, ticks: { stroke: colours.grid, width: 1 }, font: "14px sans-serif" };
  return {
    ...size(element), series, bands,
    legend: { show: false },
    cursor: { show: false },
    scales: { x, y: { range: (_plot, low, high) => around(low, high, lines()) } },
    axes: [
      { ...axis, values: x.time ? (_plot, marks) => marks.map((mark) => clock(mark, marks)) : undefined, space: 80 },
      { ...axis, size: 64, values: (_plot, marks) => marks.map((mark) => measured(mark)) },
    ],
    hooks: { draw: [(plot) => drawLines(plot, lines(), colours)] },
    padding: [10, 30, 0, 0],
  };
}

function size(element) {
  const width = Math.max(200, Math.floor(element.clientWidth));
  return { width, height: width < SMALL_WIDTH ? SMALL_HEIGHT : HEIGHT };
}

function around(low, high, lines) {
  const values = [low, high, ...lines.map((line) => line.value)].filter((value) => value !== null && Number.isFinite(value));
  if (values.length === 0) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = (most - least || 1) * 0.22; // room for the names of the limits
  return [least - margin, most + margin];
}

function drawLines(plot, lines, colours) {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.font = `${13 * devicePixelRatio}px sans-serif`;
  [ctx.textAlign, ctx.textBaseline] = ["left", "alphabetic"];
  for (const { value, kind, lower } of lines) {
    const y = plot.valToPos(value, "y", true);
    ctx.strokeStyle = kind === "specification" ? colours.limit : colours.interval;
    ctx.fillStyle = colours.text;
    ctx.lineWidth = (kind === "specification" ? 2 : 1) * devicePixelRatio;
    ctx.setLineDash(kind === "centre" ? [] : kind === "control" ? [3, 4] : [9, 5]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillText(measured(value), left + 6, lower ? y + 14 * devicePixelRatio : y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

function specificationLines(specification) {
  return [{ value: specification?.upper, lower: false }, { value: specification?.lower, lower: true }] // its name stands outside of each
    .filter(({ value }) => value !== null && value !== undefined)
    .map((line) => ({ ...line, kind: "specification" }));
}

/** Predictions and results in columns over the same instants. */
function merged(view) {
  const results = view.results.map((result) => ({ at: result.at, row: [null, null, null, result.value] }));
  const rows = view.at.map((at, index) => ({ at, row: [view.high[index], view.low[index], view.value[index], null] }));
  const known = new Map();
  for (const { at, row } of [...rows, ...results]) {
    const there = known.get(at);
    known.set(at, there ? there.map((value, index) => value ?? row[index]) : row);
  }
  const instants = [...known.keys()].sort((one, other) => one - other);
  // a result between two predictions must not break their line: it takes the value before it
  let last = [null, null, null];
  const filled = instants.map((at) => {
    const row = known.get(at);
    if (row[3] !== null && row[2] === null) return [...last, row[3]];
    last = row.slice(0, 3);
    return row;
  });
  return [instants, ...[0, 1, 2, 3].map((column) => filled.map((row) => row[column]))];
}

function clock(seconds, marks) {
  const within = marks.length > 1 && marks[1] - marks[0] < 60 ? { second: "2-digit" } : {};
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...within }).format(new Date(seconds * 1000));
}

function colourSet(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    line: colour("text"), text: colour("text-quiet"), grid: colour("line-quiet"), interval: colour("interval"),
    band: colour("band"), limit: colour("limit"), surface: colour("surface"), abnormal: colour("critical"),
  };
}
