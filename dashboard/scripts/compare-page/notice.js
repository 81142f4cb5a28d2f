/*
 * What the page says above all: which runs are not there, what of its address it cannot follow, what to do first.
 */

import { element } from "../ui/dom.js";
import { leftOutWords } from "../ui/left-out.js";

/** @import { CompareData } from "./page.js" */

/** @param {HTMLElement} host @param {CompareData} data @param {string[]} leftOut of the address. */
export function sayNotice(host, { comparison: { missing, runs }, left_out: left, most }, leftOut) {
  const words = [
    missing.length && `There is no run ${missing.join(", ")}; it may have been deleted.`,
    left && `At most ${most} runs can be compared; ${left} more ${left === 1 ? "was" : "were"} left out.`,
    leftOutWords(leftOut),
    runs.length === 1 && "Add a second run.",
    !runs.length &&
      "Search for runs to compare, or tick them in the table of runs: their curves, neurons, masks and settings side by side.",
  ].filter((text) => typeof text === "string" && text);
  host.hidden = !words.length;
  host.dataset.kind = missing.length || leftOut.length ? "warn" : "quiet";
  host.replaceChildren(...words.map((text) => element("p", {}, /** @type {string} */ (text))));
}
