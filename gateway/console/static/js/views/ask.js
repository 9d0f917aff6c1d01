// Ask: a question about this line, answered from its records, with the records that the answer comes from.

import { send } from "../api.js";
import { h } from "../dom.js";
import { time } from "../format.js";
import { page } from "../page.js";
import { text } from "../texts.js";
import { failed } from "../parts/states.js";

const state = { question: "", asked: "", answer: null, refusal: null, busy: false };
const token = { shown: null, refusal: null };
const EXAMPLES = ["ask.example_1", "ask.example_2", "ask.example_3", "ask.example_4"];

export const ask = {
  path: () => "/api/me",
  render: () => [
    h("h1", {}, text("nav.ask")),
    h("form", { class: "search", role: "search", "data-key": "ask", onsubmit: (event) => { event.preventDefault(); put(event.currentTarget.elements.question.value); } },
      h("label", { for: "question" }, text("ask.label")),
      h("input", { id: "question", name: "question", type: "search", autocomplete: "off", maxlength: 500 }),
      h("button", { type: "submit", class: "primary", disabled: state.busy || !page.connected }, text(state.busy ? "dialog.busy" : "ask.button"))),
    h("div", { class: "chips", "data-key": "examples" }, EXAMPLES.map((key) => h("button", { "data-key": key, type: "button", class: "quiet", onclick: () => put(text(key)) }, text(key)))),
    state.refusal ? failed(state.refusal) : state.answer ? answered(state.answer) : h("p", { class: "empty" }, text("ask.about")),
    atTerminal(),
  ],
};

async function put(question) {
  if (state.busy || !question.trim()) return;
  Object.assign(state, { question: question.trim(), busy: true, refusal: null });
  draw();
  try {
    state.answer = await send("/api/ask", { question: state.question });
    state.asked = state.question; // an answer stands below the question that it is for
  } catch (refusal) {
    Object.assign(state, { answer: null, refusal });
  }
  state.busy = false;
  draw();
}

function atTerminal() {
  return h("details", { "data-key": "terminal-token" }, h("summary", {}, text("ask.token_title")),
    h("form", { class: "search", onsubmit: (event) => { event.preventDefault(); getToken(event.currentTarget.elements.terminal.value.trim()); } },
      h("label", { for: "terminal" }, text("ask.token_terminal")),
      h("input", { id: "terminal", name: "terminal", autocomplete: "off", maxlength: 100, required: true }),
      h("button", { type: "submit", class: "quiet", disabled: !page.connected }, text("ask.token_button"))),
    token.refusal ? failed(token.refusal) : token.shown ? h("div", { class: "card", "data-key": "token" },
      h("p", {}, text("ask.token_once", { terminal: token.shown.terminal, at: time(token.shown.expires_at) })),
      h("p", {}, h("code", { "data-key": "token-text" }, token.shown.token)), h("p", {}, h("code", { "data-key": "token-key" }, token.shown.key))) : null);
}

async function getToken(terminal) {
  if (!terminal) return;
  Object.assign(token, { shown: null, refusal: null });
  try {
    token.shown = await send("/api/ask/token", { terminal });
  } catch (refusal) {
    token.refusal = refusal;
  }
  draw();
}

function draw() {
  document.dispatchEvent(new CustomEvent("labline-draw"));
}

function answered(answer) {
  return h("article", { "data-key": "answer", class: "card answer", "aria-live": "polite" },
    h("p", { class: "quiet" }, state.asked),
    h("p", { class: "strong", lang: answer.language, "data-key": "computed" }, answer.text),
    answer.phrased ? h("div", { "data-key": "phrased", class: "phrased", lang: answer.language }, h("p", { class: "quiet" }, answer.phrased.label), h("p", {}, answer.phrased.text)) : null,
    answer.choices.length ? h("div", { class: "actions" }, answer.choices.map((choice) => h("button", { "data-key": choice, type: "button", class: "quiet", onclick: () => put(`${state.asked} "${choice}"`) }, choice))) : null,
    answer.sources.length ? h("div", { "data-key": "sources" }, h("h2", {}, text("ask.sources")), h("ul", {}, answer.sources.map((source) => h("li", { "data-key": source.record },
      source.link ? h("a", { href: source.link }, source.title || source.record) : h("span", {}, source.title || source.record), h("code", { class: "quiet" }, ` ${source.record}`))))) : null,
    h("p", { class: "quiet" }, text("ask.as_of", { at: time(answer.as_of) })));
}
