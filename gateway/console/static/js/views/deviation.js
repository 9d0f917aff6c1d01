// A deviation: events like it with what was done and whether it helped, and the actions against it.

import { h } from "../dom.js";
import { share, time } from "../format.js";
import { may, page } from "../page.js";
import { text } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { empty, facts, section } from "../parts/states.js";

export const deviation = {
  path: ([id]) => `/api/deviations/${encodeURIComponent(id)}/knowledge`,
  render: (view) => [
    h("h1", {}, view.title),
    facts([[text("lot.lot"), view.material_lot_id ? h("a", { href: `#/lots/${encodeURIComponent(view.material_lot_id)}` }, view.material_lot_id) : null],
      [text("lot.equipment"), view.equipment_id], [text("capa.opened"), time(view.at)], [text("capa.state"), text(view.closed ? "capa.state.closed" : "capa.state.open")],
      [text("capa.draft"), h("a", { href: view.document, target: "_blank", rel: "noopener" }, text("capa.open_draft"))]]),
    section("capa", text("capa.actions"), view.actions.length === 0 ? empty("capa.none") : view.actions.map((one) => action(one, { open: true })), recording(view)),
    closing(view),
    section("suggested", text("capa.suggested"), view.suggested.length === 0 ? empty("capa.none_suggested") : view.suggested.map((one) => suggestion(one, view))),
    section("similar", text("capa.similar"), view.similar.length === 0 ? empty("capa.none_similar") : view.similar.map(similar)),
  ],
};

/** Return how a deviation was closed, or the button that closes it. */
function closing(view) {
  if (view.closed) {
    const { names, at, conclusion, no_action, check_by } = view.closed;
    return h("section", { "data-key": "closing", class: "card" }, h("p", { class: "strong" }, text("capa.closed_line", { names: names.join(", "), at: time(at), conclusion })),
      no_action ? h("p", {}, text("capa.no_action_line", { why: no_action })) : null, check_by ? h("p", {}, text("capa.check_by_line", { day: check_by })) : null,
      view.closed.to_check ? closer(view, text("capa.check")) : null);
  }
  return closer(view, text("capa.close"));
}

/** Return the button that closes a deviation, or that records the check of its actions by closing it again. */
function closer(view, label) {
  if (!may("close_deviation") || view.actions.some((one) => !one.done_at)) return null;
  const fields = view.actions.length === 0 ? [{ name: "no_action", label: text("capa.no_action"), required: true }]
    : [{ name: "check_by", label: text("capa.check_by"), hint: text("capa.check_by_hint") }];
  return h("div", { class: "actions", "data-key": "closing" }, h("button", {
    "data-key": "close", type: "button", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "close_deviation", heading: label, label, meaning: text("capa.close_meaning"), about: [h("p", { class: "strong" }, view.title)], fields,
      parameters: (values) => ({ deviation_id: view.deviation_id, version: view.version, no_action: values.no_action ?? "", check_by: values.check_by?.trim() || null }),
    }),
  }, label));
}

export const actions = {
  path: () => "/api/actions",
  render: (view) => [
    h("h1", {}, text("capa.all_actions")),
    view.to_check.length === 0 ? null : section("to-check", text("capa.to_check"), view.to_check.map((one) =>
      h("div", { "data-key": one.deviation_id }, h("p", { class: "strong" }, text("capa.check_by_line", { day: one.check_by })), action(one.action, { deviation: true })))),
    view.actions.length === 0 ? empty("capa.none") : view.actions.map((one) => action(one, { open: true, deviation: true })),
  ],
};

