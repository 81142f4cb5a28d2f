/*
 * Paper is light and narrow: before a page is printed it takes the light colours and the width of a sheet, and its
 * pictures are drawn anew for both; afterwards all is as it was. What it is of stands above it.
 */

import { element } from "./dom.js";
import { moment } from "./format.js";
import { drawNow } from "./page-scope.js";

const SCHEME = "data-mantine-color-scheme";
/** @type {string | null} the scheme on the screen, while the page is on paper. */
let former = null;
/** @type {HTMLElement | null} */
let head = null;
/** @type {Set<(onPaper: boolean) => void>} */
const listeners = new Set();

/**
 * Calls when the page has become as wide as a sheet, and when it is as wide as the screen again: what fits itself to its
 * size waits for a frame otherwise, which a browser that prints does not.
 * @param {(onPaper: boolean) => void} listener @returns {() => void} stops it.
 */
export function onPrint(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @param {boolean} onPaper */
function tell(onPaper) {
  for (const listener of [...listeners]) {
    try {
      listener(onPaper);
    } catch (problem) {
      reportError(problem);
    }
  }
}

/** What the page is, and where it was found. */
const headOf = () =>
  element(
    "p.paper-head",
    {},
    element("strong", {}, document.title),
    element("span", {}, `${location.href} · ${moment(new Date().toISOString())}`),
  );

function toPaper() {
  if (former !== null) return;
  const root = document.documentElement;
  former = root.getAttribute(SCHEME) ?? "light";
  root.setAttribute(SCHEME, "light");
  root.dataset.paper = "";
  head = headOf();
  document.querySelector(".page")?.prepend(head);
  tell(true);
  // Who follows the scheme hears of it before this. The browser prints before the next frame, so what waits for one is drawn.
  queueMicrotask(() => drawNow());
}

function toScreen() {
  if (former === null) return;
  document.documentElement.setAttribute(SCHEME, former);
  delete document.documentElement.dataset.paper;
  former = null;
  head?.remove();
  tell(false);
}

/** Listens for printing. */
export function start() {
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", toScreen);
  // Print previews of developer tools tell nothing else.
  window.matchMedia("print").addEventListener("change", ({ matches }) => (matches ? toPaper() : toScreen()));
}
