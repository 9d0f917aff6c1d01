// Requests to the gateway. Whatever is no success is thrown as a Refusal with what is wrong and what to do.

import { text } from "./texts.js";

const PATIENCE_MS = 10000;
const LONG_WORK_MS = 120000; // of what reads the whole trail
let token = "";

/** What the gateway has refused, or that it cannot be reached (status 0). */
export class Refusal extends Error {
  constructor(status, why, hint) {
    super(why);
    this.status = status;
    this.why = why;
    this.hint = hint;
  }
}

/** Return what is thrown where the gateway cannot be reached, or an answer breaks off. */
export function unreachable() {
  return new Refusal(0, text("offline.unreachable"), text("offline.hint"));
}

/** Keep the session's token against forged requests. */
export function keepToken(value) {
  token = value;
}

/** GET a view; `byItself`: the page asks, and no person has acted, so that the session's idle time runs on. */
export function read(path, { byItself = false, longWork = false } = {}) {
  return request("GET", path, undefined, byItself ? { "X-Labline-Refresh": "1" } : {}, longWork ? LONG_WORK_MS : PATIENCE_MS);
}

/** POST a document. */
export function send(path, body) {
  return request("POST", path, body);
}

/** DELETE. */
export function remove(path) {
  return request("DELETE", path);
}

/** Do an act; the answer says what came of it. A refusal of the door is an answer, too. */
export async function act(name, parameters, { reason = "", signIn = null } = {}) {
  try {
    return await send("/api/acts", { act: name, parameters, reason, sign_in: signIn });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.status === 0) return { outcome: "unknown", why: text("act.unknown"), hint: text("act.unknown_hint"), details: {}, status: 0 };
    return { outcome: "refused", why: refusal.why, hint: refusal.hint, details: {}, status: refusal.status };
  }
}

async function request(method, path, body, more = {}, patienceMs = PATIENCE_MS) {
  const headers = { Accept: "application/json", ...more };
  if (method !== "GET") headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
      credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(patienceMs),
    });
  } catch {
    throw unreachable();
  }
  if (answer.status === 204) return null;
  const document = await answer.json().catch(() => null);
  if (answer.ok && document !== null) return document;
  if (answer.ok) throw unreachable(); // it broke off in the middle
  throw new Refusal(answer.status, document?.why ?? text("refused.unknown", { status: answer.status }), document?.hint ?? "");
}
