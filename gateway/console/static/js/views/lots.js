// Lots: the newest, or those that a search names.

import { h } from "../dom.js";
import { time } from "../format.js";
import { text } from "../texts.js";
import { empty, table } from "../parts/states.js";
import { recommendation } from "../parts/symbols.js";
import { more, search } from "../parts/search.js";

export const lots = {
  path: (_parameters, query) => `/api/lots?query=${encodeURIComponent(query)}`,
  render: (view, { query }) => [
    h("h1", {}, text("nav.lots")),
    search("lots", query, text("lots.search")),
    view.lots.length === 0 ? empty(query ? "lots.none_match" : "lots.none") : table(text("nav.lots"),
      [text("lot.lot"), text("lot.recommendation"), text("lot.product"), text("lot.order"), text("lot.equipment"), text("lot.started"), text("lot.ended"), text("lot.results")],
      view.lots.map((lot) => ({
        key: lot.material_lot_id,
        cells: [h("span", {}, h("a", { href: `#/lots/${encodeURIComponent(lot.material_lot_id)}` }, lot.material_lot_id),
            lot.part_of ? h("span", { class: "quiet" }, ` · ${text("part.of")} ${lot.part_of}`) : null),
          h("span", {}, recommendation(lot.recommendation), lot.latched ? h("span", { class: "state" }, text("lot.latched")) : null, lot.damaged ? h("span", { class: "state" }, text("lot.damaged")) : null),
          lot.product ?? "–", lot.job_order_id ?? "–", lot.equipment_id ?? "–", time(lot.started_at),
          lot.ended_at ? time(lot.ended_at) : lot.started_at ? text("lot.runs") : "–", String(lot.results)],
      }))),
    more(view),
  ],
};
