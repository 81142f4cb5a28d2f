/*
 * How much of a run's network is watched, and what is not and why. Whatever the page calls frozen is a fraction of the
 * watched neurons alone.
 */

import * as rest from "../api/recorded.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { fileButtons } from "../ui/table-buttons.js";

/** @import { Coverage as CoverageFound } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** How much is watched, in a sentence. @param {CoverageFound} coverage */
function coverageWords({ fraction, watched, parameters }) {
  if (watched === parameters) return "The watched layers hold all trainable parameters of the network.";
  const { percent, count } = format;
  // Rounded down, for what is left out must not be rounded away.
  const watchedPercent = percent(Math.floor(fraction * 1000) / 1000);
  return `The watched layers hold ${watchedPercent} of the trainable parameters (${count(watched)} of ${count(parameters)}).`;
}

export class Coverage {
  /** @param {{scope: Scope, host: HTMLElement, feed: Feed}} options */
  constructor({ scope, host, feed }) {
    this.scope = scope;
    this.host = host;
    this.feed = feed;
  }

  /** Asks for it, once the run has started; a run of an earlier release has none. */
  async ask() {
    /** @type {CoverageFound | null} */
    const coverage = await rest.coverage(this.feed.id, this.scope.signal).catch(() => null);
    if (!coverage || this.scope.ended) return;
    this.host.replaceChildren(drawn(coverage));
    this.host.hidden = false;
  }
}

/** @param {CoverageFound} coverage */
function drawn(coverage) {
  const words = coverageWords(coverage);
  if (!coverage.unwatched.length) return element("p", {}, words);
  const { count } = format;
  const modules = coverage.unwatched.length + coverage.more_modules;
  const left = `${count(modules)} ${modules === 1 ? "module is" : "modules are"} not watched`;
  const summary = element("summary", {}, words, " ", element("span.coverage-left", {}, left));
  const note = element(
    "p.muted",
    {},
    "Only neurons of watched layers are measured and can freeze; every fraction of frozen neurons refers to them.",
  );
  return element("details", {}, summary, note, table(coverage));
}

/** @param {CoverageFound} coverage */
function table({ unwatched, more_modules: more, more_parameters: parameters }) {
  const { count } = format;
  const head = ["Not watched", "Type", "Parameters", "Reason"].map((words) => element("th", { scope: "col" }, words));
  const rows = unwatched.map((one) => row(one.name || "the network itself", one.type, count(one.parameters), one.reason));
  if (more) rows.push(row(`${count(more)} more`, "", count(parameters), "The list is truncated; NEq.coverage() returns all of it."));
  const drawn = element("table.coverage-table", {}, element("thead", {}, element("tr", {}, ...head)));
  drawn.append(element("tbody", {}, ...rows));
  const scroll = element("div.coverage-scroll", { tabindex: 0, role: "region", "aria-label": "Modules that are not watched" }, drawn);
  return element("div", {}, scroll, fileButtons(scroll, "Modules that are not watched"));
}

/** @param {string} name @param {...string} cells */
function row(name, ...cells) {
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((words) => element("td", {}, words)));
}
