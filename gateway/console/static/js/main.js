// The page: who is signed in, which view is open, and the state, taken anew with each change that the gateway tells of.

import { Refusal, keepToken, read, remove, unreachable } from "./api.js";
import { show } from "./dom.js";
import { missedSince } from "./missed.js";
import { page } from "./page.js";
import { Stream } from "./stream.js";
import { speak, text } from "./texts.js";
import { reviewDialog } from "./parts/dialog.js";
import { banner, connection, lastAct, top } from "./parts/frame.js";
import { isOpenTo, watchKeys } from "./parts/keys.js";
import { failed, loading } from "./parts/states.js";
import { rememberTheme } from "./parts/theme.js";
import { isTouched, watchTouch } from "./parts/touch.js";
import { account } from "./views/account.js";
import { alarms } from "./views/alarms.js";
import { ask } from "./views/ask.js";
import { audit } from "./views/audit.js";
import { actions, deviation } from "./views/deviation.js";
import { byLink, password, passwordByLink, setUp, signIn } from "./views/doors.js";
import { certificate, certificates } from "./views/certificates.js";
import { health } from "./views/health.js";
import { lot } from "./views/lot.js";
import { lots } from "./views/lots.js";
import { models } from "./views/models.js";
import { now } from "./views/now.js";
import { review } from "./views/review.js";
import { samples } from "./views/samples.js";
import { search } from "./views/search.js";
import { signatures } from "./views/signatures.js";
import { suppliers } from "./views/suppliers.js";
import { users } from "./views/users.js";

const VIEWS = { account, alarms, certificates, certificate, lots, lot, review, samples, models, signatures, audit, health, users, search, deviation, actions, suppliers, ask };
const BETWEEN_READS_MS = 300; // of Now; other views less often
const BETWEEN_VIEW_READS_MS = 2000, BETWEEN_TREND_READS_MS = 5000;
const MOST_READS_OF_A_STATE = 8, SETTLING_MS = 500;
const part = (id) => document.getElementById(id);
const trends = new Map(), others = new Map();
const reading = { now: false, wanted: -1, readAt: -BETWEEN_READS_MS, viewAt: 0, trendsAt: -BETWEEN_TREND_READS_MS, timer: null, viewTimer: null, settling: null };
let doorOpen = true, before = null;
let lostSince = null; // by the gateway's clock, when it was heard last before it was lost

const stream = new Stream({
  onNow: (view) => { if (!doorOpen) take(view); },
  onState: (counter, sameAs) => {
    if (page.now && page.now.counter === sameAs) stillSo(counter);
    refresh(counter);
  },
  onLost: () => {
    page.connected = false;
    page.lostAt ??= page.nowAt || Date.now();
    lostSince ??= stream.gatewayAt;
    draw();
  },
  onBack: () => takeAnew(),
  onOver: () => begin(),
});

/** Find out who is signed in, and open the view of the address, or a door. */
async function begin() {
  const links = new URLSearchParams(location.hash.slice(1));
  try {
    page.start = await read("/api/start");
    await speak(page.start.language).catch(() => { throw unreachable(); });
    document.title = `Labline ${page.start.line}`;
    part("skip").textContent = text("nav.skip");
    if (links.has("sign-in")) return enter(await byLink(links.get("sign-in")));
    if (links.has("password")) return door(() => passwordByLink(part("content"), links.get("password"), renewed));
    if (page.start.set_up_needed) return door(() => setUp(part("content"), links.get("set-up") ?? "", enter));
    const why = notice(); // before the door forgets who it was
    if (!page.start.signed_in) return door(() => signIn(part("content"), enter, why));
    return enter(await read("/api/me"));
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.status !== 0 && page.start) return door(() => signIn(part("content"), enter, `${refusal.why}. ${refusal.hint}`));
    show(part("content"), failed(refusal));
    setTimeout(begin, BETWEEN_VIEW_READS_MS);
    return null;
  }
}

/** What the door says to somebody who comes to it from the page. */
function notice() {
  if (page.renewed) return text("password.changed");
  return page.me ? text("sign_in.ended") : null;
}

/** A password has been set, which has ended the user's sessions: to the door with the new one. */
function renewed() {
  page.renewed = true;
  history.replaceState(null, "", "/#/now");
  return begin();
}

function door(open) {
  stream.stop();
  doorOpen = true;
  document.body.classList.remove("lost");
  page.me = page.now = page.data = page.lostAt = page.missed = lostSince = null;
  for (const id of ["connection", "banner", "notices"]) show(part(id));
  show(part("top"), top({ signOut }));
  open();
}

async function enter(me) {
  if (!me?.user_id) return begin();
  page.me = me;
  page.renewed = false;
  keepToken(me.csrf_token);
  if (/^#(set-up|sign-in|password)=/.test(location.hash)) history.replaceState(null, "", "/#/now"); // a link is not kept
  if (me.must_change_password) return door2(() => password(part("content"), renewed));
  doorOpen = false;
  stream.start();
  return navigate();
}

/** Open a door to somebody who is signed in. */
function door2(open) {
  doorOpen = true;
  show(part("top"), top({ signOut }));
  open();
}

async function signOut() {
  await remove("/session").catch(() => undefined);
  page.me = null;
  location.hash = "#/now";
  begin();
}

/** Open what the address says. */
async function navigate() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "now", ...parameters] = path.split("/").filter(Boolean).map(decodeURIComponent);
  const view = parameters.length ? { lots: "lot", certificates: "certificate" }[name] ?? name : name;
  page.route = { name: view in VIEWS && isOpenTo(view) ? view : "now", parameters, query: new URLSearchParams(query).get("query") ?? "" };
  page.data = page.refusal = before = null;
  page.menuOpen = false;
  others.clear();
  if (doorOpen) return begin();
  draw();
  part("content").scrollTop = 0;
  await Promise.all([refresh(), readView({ byItself: false })]);
  return null;
}

