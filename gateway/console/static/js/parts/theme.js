// Light, dark, or as the terminal is set: a terminal keeps what was chosen at it.

const ORDER = ["system", "light", "dark"];
const NAME = "labline-theme";

/** Take the theme that this terminal has kept. */
export function rememberTheme() {
  take(kept());
}

/** Go on to the next theme. */
export function nextTheme() {
  const next = ORDER[(ORDER.indexOf(kept()) + 1) % ORDER.length];
  try {
    localStorage.setItem(NAME, next);
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
  take(next);
}

function kept() {
  const now = document.documentElement.dataset.theme ?? null;
  try {
    return localStorage.getItem(NAME) ?? now ?? "system";
  } catch {
    return now ?? "system";
  }
}

function take(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("labline-theme"));
}
