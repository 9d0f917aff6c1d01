// Samples: the laboratory's queue, the most likely to be outside first.

import { h } from "../dom.js";
import { ago, share } from "../format.js";
import { text } from "../texts.js";
import { load } from "../parts/load.js";
import { empty, table } from "../parts/states.js";

export const samples = {
  path: () => "/api/samples",
  render: (view) => [
    h("h1", {}, text("nav.samples")),
    view.samples.length === 0 ? empty(view.requested ? "samples.none" : "samples.off") : table(text("nav.samples"),
      [text("samples.order"), text("lot.lot"), text("lot.product"), text("lot.equipment"), text("samples.tests"), text("samples.risk"), text("samples.since")],
      view.samples.map((sample, at) => ({
        key: sample.request_id,
        cells: [String(at + 1), h("a", { href: `#/lots/${encodeURIComponent(sample.material_lot_id)}` }, sample.material_lot_id), sample.product ?? "–", sample.equipment_id ?? "–",
          sample.tests.map((one) => one.name || one.analyte).join(", "), share(sample.probability), ago(sample.since_at)],
      }))),
    load(view),
  ],
};
