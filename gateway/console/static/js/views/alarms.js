// Alarms: what calls, what has been seen, and what is kept from calling, with by whom and for how long still.

import { h } from "../dom.js";
import { text } from "../texts.js";
import { alarmCard, isHead } from "../parts/alarms.js";
import { empty, section } from "../parts/states.js";

export const alarms = {
  path: () => "/api/alarms",
  render: (view) => {
    const heads = view.alarms.filter((one) => isHead(one));
    const calling = heads.filter((one) => !one.suppressed && !one.acknowledged);
    const seen = heads.filter((one) => !one.suppressed && one.acknowledged);
    const away = heads.filter((one) => one.suppressed);
    const cards = (list, none) => list.length === 0 ? empty(none) : list.map((one) => alarmCard(one, view.longest_shelve_seconds, view.alarms));
    return [
      h("h1", {}, text("nav.alarms")),
      h("div", { class: "columns" },
        h("div", { class: "column", "data-key": "left" }, section("calling", text("alarms.calling"), cards(calling, "alarms.none_calling")),
          section("seen", text("alarms.seen"), cards(seen, "alarms.none_seen"))),
        h("div", { class: "column", "data-key": "right" }, section("away", text("alarms.away"), cards(away, "alarms.none_away")))),
    ];
  },
};
