// Elements, and how a view is brought up to date without touching what has not changed: a button under a finger stays
// the same button, a field keeps its text and the focus, a chart keeps its zoom.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Names that begin with "on" are handlers; null, undefined and false attributes are left out. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Return an element of SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/**
 * Return an element that draws itself: `mount(element, data)` returns {update(data), destroy()}. Its inside is never
 * compared; new data go to `update`.
 */
export function island(key, attributes, mount, data) {
  const element = h("div", { ...attributes, "data-key": key });
  element.island = { mount, data, drawn: null };
  return element;
}

/** Make the children of `target` those of the list, keeping the elements that are there already. */
export function show(target, ...children) {
  const wanted = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  patchChildren(target, wanted.map(asNode));
  drawIslands(target);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(asNode(child));
  }
  return element;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

function patchChildren(target, wanted) {
  const keyed = new Map();
  for (const child of target.childNodes) {
    if (child.dataset?.key) keyed.set(child.dataset.key, child);
  }
  let at = target.firstChild;
  for (const next of wanted) {
    const key = next.dataset?.key;
    let old = key ? keyed.get(key) : at;
    if (!key && old?.dataset?.key) old = null; // a keyed element is only ever taken by its key
    if (old && alike(old, next)) {
      if (old !== at) target.insertBefore(old, at);
      else at = at.nextSibling;
      patch(old, next);
      if (key) keyed.delete(key);
    } else {
      target.insertBefore(next, at);
    }
  }
  while (at) {
    const following = at.nextSibling;
    destroyIslands(at);
    at.remove();
    at = following;
  }
}

function alike(old, next) {
  const fields = old instanceof HTMLInputElement || old instanceof HTMLTextAreaElement || old instanceof HTMLSelectElement;
  if (fields && (old.name !== next.name || old.type !== next.type)) return false; // what was typed into one is not another's
  return old.nodeType === next.nodeType && old.nodeName === next.nodeName && Boolean(old.island) === Boolean(next.island);
}

function patch(old, next) {
  if (old === next) return;
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    const kept = name === "open" || (old.island && name === "style");
    if (!next.hasAttribute(name) && !kept) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const handler of ["onclick", "onsubmit", "oninput", "onchange", "ontoggle"]) {
    if (old[handler] !== next[handler]) old[handler] = next[handler];
  }
  if (old.island) {
    old.island.data = next.island.data;
    old.island.drawn?.update(old.island.data);
    return;
  }
  if (old instanceof HTMLInputElement || old instanceof HTMLTextAreaElement) return; // what was typed stays
  patchChildren(old, [...next.childNodes]);
}

function drawIslands(target) {
  for (const element of target.querySelectorAll("[data-key]")) {
    if (element.island && !element.island.drawn) element.island.drawn = element.island.mount(element, element.island.data);
  }
}

function destroyIslands(node) {
  const islands = node.querySelectorAll ? [node, ...node.querySelectorAll("[data-key]")] : [];
  for (const element of islands) element.island?.drawn?.destroy();
}
