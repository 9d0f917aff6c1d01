// Certificates as other views name them: how they stand, and links to those of a lot.

import { h } from "../dom.js";
import { text, word } from "../texts.js";
import { section } from "./states.js";
import { condition } from "./symbols.js";

const LEVEL = { signed: "normal", draft: "information", questioned: "critical", replaced: "information", withdrawn: "warning" };

/** Return how a certificate stands; of a draft with what is missing, how much. */
export function certificateState({ state: name, gaps: missing, damaged }) {
  const tail = missing ? ` · ${text("certificate.gaps")}: ${missing}` : "";
  if (damaged) return condition(false, "", text("lot.damaged"), "critical");
  return h("span", {}, condition(name === "signed", word("certificate_state", name), word("certificate_state", name), LEVEL[name]), tail);
}

/** Return the certificates of a lot, each as a link with how it stands; nothing where there is none. */
export function certificatesOfLot(lines) {
  if (lines.length === 0) return null;
  return section("certificates", text("nav.certificates"), h("ul", { class: "plain" }, lines.map((line) => h("li", { "data-key": line.certificate_id },
    h("a", { href: `#/certificates/${encodeURIComponent(line.certificate_id)}` }, line.number), " ",
    line.part ? h("strong", {}, `${text("certificate.part")} ${line.part} `) : "", certificateState(line), h("span", { class: "quiet" }, ` · ${line.customer_name}`)))));
}