/** The gateway is back, or there for the first time: take the whole state anew. */
async function takeAnew() {
  const [lostAt, earlier] = [page.lostAt, page.now];
  reading.wanted = -1;
  reading.trendsAt = -BETWEEN_TREND_READS_MS;
  page.connected = true;
  await Promise.all([readNow(), readView()]);
  if (lostAt !== null && page.now) {
    page.missed = await missedSince(lostSince ?? new Date(lostAt).toISOString(), lostAt, earlier);
    page.lostAt = lostSince = null;
  }
  draw();
}

/** Something has changed: read the view that is open, and Now where the gateway could not send it. */
async function refresh(counter = -1) {
  reading.wanted = Math.max(reading.wanted, counter);
  if (reading.now || doorOpen) return;
  if (!page.now || page.now.counter < reading.wanted) {
    const wait = reading.readAt + BETWEEN_READS_MS - performance.now();
    if (wait > 0) {
      reading.timer ??= setTimeout(() => { reading.timer = null; refresh(); }, wait);
      return;
    }
    await readNow();
  }
  const early = reading.viewAt + BETWEEN_VIEW_READS_MS - performance.now();
  if (early <= 0) await readView();
  else reading.viewTimer ??= setTimeout(() => { reading.viewTimer = null; readView(); }, early); // no change is the last one unseen
  readTrends();
}

/** Somebody has acted here: read at once what came of it. */
async function acted() {
  draw();
  if (doorOpen) return;
  if (!reading.now) await readNow();
  await Promise.all([readView(), refresh()]);
}

async function readNow() {
  reading.now = true;
  try {
    for (let turn = 0; turn < MOST_READS_OF_A_STATE; turn += 1) {
      reading.readAt = performance.now();
      const shown = page.now;
      const view = await read("/api/now", { byItself: true });
      if (page.now === shown || view.counter >= page.now.counter) take(view); // else a newer one was sent meanwhile
      if (page.now.counter >= reading.wanted) break; // the gateway has answered an earlier state: it keeps answers for an instant
      await new Promise((resolve) => { setTimeout(resolve, BETWEEN_READS_MS); });
    }
  } catch (refusal) {
    await over(refusal);
  } finally {
    reading.now = false;
  }
}

function take(view) {
  const places = (list) => list?.guidance.map((one) => one.guidance_id).join() ?? "";
  if (page.now && places(page.now) !== places(view)) settle();
  page.now = view;
  page.nowAt = Date.now();
  draw();
}

/** What is shown still stands, up to a later counter. */
function stillSo(counter) {
  page.now.counter = counter;
  page.nowAt = Date.now();
}

/** Guidance changes places: for an instant its buttons take no touch that was meant for another one. */
function settle() {
  document.body.classList.add("moving");
  clearTimeout(reading.settling);
  reading.settling = setTimeout(() => document.body.classList.remove("moving"), SETTLING_MS);
}

async function readView({ byItself = true } = {}) {
  const view = VIEWS[page.route.name];
  if (!view || (byItself && before !== null)) return; // older lines are being read: they stay where they are
  reading.viewAt = performance.now();
  const { route } = page;
  try {
    const data = await read(view.path(route.parameters, route.query), { byItself });
    for (const path of view.also?.(data) ?? []) others.set(path, await read(path, { byItself: true }).catch(() => null));
    if (route === page.route) [page.data, page.refusal] = [data, null];
  } catch (refusal) {
    await over(refusal);
    if (route === page.route && !page.data) page.refusal = refusal;
  }
  draw();
}

/** Read older lines of a list and put them below. */
async function readOlder() {
  const [view, { route }, shown] = [VIEWS[page.route.name], page, page.data];
  const lines = shown.lots ? "lots" : "lines";
  before = shown.before;
  try {
    const older = await read(`${view.path(route.parameters, route.query)}&before=${before}`);
    if (route === page.route) page.data = { ...older, [lines]: [...shown[lines], ...older[lines]] };
  } catch (refusal) {
    await over(refusal);
  }
  draw();
}

async function readTrends() {
  if (page.route.name !== "now" || !page.now || performance.now() - reading.trendsAt < BETWEEN_TREND_READS_MS) return;
  reading.trendsAt = performance.now();
  for (const { trend } of page.now.predictions) {
    const drawn = await read(`${trend}?hours=1`, { byItself: true }).catch(() => null);
    if (drawn) trends.set(trend, drawn);
  }
  draw();
}

/** A session that has ended leads to its door; whatever else was refused stays with the view. */
async function over(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  if (refusal.status === 401 && !doorOpen) await begin();
}

/** Draw what is known; not while a finger is down, so that nothing moves under it. */
function draw() {
  if (doorOpen || isTouched()) return;
  document.body.classList.toggle("lost", !page.connected);
  show(part("top"), top({ signOut }));
  show(part("connection"), connection());
  show(part("banner"), banner());
  show(part("notices"), lastAct());
  show(part("content"), content());
  reviewDialog();
}

function content() {
  if (page.route.name === "now") return now(page.now, trends);
  if (page.data) return VIEWS[page.route.name].render(page.data, { query: page.route.query, others });
  return page.refusal ? failed(page.refusal) : loading();
}

rememberTheme();
watchKeys();
watchTouch(draw);
addEventListener("hashchange", navigate);
document.addEventListener("labline-acted", acted);
for (const name of ["labline-menu", "labline-draw"]) document.addEventListener(name, draw);
document.addEventListener("labline-begin", renewed);
document.addEventListener("labline-more", readOlder);
setInterval(() => { if (!doorOpen) draw(); }, 1000);
begin();
