// The laboratory's coming days: what each probably brings, with its interval, beside what can be done.

import { h, svg } from "../dom.js";
import { number, time } from "../format.js";
import { locale, text } from "../texts.js";
import { may, page } from "../page.js";
import { askAndDo } from "./acts.js";
import { empty, table } from "./states.js";

const WIDTH = 720, HEIGHT = 210, BASE = 150, TOP = 14, SHOWN_DAYS = 10;

/** Return the plan with its chart, its conflicts, and the button to approve it. */
export function load({ planned, plan }) {
  if (plan === null) return planned ? empty("load.none") : null;
  const days = plan.days.filter((day) => day.works);
  return h("section", { "data-key": "load", class: "part" },
    h("h2", {}, text("load.heading")),
    h("p", { class: plan.approved_by ? "strong" : "" }, plan.approved_by ? text("load.approved", { person: plan.approved_by }) : text("load.proposed"),
      " ", h("span", { class: "quiet" }, text("load.from", { at: time(plan.at), days: plan.history_days, lots: plan.lots, orders: plan.planned_orders }))),
    chart(days, plan.conflicts),
    h("p", { class: "quiet" }, text("load.legend")),
    tooMuch(plan),
    approveButton(plan),
    table(text("load.heading"), [text("load.day"), text("load.tests"), text("load.interval"), text("load.samples"), text("load.capacity")],
      days.slice(0, SHOWN_DAYS).map((day) => ({
        key: day.day,
        cells: [named(day.day), number(Math.round(day.tests)), `${number(day.tests_low)} – ${number(day.tests_high)}`, number(Math.round(day.samples)), number(day.capacity)],
      }))));
}

function chart(days, conflicts) {
  const most = Math.max(1, ...days.map((day) => Math.max(day.tests_high, day.capacity ?? 0)));
  const y = (value) => BASE - ((BASE - TOP) * value) / most;
  const step = WIDTH / Math.max(days.length, 1);
  return svg("svg", { class: "load-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": text("load.chart", { most: number(most) }) },
    svg("line", { class: "load-base", x1: 0, x2: WIDTH, y1: BASE, y2: BASE }),
    days.map((day, at) => {
      const left = at * step, middle = left + step / 2;
      const over = conflicts.some((conflict) => conflict.day <= day.day && day.day <= conflict.until);
      return svg("g", { "data-key": day.day },
        svg("title", {}, text("load.of_day", { day: named(day.day), tests: number(Math.round(day.tests)), low: number(day.tests_low), high: number(day.tests_high) })),
        svg("rect", { class: over ? "load-bar over" : "load-bar", x: left + step * 0.2, y: y(day.tests), width: step * 0.6, height: BASE - y(day.tests) }),
        svg("line", { class: "load-range", x1: middle, x2: middle, y1: y(day.tests_low), y2: y(day.tests_high) }),
        day.capacity === null ? null : svg("line", { class: "load-capacity", x1: left, x2: left + step, y1: y(day.capacity), y2: y(day.capacity) }),
        svg("text", { class: "load-label load-value", x: middle, y: BASE + 24 }, number(Math.round(day.tests))),
        at % 5 === 0 ? svg("text", { class: "load-label", x: left + 2, y: HEIGHT - 8 }, named(day.day)) : null);
    }),
    capacityLabel(days, y));
}

/** Return what can be done on a day, written at its line. */
function capacityLabel(days, y) {
  const first = days.find((day) => day.capacity !== null);
  return first ? svg("text", { class: "load-label", x: 2, y: y(first.capacity) - 6 }, `${text("load.capacity")}: ${number(first.capacity)}`) : null;
}

function tooMuch(plan) {
  if (plan.conflicts.length === 0) return h("p", {}, text("load.fits"));
  return plan.conflicts.map((conflict) => h("div", { "data-key": `${conflict.day}-${conflict.analyte ?? ""}`, class: "conflict" },
    h("p", { class: "strong" }, text(conflict.analyte === null ? "load.conflict" : "load.conflict_of", {
      days: days(conflict), analyte: conflict.analyte ?? "", left: number(Math.round(conflict.left)), capacity: number(conflict.capacity) })),
    h("ul", {}, conflict.proposals.map((proposal) => h("li", { "data-key": proposal.proposal_id },
      proposal.text, proposal.accepted ? h("span", { class: "strong" }, ` ${text("load.accepted")}`) : null)))));
}

function days(conflict) {
  const [day, until] = [named(conflict.day), named(conflict.until)];
  return day === until ? day : text("load.days", { day, until });
}

/** A person approves with the proposals that they tick. That a test is left out nobody agrees to without a tick of theirs. */
function approveButton(plan) {
  if (plan.approved_by !== null || !may("approve_laboratory_plan")) return null;
  const proposals = plan.conflicts.flatMap((conflict) => conflict.proposals).filter((proposal) => proposal.kind !== "capacity");
  return h("div", { class: "actions" }, h("button", {
    type: "button", "data-key": "approve-plan", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "approve_laboratory_plan", heading: text("load.approve"), label: text("load.approve"), need: "optional",
      about: [h("p", {}, text("load.approve_what")), proposals.map((proposal) => h("label", { class: "tick" },
        h("input", { type: "checkbox", name: "proposal", value: proposal.proposal_id, checked: proposal.kind === "wait" }), " ", proposal.text))],
      parameters: () => ({ plan_id: plan.plan_id, plan_sha256: plan.plan_sha256,
        proposals: [...document.querySelectorAll("input[name=proposal]:checked")].map((box) => box.value) }),
    }),
  }, text("load.approve")));
}

function named(day) {
  return new Intl.DateTimeFormat(locale(), { weekday: "short", day: "numeric", month: "numeric", timeZone: "UTC" }).format(new Date(`${day}T12:00:00Z`));
}
