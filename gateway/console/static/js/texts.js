// The page's texts by key; the server says which language the plant speaks.

let texts = {};
let language = "en";

/** Load the catalogue of a language; English where there is none. */
export async function speak(wanted) {
  language = ["en", "de"].includes(wanted) ? wanted : "en";
  const answer = await fetch(`/texts/${language}.json`);
  texts = await answer.json();
  document.documentElement.lang = language;
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
