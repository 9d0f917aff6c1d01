// The first script. The page is of many files: where one of them does not arrive, because the gateway starts again or is
// busy, there would be an empty page for good. It says so in both languages, since no text is there yet, and once the
// gateway answers the page is loaded anew.

const AGAIN_MS = 2000, PATIENCE_MS = 5000;

function isFault(error) {
  return !(error instanceof TypeError && error.message.includes("module")); // what did not arrive is of this kind
}

async function again() {
  document.getElementById("content").textContent = "The gateway does not answer; trying again. / Das Gateway antwortet nicht; neuer Versuch.";
  await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
  const answer = await fetch("/api/start", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (answer?.ok) location.reload();
  else again();
}

import("./main.js").catch((error) => {
  again();
  if (isFault(error)) throw error;
});
