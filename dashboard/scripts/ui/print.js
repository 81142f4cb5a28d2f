/*
 * Paper is light: a page that is printed while it is dark takes the light colours first, pictures too, and goes dark again.
 */

import { drawNow } from "./page-scope.js";

const SCHEME = "data-mantine-color-scheme";
/** @type {string | null} the scheme on the screen, while the page is on paper. */
let former = null;

function toPaper() {
  if (former !== null) return;
  const root = document.documentElement;
  former = root.getAttribute(SCHEME) ?? "light";
  root.setAttribute(SCHEME, "light");
  // Who follows the scheme hears of it before this. The browser prints before the next frame, so what waits for one is drawn.
  queueMicrotask(() => drawNow());
}

function toScreen() {
  if (former === null) return;
  document.documentElement.setAttribute(SCHEME, former);
  former = null;
}

/** Listens for printing. */
export function start() {
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", toScreen);
  // Print previews of developer tools tell nothing else.
  window.matchMedia("print").addEventListener("change", ({ matches }) => (matches ? toPaper() : toScreen()));
}
