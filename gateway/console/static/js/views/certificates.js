// Certificates: the list with its search; and one certificate, what is missing first, with its versions and documents.

import { h } from "../dom.js";
import { asWritten, limits, number, time, unit, utc } from "../format.js";
import { may, page } from "../page.js";
import { text, word } from "../texts.js";
import { askAndDo } from "../parts/acts.js";
import { certificateState as state } from "../parts/certificates.js";
import { empty, facts, section, table } from "../parts/states.js";
import { condition } from "../parts/symbols.js";
import { more, search } from "../parts/search.js";

export const certificates = {
  path: (_parameters, query) => `/api/certificates?query=${encodeURIComponent(query)}`,
  render: (view, { query }) => [
    h("h1", {}, text("nav.certificates")),
    search("certificates", query, text("certificates.search")),
    may("draft_certificate") && view.customers.length ? h("div", { class: "actions", "data-key": "draft" }, draftButton(view)) : null,
    view.lines.length === 0 ? empty(query ? "certificates.none_match" : "certificates.none") : table(text("nav.certificates"),
      [text("certificate.number"), text("certificate.state"), text("certificate.lot"), text("certificate.product"), text("certificate.customer"), text("certificate.order"), text("certificate.at")],
      view.lines.map((line) => ({
        key: line.certificate_id,
        cells: [h("a", { href: `#/certificates/${encodeURIComponent(line.certificate_id)}` }, line.number), state(line),
          h("a", { href: `#/lots/${encodeURIComponent(line.material_lot_id)}` }, line.part ? `${line.material_lot_id} / ${line.part}` : line.material_lot_id), line.product_name, line.customer_name, line.job_order_id ?? "–", time(line.drafted_at)],
      }))),
    more(view),
  ],
};

export const certificate = {
  path: ([id]) => `/api/certificates/${encodeURIComponent(id)}`,
  render: (view) => {
    const [newest] = view.versions;
    return [
      h("p", {}, h("a", { href: "#/certificates" }, text("certificates.back"))),
      head(view, newest),
      h("div", { class: "columns" },
        h("div", { class: "column", "data-key": "left" }, gaps(view, newest), rows(view)),
        h("div", { class: "column", "data-key": "right" }, documents(newest), components(view), versions(view))),
    ];
  },
};

function draftButton(view) {
  return h("button", {
    type: "button", class: "quiet", disabled: !page.connected,
    onclick: () => askAndDo({
      name: "draft_certificate", heading: text("certificate.draft_now"), label: text("certificate.draft_now"), about: [], need: "optional",
      fields: [{ name: "material_lot_id", label: text("certificate.draft_lot"), required: true },
        { name: "customer", label: text("certificate.draft_customer"), options: view.customers.map((one) => [one, one]) },
        { name: "part", label: text("certificate.draft_part") }, { name: "quantity", label: text("certificate.draft_quantity") }],
      parameters: ({ material_lot_id: lot, customer, part, quantity }) => ({ material_lot_id: lot, customer, part, quantity }),
    }),
  }, text("certificate.draft_now"));
}

function head(view, newest) {
  return h("div", { class: "lot-head", "data-key": "head" },
    h("div", { class: "card-head" }, h("h1", {}, newest.number), state({ ...newest, gaps: 0 }),
      h("span", { class: "state" }, text("certificate.version", { version: newest.version })), newest.state === "draft" ? h("span", { class: "state" }, text("certificate.draft", { draft: newest.draft })) : null),
    newest.damaged ? h("p", { class: "failed" }, text("certificate.damaged")) : null,
    questioned(view), signed(newest), view.waiting.map(waiting),
    facts([[text("certificate.lot"), h("a", { href: `#/lots/${encodeURIComponent(view.material_lot_id)}` }, view.material_lot_id)], [text("certificate.part"), view.part], [text("certificate.product"), view.product_name],
      [text("certificate.customer"), view.customer_name], [text("certificate.specification"), view.specification], [text("certificate.order"), view.job_order_id], [text("certificate.equipment"), view.equipment_id],
      [text("certificate.reason"), newest.reason]]),
    view.decided_by ? h("p", { class: "quiet" }, text("certificate.decision", { name: view.decided_by, at: time(view.decided_at) })) : null,
    actions(view, newest));
}

/** What was issued and is in question: the customer has a copy, whichever version is the newest. */
function questioned(view) {
  return view.versions.filter((one) => one.state === "questioned").map((one) => h("div", { class: "failed", role: "alert", "data-key": `q-${one.version}` },
    h("p", { class: "strong" }, `${one.number}: ${text("certificate.questions")}`),
    h("ul", { class: "reasons" }, one.questions.map((question) => h("li", {}, question))),
    h("p", {}, text("certificate.questions_copy", { to: one.sent?.to.join(", ") || view.email.join(", ") || view.customer_name }))));
}

function signed({ signature, why, by }) {
  if (!signature) return null;
  return h("div", { class: "decision" },
    h("p", { class: "strong" }, text("certificate.signed_by", { name: signature.full_name, role: word("role", signature.role), at: utc(signature.signed_at) })),
    h("p", {}, signature.meaning),
    why ? h("p", {}, [text("certificate.why", { why }), by ? text("certificate.by", { name: by }) : null].filter(Boolean).join(" · ")) : null);
}

