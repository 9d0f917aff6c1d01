// Suppliers: for each material how often its lots failed, where that is going, and what is open.

import { h } from "../dom.js";
import { share } from "../format.js";
import { text } from "../texts.js";
import { empty, table } from "../parts/states.js";

export const suppliers = {
  path: () => "/api/suppliers",
  render: (view) => [
    h("h1", {}, text("suppliers.heading")),
    view.suppliers.length === 0 ? empty("suppliers.none") : table(text("suppliers.heading"),
      [text("suppliers.supplier"), text("suppliers.material"), text("suppliers.failed"), text("suppliers.share"), text("suppliers.inspection"), text("suppliers.trend"), text("suppliers.used"), text("suppliers.open")],
      view.suppliers.map((one) => ({
        key: `${one.supplier} ${one.material} ${one.client_id ?? ""}`,
        cells: [h("a", { href: `#/search?query=${encodeURIComponent(`supplier:"${one.supplier}"`)}` }, one.supplier),
          [one.material || "–", one.client_id].filter(Boolean).join(" · "),
          one.lots ? text("suppliers.of", { failed: one.failed, lots: one.lots }) : "–",
          one.lots ? text("suppliers.interval", { share: share(one.share), low: share(one.low), high: share(one.high) }) : "–",
          one.lots ? text(`suppliers.inspection.${one.inspection}`) : "–", text(`suppliers.trend.${one.trend}`),
          text("suppliers.lots", { lots: one.used_in }), String(one.open_deviations)],
      }))),
  ],
};
