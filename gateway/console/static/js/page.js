// What the page knows now. Views read it; main.js alone changes it.

export const page = {
  start: null, // /api/start
  me: null, // /api/me, or null while nobody is signed in
  now: null, // the newest /api/now
  nowAt: 0, // when it was read, on this terminal's clock
  connected: false,
  lostAt: null, // when the gateway was lost, while it is
  missed: null, // {from, until, guidance, alarms} of the last time it was lost
  route: { name: "now", parameters: [], query: "" },
  data: null, // of the view that is open, where it is not Now
  refusal: null, // why it could not be read
  last: null, // what was last done here: {at, text, level}
  menuOpen: false,
  renewed: false, // whether a password has just been set, so that the door asks for the new one
};

/** Whether the person who is signed in may ask for an act. */
export function may(act) {
  return Boolean(page.me?.acts.includes(act));
}

/** Whether the person sees the records of all clients; else some views are closed, and what others make is not shown. */
export function seesAll() {
  return !page.me?.closed_views.length;
}

/** Whether the person has one of the roles. */
export function hasRole(roles) {
  return roles.some((role) => page.me?.roles.includes(role));
}
