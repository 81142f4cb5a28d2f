/*
 * Copying text.
 */

const SAID_MS = 1500;

/** @type {WeakMap<HTMLElement, {words: string | null, timer: ReturnType<typeof setTimeout>}>} buttons that say something else now, and their own words. */
const saying = new WeakMap();

/** Says something on a button for a moment. @param {HTMLElement} button @param {string} text */
function sayFor(button, text) {
  const former = saying.get(button);
  clearTimeout(former?.timer);
  const words = former ? former.words : button.textContent;
  const back = () => {
    saying.delete(button);
    button.textContent = words;
  };
  button.textContent = text;
  saying.set(button, { words, timer: setTimeout(back, SAID_MS) });
}

/** Copies text; says so on the button for a moment. @param {HTMLElement} button @param {string} text */
export async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    sayFor(button, "Copied");
  } catch {
    sayFor(button, "The browser does not allow copying here");
  }
}