/** Return an action with how it did; `open`: with the button that it is done. */
function action(one, { open = false, deviation: linked = false } = {}) {
  return h("article", { "data-key": one.action_id, class: "card" },
    h("div", { class: "card-head" }, h("span", { class: "strong" }, one.action), h("span", { class: "state" }, text(`capa.effect.${one.effect.effectiveness}`))),
    h("p", { class: "quiet" }, [text(`capa.kind.${one.kind}`), text("capa.owner_line", { owner: one.owner }), one.due ? text("capa.due_line", { due: one.due }) : null, one.material_lot_id].filter(Boolean).join(" · ")),
    h("p", {}, one.done_at ? text("capa.done_line", { name: one.done_by, at: time(one.done_at) }) : text("capa.recorded_line", { name: one.recorded_by, at: time(one.recorded_at) })),
    one.done_at ? h("p", {}, counts(one.effect)) : null,
    linked ? h("p", {}, h("a", { href: `#/deviation/${encodeURIComponent(one.deviation_id)}` }, text("capa.deviation"))) : null,
    open && !one.done_at && may("complete_action") ? h("div", { class: "actions" }, h("button", {
      "data-key": "done", type: "button", class: "quiet", disabled: !page.connected,
      onclick: () => askAndDo({ name: "complete_action", parameters: { action_id: one.action_id }, heading: text("capa.complete"), label: text("capa.complete"), about: [h("p", { class: "strong" }, one.action)], need: "required" }),
    }, text("capa.complete"))) : null);
}

function counts({ since, before }) {
  if (since.lots === 0) return text("capa.no_samples");
  return text("capa.counts", { failed: since.failed_lots, lots: since.lots, low: share(since.low), high: share(since.high), before: before.failed_lots, of: before.lots });
}

function suggestion(one, view) {
  const card = action(one);
  if (may("record_action")) card.append(h("div", { class: "actions" }, record("again", text("capa.take"), view, one.kind, one.action, one.owner)));
  return card;
}

function recording(view) {
  if (!may("record_action")) return null;
  return h("div", { class: "actions" }, ["corrective", "preventive"].map((kind) => record(kind, text(`capa.record.${kind}`), view, kind)));
}

function record(key, label, view, kind, action_ = "", owner = "") {
  return h("button", {
    "data-key": key, type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "record_action", heading: label, label, need: "optional", about: [h("p", { class: "strong" }, view.title)],
      fields: [{ name: "action", label: text("capa.action"), required: true, value: action_ }, { name: "owner", label: text("capa.owner"), required: true, value: owner },
        { name: "due", label: text("capa.due"), hint: text("capa.due_hint") }],
      parameters: (values) => ({ deviation_id: view.deviation_id, action: values.action, action_kind: kind, owner: values.owner, due: values.due.trim() || null }),
    }),
  }, label);
}

function similar(one) {
  const near = [text("capa.nearness", { share: share(one.nearness) }), one.by_process === null ? null : text("capa.by_process", { share: share(one.by_process) }), one.by_words === null ? null : text("capa.by_words", { share: share(one.by_words) })];
  const helped = one.moves_helped === null ? "" : ` (${text(one.moves_helped ? "capa.helped" : "capa.helped_not")})`;
  return h("article", { "data-key": one.deviation_id, class: "card" },
    h("div", { class: "card-head" }, h("a", { class: "strong", href: `#/deviation/${encodeURIComponent(one.deviation_id)}` }, one.title)),
    h("p", { class: "quiet" }, [time(one.at), ...near].filter(Boolean).join(" · ")),
    one.causes.length ? h("p", {}, text("capa.causes", { causes: one.causes.join(", ") })) : null,
    one.moves.length ? h("p", {}, `${text("capa.moves", { moves: one.moves.join("; ") })}${helped}`) : null,
    one.actions.map((item) => h("p", { "data-key": item.action_id }, `${text(`capa.kind.${item.kind}`)}: ${item.action} · ${text(`capa.effect.${item.effect.effectiveness}`)}`)),
    one.moves.length + one.actions.length === 0 ? h("p", {}, text("capa.nothing_done")) : null,
    h("p", {}, text(one.since.failed_lots ? "capa.came_back" : "capa.not_back", { failed: one.since.failed_lots, lots: one.since.lots })));
}
