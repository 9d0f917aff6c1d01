// What came and went while the gateway could not be heard.

import { read } from "../api.js";
import { page } from "../page.js";

/** Return what came, and what went, while the gateway could not be heard. */
export async function missedSince(since, lostAt, earlier) {
  const view = await read(`/api/missed?since=${encodeURIComponent(since)}`, { byItself: true }).catch(() => ({ guidance: [], alarms: [] }));
  const ids = (list) => new Set(list.map((one) => one.guidance_id));
  const [open, ended, seen] = [ids(page.now.guidance), ids(view.guidance), ids(earlier?.guidance ?? [])];
  const gone = (earlier?.guidance ?? []).filter((one) => !open.has(one.guidance_id) && !ended.has(one.guidance_id));
  const came = page.now.guidance.filter((one) => !seen.has(one.guidance_id) && Date.parse(one.issued_at) >= Date.parse(since));
  return { from: new Date(lostAt).toISOString(), until: new Date().toISOString(), guidance: [...came, ...view.guidance, ...gone], alarms: view.alarms };
}