function waiting(pending) {
  return h("div", { class: "decision waiting", "data-key": pending.pending_id },
    h("p", { class: "strong" }, text("certificate.waiting")), h("p", {}, `${pending.title}: `, h("a", { href: "#/signatures" }, text("nav.signatures"))));
}

function actions(view, newest) {
  const of = { certificate_id: view.certificate_id, version: newest.version };
  const about = [h("p", { class: "strong" }, [view.product_name, view.material_lot_id, ...(view.part ? [`${text("certificate.part")} ${view.part}`] : [])].join(", ")), h("p", {}, view.customer_name)];
  const still = () => (page.data?.certificate_id === view.certificate_id ? page.data : view).versions[0].sha256 === newest.sha256;
  const button = (name, level, options) => h("button", { "data-key": name, type: "button", class: level, disabled: !page.connected, onclick: () => askAndDo({ name, parameters: of, about, stillOpen: still, heading: `${options.label}: ${newest.number}`, ...options }) }, options.label);
  const issued = newest.state === "signed" || newest.state === "questioned";
  return h("div", { class: "actions" },
    newest.state === "draft" && view.gaps.length === 0 && !newest.damaged && may("sign_certificate")
      ? button("sign_certificate", "primary", { parameters: { ...of, sha256: newest.sha256 }, label: text("certificate.sign"), meaning: text("certificate.sign_meaning"), need: "optional", about: [...about, summary(view)] }) : null,
    newest.state !== "draft" && may("reissue_certificate") ? button("reissue_certificate", newest.state === "questioned" ? "primary" : "quiet", { label: text("certificate.reissue") }) : null,
    issued && may("withdraw_certificate") ? button("withdraw_certificate", "quiet", { label: text("certificate.withdraw"), meaning: text("certificate.withdraw_meaning"), danger: true }) : null);
}

/** What is signed, in one line each: nobody signs without having it before them. */
function summary(view) {
  return h("ul", { class: "reasons" }, view.rows.map((row) => h("li", {}, `${row.name}: ${asWritten(row.reported ?? "–")} ${unit(row.unit)} (${range(row)}), ${word("compliance", row.compliance)}`)));
}

function range(row) {
  return [row.lower === null && row.upper === null ? null : span(row), row.accepts.join(" / ") || null].filter(Boolean).join(", ") || "–";
}

/** Return the limits without the word: it stands above them. */
function span({ lower, upper, unit: name }) {
  return lower === null || upper === null ? limits(lower, upper, name) : `${number(lower)} – ${number(upper)} ${unit(name)}`.trim();
}

function gaps(view, newest) {
  if (newest.state !== "draft") return null;
  return section("gaps", text("certificate.gaps_heading"), view.gaps.length === 0 ? empty("certificate.no_gaps") : [
    h("ul", { class: "reasons strong" }, view.gaps.map((gap) => h("li", {}, gap))), h("p", { class: "quiet" }, text("certificate.hint_gaps"))]);
}

function rows(view) {
  const columns = [text("certificate.test"), text("certificate.result"), text("certificate.limits"), text("certificate.assessment"), text("certificate.method")];
  return section("rows", text("certificate.rows"), table(text("certificate.rows"), columns, view.rows.map((row) => ({
    key: row.name,
    cells: [h("span", {}, row.name, row.required ? null : h("span", { class: "quiet" }, ` ${text("certificate.informative")}`)), h("span", { class: "strong" }, `${asWritten(row.reported ?? "–")} ${unit(row.unit)}`), range(row),
      row.compliance === "complies" || row.compliance === "information" ? word("compliance", row.compliance) : condition(false, "", word("compliance", row.compliance), row.compliance === "fails" ? "critical" : "warning"),
      row.method ?? "–"],
  }))));
}

function documents(newest) {
  return section("documents", text("certificate.documents"),
    h("p", {}, h("a", { href: newest.page, target: "_blank", rel: "noopener" }, text("certificate.as_page")), " · ", h("a", { href: newest.pdf, target: "_blank", rel: "noopener" }, text("certificate.as_pdf"))),
    newest.document ? h("p", { class: "quiet" }, text("certificate.issued_document", { sha256: newest.document.sha256 })) : newest.state === "signed" ? h("p", { class: "quiet" }, text("certificate.document_coming")) : null,
    newest.sent ? h("p", { class: newest.sent.problem ? "failed" : "quiet" }, text(newest.sent.problem ? "certificate.not_sent" : "certificate.sent", { to: newest.sent.to.join(", "), at: time(newest.sent.at), problem: newest.sent.problem })) : null,
    h("p", { class: "quiet" }, `${text("certificate.fingerprint")}: ${newest.sha256}`));
}

function components(view) {
  if (view.components.length === 0) return null;
  return section("components", text("certificate.components"), table(text("certificate.components"),
    [text("certificate.material"), text("certificate.lot"), text("certificate.supplier")],
    view.components.map((one) => ({ key: one.material_lot_id, cells: [one.product ?? "–", one.material_lot_id, one.supplier ?? "–"] }))));
}

function versions(view) {
  return section("versions", text("certificate.versions"), h("ul", { class: "plain" }, view.versions.map((one) => h("li", { "data-key": one.version },
    h("a", { href: one.page, target: "_blank", rel: "noopener" }, one.number), " ", word("certificate_state", one.state),
    h("span", { class: "quiet" }, ` · ${time(one.drafted_at)}${one.reason ? ` · ${one.reason}` : ""}${one.why ? ` · ${one.why}` : ""}`)))));
}
