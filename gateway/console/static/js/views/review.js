// The review of a lot's record by exception: what must be looked at, the worst first; the rest as counts.

import { h } from "../dom.js";
import { time, utc } from "../format.js";
import { may, page } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { certificatesOfLot } from "../parts/certificates.js";
import { signed } from "../parts/guidance.js";
import { section, table } from "../parts/states.js";
import { symbol } from "../parts/symbols.js";

const LEVELS = { critical: "critical", major: "warning", minor: "information" };

export const review = {
  path: ([lot]) => `/api/lots/${encodeURIComponent(lot)}/review`,
  render: (view) => [
    h("p", {}, h("a", { href: `#/lots/${encodeURIComponent(view.material_lot_id)}` }, text("review.back", { lot: view.material_lot_id }))),
    head(view), exceptions(view), groups(view), certificatesOfLot(view.certificates),
  ],
};

function head(view) {
  return h("div", { class: "lot-head", "data-key": "head" },
    h("div", { class: "card-head" }, h("h1", {}, text("review.heading", { lot: view.material_lot_id })),
      h("span", { class: "state" }, view.open === 0 ? text("review.none_open") : text("review.open", { open: view.open, count: view.exceptions.length + view.left_out }))),
    h("p", {}, text("review.looked_at", { points: view.data_points, lines: view.lines_to_read })),
    view.from_at ? h("p", { class: "quiet" }, `${text("review.made")}: ${time(view.from_at)} – ${view.until_at ? time(view.until_at) : "…"}`) : null,
    signature(view),
    view.waiting.map((pending) => h("p", { class: "strong", "data-key": pending.pending_id }, text("lot.pending", { act: word("act_title", pending.act), given: pending.signed.length, count: pending.count }), " ", h("a", { href: "#/signatures" }, text("nav.signatures")))),
    view.damaged.length ? h("p", { class: "failed" }, text("damaged.text"), " ", view.damaged.join(", ")) : null,
    h("div", { class: "actions" },
      may("sign_review") ? signButton(view) : null,
      h("a", { class: "button quiet", href: view.document, target: "_blank", rel: "noopener" }, text("review.print"))));
}

function signature(view) {
  const made = view.signed;
  if (!made) return view.required_for_release ? h("p", { class: "strong" }, text("review.required")) : null;
  return h("div", { class: "decision" },
    h("p", { class: "strong" }, text("review.signed", { name: made.full_name, role: word("role", made.role), at: utc(made.at) })),
    made.reason ? h("p", {}, made.reason) : null,
    made.lapsed ? h("p", { class: "failed" }, text("review.lapsed")) : null,
    view.signatures.map((one) => signed(one)));
}

/** Nothing is signed over an exception that is open, nor over another state than the one that is shown. */
function signButton(view) {
  const standing = view.signed && !view.signed.lapsed;
  return h("button", {
    "data-key": "sign", type: "button", class: view.open === 0 && !standing ? "primary" : "quiet", disabled: !page.connected || view.open > 0 || standing,
    onclick: () => askAndDo({
      name: "sign_review", parameters: { material_lot_id: view.material_lot_id, review_sha256: view.sha256 },
      heading: text("review.sign_heading", { lot: view.material_lot_id }), label: text("review.sign"), meaning: text("review.sign_meaning"),
      stillOpen: () => (page.data?.sha256 ?? view.sha256) === view.sha256,
      about: [h("p", {}, text("review.looked_at", { points: view.data_points, lines: view.lines_to_read })),
        h("p", {}, text("review.all_settled", { count: view.exceptions.length + view.left_out }))],
    }),
  }, text("review.sign"));
}

function exceptions(view) {
  const [open, done] = [view.exceptions.filter((one) => !one.settled), view.exceptions.filter((one) => one.settled)];
  return section("exceptions", text("review.exceptions"),
    open.length === 0 ? h("p", { class: "empty" }, text("review.nothing_open")) : open.map((one) => exception(view, one)),
    view.left_out ? h("p", { class: "quiet" }, text("review.left_out", { count: view.left_out })) : null,
    done.length ? h("details", { "data-key": "settled" }, h("summary", {}, text("review.settled", { count: done.length })), done.map((one) => exception(view, one))) : null);
}

function exception(view, one) {
  return h("div", { "data-key": one.exception_id, class: `alarm exception ${one.severity}` }, badge(one.severity),
    h("div", { class: "alarm-text" }, h("p", { class: "strong" }, one.text),
      h("p", { class: "quiet" }, [word("review_group", one.group), one.at ? time(one.at) : null].filter(Boolean).join(" · "), " · ", one.evidence.map((record) => [link(record), " "])),
      one.answers.map((answer) => h("p", { class: "said" }, `${answer.comment} `, h("span", { class: "quiet" }, `${answer.person} (${word("role", answer.role)}), ${time(answer.at)}`)))),
    one.settled || !may("settle_exception") ? null : h("div", { class: "actions" },
      mine(one) ? answerButton(view, one, "settle") : null, answerButton(view, one, "comment")));
}

/** Whether a role of who is signed in may settle it. */
function mine(one) {
  return page.me.roles.some((role) => one.roles.includes(role));
}

function answerButton(view, one, what) {
  return h("button", {
    "data-key": what, type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "settle_exception", parameters: { material_lot_id: view.material_lot_id, exception_id: one.exception_id, comment_only: what === "comment" },
      heading: text(`review.${what}_heading`), label: text(`review.${what}`), about: [h("p", { class: "strong" }, one.text)],
    }),
  }, text(`review.${what}`));
}

function link({ kind, id, path }) {
  const outside = path.startsWith("/");
  return h("a", { href: path, target: outside ? "_blank" : null, rel: outside ? "noopener" : null, title: id }, ["tag", "lot", "sample"].includes(kind) ? `${word("evidence", kind)} ${id}` : word("evidence", kind));
}

function badge(severity) {
  return h("span", { class: `badge ${LEVELS[severity]}` }, symbol(LEVELS[severity]), h("span", {}, word("review_severity", severity)));
}

function groups(view) {
  const columns = [text("review.group"), text("review.count"), text("review.to_read")];
  return section("groups", text("review.rest"), h("details", { "data-key": "rest", open: view.exceptions.length === 0 },
    h("summary", {}, text("review.in_order", { points: view.data_points })),
    table(text("review.rest"), columns, view.groups.map((one) => ({ key: one.group, cells: [word("review_group", one.group), String(one.looked_at), String(one.exceptions)] })))));
}
