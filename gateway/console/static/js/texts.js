// The page's texts by key; the server says which language the plant speaks.

let texts = {};
let language = "en";
const NAME = "labline-language";

/** Load the catalogue: of the language that was chosen at this terminal, else of the plant's; English where there is none. */
export async function speak(plant) {
  const wanted = chosenLanguage() || plant;
  language = ["en", "de"].includes(wanted) ? wanted : "en";
  const answer = await fetch(`/texts/${language}.json`);
  texts = await answer.json();
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
