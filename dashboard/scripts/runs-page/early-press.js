/*
 * A button of the page that is pressed before the table is there: its press waits for the table instead of being lost.
 */

const BUTTONS = ["runs-columns", "runs-views", "runs-save", "runs-queue", "runs-keys"];

/** @type {HTMLElement | null} */
let pressed = null;
let waiting = true;

/** Listens, for as long as the tab is open. */
export const listen = () =>
  document.addEventListener(
    "click",
    ({ target }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      if (waiting && button && BUTTONS.includes(button.id)) pressed = button;
    },
    { capture: true },
  );

/** The table is not there yet, or no longer. */
export function hold() {
  waiting = true;
  pressed = null;
}

/** The table is there: presses the button that was pressed last meanwhile, if any. */
export function release() {
  waiting = false;
  if (pressed?.isConnected) pressed.click();
  pressed = null;
}
