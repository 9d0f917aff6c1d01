// While a finger is down nothing is drawn anew, so that nothing moves under it.

const pressed = { down: false, waiting: false };

/** Return whether a finger or a button of the mouse is down; what was to be drawn is drawn when it is up again. */
export function isTouched() {
  if (pressed.down) pressed.waiting = true;
  return pressed.down;
}

/** Listen; `draw` draws what has waited. */
export function watchTouch(draw) {
  const release = () => {
    pressed.down = false;
    if (pressed.waiting) setTimeout(draw, 0); // after the click that this release makes
    pressed.waiting = false;
  };
  addEventListener("pointerdown", () => { pressed.down = true; });
  for (const over of ["pointerup", "pointercancel", "blur"]) addEventListener(over, release);
}
