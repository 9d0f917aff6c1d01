// The page's texts by key; the server says which language the plant speaks.

const PATIENCE_MS = 10000;
let texts = { // until there is a catalogue
  "offline.unreachable": "The gateway does not answer; trying again. / Das Gateway antwortet nicht; neuer Versuch.",
  "offline.hint": "",
};
let language = "en";
const NAME = "labline-language";

/** Load the catalogue: of the language that was chosen at this terminal, else of the plant's. Throws where it does not arrive. */
export async function speak(plant) {
  const wanted = chosenLanguage() || plant;
  const spoken = ["en", "de"].includes(wanted) ? wanted : "en";
  const answer = await fetch(`/texts/${spoken}.json`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new TypeError(`no texts: ${answer.status}`);
  [texts, language] = [await answer.json(), spoken];
  document.documentElement.lang = language;
}

/** Return the language that was chosen at this terminal, or "". */
export function chosenLanguage() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

/** Speak a language at this terminal from now on; "": the plant's. */
export async function chooseLanguage(wanted, plant) {
  try {
    localStorage.setItem(NAME, wanted);
  } catch {
    // a browser that keeps nothing speaks the plant's language
  }
  await speak(plant);
}

/** Return the locale of numbers and times; English with days before months, as plants outside America write them. */
export function locale() {
  return language === "en" ? "en-GB" : language;
}

/** Return a text, with {name} replaced by the parameters; the key itself where it is missing, so that it is seen. */
export function text(key, parameters = {}) {
  const pattern = texts[key];
  if (pattern === undefined) return key;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in parameters ? String(parameters[name]) : whole));
}

/** Return the text of a word such as a state, or the word as it is where the catalogue does not know it. */
export function word(group, value) {
  return texts[`${group}.${value}`] ?? String(value).replaceAll("_", " ");
}
