/*
 * What the run found in its data: classes and their images, sizes and values, files that were passed over.
 */

import { ApiError } from "../api/client.js";
import * as rest from "../api/recorded.js";
import { queuedYet } from "../run-data/feed.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { fileButtons } from "../ui/table-buttons.js";

/** @import { DataFound } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {DataFound["parts"]} PartsFound */
/** @typedef {DataFound["classes"][number]} ClassFound */

const { count } = format;
const number = (/** @type {number} */ value) => (Number.isInteger(value) ? count(value) : format.number(value));
/** Classes that are seen at once; the others open on demand. */
const AT_ONCE = 20;
const PARTS = { train: "Training", test: "Test", probe: "Probe" };

export class DataCard {
  /** @param {{scope: Scope, host: HTMLElement, card: HTMLElement, feed: Feed}} options card: what is hidden while an external run tells of none. */
  constructor({ scope, host, card, feed }) {
    this.scope = scope;
    this.host = host;
    this.card = card;
    this.feed = feed;
    this.#say("Loading…");
    feed.on("layers", () => this.#load());
    for (const kind of /** @type {const} */ (["history", "run", "end"]))
      feed.on(kind, () => feed.layers.length || this.#say(waiting(feed)));
  }

  async #load() {
    try {
      const { started } = this.feed;
      const found = started && "data" in started && !this.feed.external ? started.data : await rest.data(this.feed.id, this.scope.signal);
      if (!this.scope.ended) this.#draw(found || null);
    } catch (error) {
      if (this.scope.ended) return;
      if (!(error instanceof ApiError)) throw error;
      this.#say(error.message);
    }
  }

  /** @param {DataFound | null} found */
  #draw(found) {
    if (this.feed.external && !found) return undefined;
    this.card.hidden = false;
    if (!found) return this.#say("This run was trained by a version that did not record data statistics.");
    const warnings = found.warnings.map((text) => element("p.data-warning", {}, text));
    const notes = found.notes.map((text) => element("p", {}, text));
    const more = found.more_classes ? [element("p.muted", {}, moreWords(found.more_classes))] : [];
    return this.host.replaceChildren(...warnings, table(found), ...more, facts(found), ...passedOver(found.passed_over), ...notes);
  }

  /** @param {string} words */
  #say(words) {
    this.host.replaceChildren(element("p.picture-empty", {}, words));
  }
}

/** Why nothing is told yet. @param {Feed} feed */
function waiting(feed) {
  if (!feed.loaded) return "Loading…";
  if (feed.record.state === "queued") return queuedYet(feed.record, "Its data has not been scanned yet.");
  return feed.ended ? "The run ended before it had scanned its data." : "The run is scanning its data.";
}

/** Classes × parts; beyond the first the rows open on demand. @param {DataFound} found */
function table({ parts, classes, class_count: all }) {
  const names = parts.map(({ part }) => element("th", { scope: "col" }, PARTS[part]));
  const head = element("tr", {}, element("th", { scope: "col" }, "Class"), ...names);
  const totals = parts.map(({ images }) => element("td", {}, count(images)));
  const first = element("tr.data-total", {}, element("th", { scope: "row" }, `All ${count(all)} classes`), ...totals);
  const whole = element(
    "table.data-table",
    {},
    element("thead", {}, head),
    element("tbody", {}, first, ...classes.slice(0, AT_ONCE).map(row(parts))),
  );
  const scroll = element("div.data-scroll", { tabindex: "0", role: "region", "aria-label": "Classes and their images" }, whole);
  const files = fileButtons(scroll, "Classes and their images");
  if (classes.length <= AT_ONCE) return element("div", {}, scroll, files);
  const rest = element("tbody", { hidden: true }, ...classes.slice(AT_ONCE).map(row(parts)));
  whole.append(rest);
  return element("div", {}, scroll, files, opener(rest, classes.length - AT_ONCE));
}

/** What shows and hides the rest of the classes. @param {HTMLElement} rest @param {number} classes */
function opener(rest, classes) {
  const words = `Show ${format.counted(classes, "more class", "more classes")}`;
  const button = element("button.button.button-small", { type: "button", "aria-expanded": "false" }, words);
  button.addEventListener("click", () => {
    rest.hidden = !rest.hidden;
    button.setAttribute("aria-expanded", String(!rest.hidden));
    say(button, rest.hidden ? words : "Show fewer classes");
  });
  return button;
}

/** Draws a class's row. @param {PartsFound} parts @returns {(each: ClassFound) => HTMLElement} */
const row = (parts) => (each) => {
  const cells = parts.map(({ part }) => element(each[part] ? "td" : "td.data-none", {}, count(each[part])));
  return element("tr", {}, element("th", { scope: "row" }, each.name), ...cells);
};

/** @param {NonNullable<DataFound["more_classes"]>} more */
function moreWords({ count: others, train, test }) {
  return `${format.counted(others, "more class", "more classes")}: ${range(train)} training and ${range(test)} test images each.`;
}

/** Where the parts come from, sizes, and values. @param {DataFound} found */
function facts({ parts, sizes, values }) {
  const rows = parts.map(({ part, source }) => [`${PARTS[part]} images`, source]);
  const masks = parts.flatMap(({ part, masks_read: read, images }) =>
    typeof read === "number" ? [`${of(read, images)} ${PARTS[part].toLowerCase()} masks`] : [],
  );
  if (masks.length) rows.push(["Classes counted from", masks.join(", ")]);
  if (sizes) rows.push(["Size", `${range(sizes.width)} × ${range(sizes.height)} px${looked(sizes)}`]);
  if (values) rows.push(["Values", `${number(values.low)} to ${number(values.high)}; white is ${number(values.white)}${looked(values)}`]);
  const list = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element("dl.data-facts", {}, ...list);
}

/** @param {DataFound["passed_over"]} reasons */
function passedOver(reasons) {
  if (!reasons.length) return [];
  const total = reasons.reduce((sum, each) => sum + each.count, 0);
  const items = reasons.map(({ reason, count: files, examples }) => {
    const names = examples.join(", ") + (files > examples.length ? ", …" : "");
    return element("li", {}, `${count(files)} × ${reason} `, element("span.muted", {}, names));
  });
  return [element("h3", {}, `Skipped (${count(total)})`), element("ul.data-passed", {}, ...items)];
}

/** @param {[number, number]} ends */
const range = ([low, high]) => (low === high ? count(low) : `${count(low)}–${count(high)}`);
/** @param {number} some @param {number} all */
const of = (some, all) => (some === all ? `all ${count(all)}` : `${count(some)} of ${count(all)}`);
/** @param {{looked_at: number, images: number}} among */
const looked = ({ looked_at: some, images }) => (some === images ? "" : ` (in ${of(some, images)} images)`);
