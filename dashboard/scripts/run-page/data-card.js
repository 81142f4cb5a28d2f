// @ts-nocheck (types to come)
/*
 * DataCard: what the run found in its data: classes and their images, sizes and values, files that were passed over.
 */

import { ApiError } from "../api/client.js";
import * as rest from "../api/recorded.js";
import { queuedYet } from "../run-data/feed.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

// Scripts load in the order of their names: format comes after this one.
const count = (value) => format.count(value);
const number = (value) => (Number.isInteger(value) ? count(value) : format.number(value));
/** Classes that are seen at once; the others open on demand. */
const AT_ONCE = 20;
const PARTS = { train: "Training", test: "Test", probe: "Probe" };

export class DataCard {
  /** @param {{scope: Scope, host: HTMLElement, feed: Feed}} options */
  constructor({ scope, host, feed }) {
    Object.assign(this, { scope, host, feed });
    this.#say("Loading…");
    feed.on("layers", () => this.#load());
    for (const kind of ["history", "run", "end"]) feed.on(kind, () => feed.layers.length || this.#say(waiting(feed)));
  }

  async #load() {
    try {
      const found = this.feed.started ? this.feed.started.data : await rest.data(this.feed.id, this.scope.signal);
      if (!this.scope.ended) this.#draw(found || null);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.scope.ended) this.#say(error.message);
    }
  }

  #draw(found) {
    if (!found) return this.#say("This run was trained by a version that did not record what it found in its data.");
    const warnings = found.warnings.map((text) => element("p.data-warning", {}, text));
    const notes = found.notes.map((text) => element("p", {}, text));
    const more = found.more_classes ? [element("p.muted", {}, moreWords(found.more_classes))] : [];
    return this.host.replaceChildren(...warnings, table(found), ...more, facts(found), ...passedOver(found.passed_over), ...notes);
  }

  #say(words) {
    this.host.replaceChildren(element("p.picture-empty", {}, words));
  }
}

/** Why nothing is told yet. */
function waiting(feed) {
  if (!feed.loaded) return "Loading…";
  if (feed.record.state === "queued") return queuedYet(feed.record, "It has not looked through its data yet.");
  return feed.ended ? "The run ended before it had looked through its data." : "The run is looking through its data.";
}

/** Classes × parts; beyond the first the rows open on demand. */
function table({ parts, classes, class_count: all }) {
  const name = ({ part }) => element("th", { scope: "col" }, PARTS[part]);
  const head = element("tr", {}, element("th", { scope: "col" }, "Class"), ...parts.map(name));
  const totals = parts.map(({ images }) => element("td", {}, count(images)));
  const first = element("tr.data-total", {}, element("th", { scope: "row" }, `All ${count(all)} classes`), ...totals);
  const whole = element(
    "table.data-table",
    {},
    element("thead", {}, head),
    element("tbody", {}, first, ...classes.slice(0, AT_ONCE).map(row(parts))),
  );
  const scroll = element("div.data-scroll", { tabindex: "0", role: "region", "aria-label": "Classes and their images" }, whole);
  if (classes.length <= AT_ONCE) return scroll;
  const rest = element("tbody", {}, ...classes.slice(AT_ONCE).map(row(parts)));
  rest.hidden = true;
  whole.append(rest);
  const words = `Show ${format.counted(classes.length - AT_ONCE, "more class", "more classes")}`;
  const opener = element("button.button.button-small", { type: "button", "aria-expanded": "false" }, words);
  opener.addEventListener("click", () => {
    rest.hidden = !rest.hidden;
    opener.setAttribute("aria-expanded", String(!rest.hidden));
    say(opener, rest.hidden ? words : "Show fewer classes");
  });
  return element("div", {}, scroll, opener);
}

const row = (parts) => (each) => {
  const cells = parts.map(({ part }) => element(each[part] ? "td" : "td.data-none", {}, count(each[part])));
  return element("tr", {}, element("th", { scope: "row" }, each.name), ...cells);
};

function moreWords({ count: others, train, test }) {
  return `${format.counted(others, "more class", "more classes")}: ${range(train)} training and ${range(test)} test images each.`;
}

/** Where the parts come from, sizes, and values. */
function facts({ parts, sizes, values }) {
  const rows = parts.map(({ part, source }) => [`${PARTS[part]} images`, source]);
  const read = parts.filter((part) => part.masks_read !== null);
  if (read.length)
    rows.push([
      "Classes counted in",
      read.map(({ part, masks_read: masks, images }) => `${of(masks, images)} ${PARTS[part].toLowerCase()} masks`).join(", "),
    ]);
  if (sizes) rows.push(["Size", `${range(sizes.width)} × ${range(sizes.height)} px${looked(sizes)}`]);
  if (values) rows.push(["Values", `${number(values.low)} to ${number(values.high)}, white is ${number(values.white)}${looked(values)}`]);
  const list = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element("dl.data-facts", {}, ...list);
}

function passedOver(reasons) {
  if (!reasons.length) return [];
  const total = reasons.reduce((sum, each) => sum + each.count, 0);
  const item = ({ reason, count: files, examples }) =>
    element(
      "li",
      {},
      `${count(files)} × ${reason} `,
      element("span.muted", {}, examples.join(", ") + (files > examples.length ? ", …" : "")),
    );
  return [element("h3", {}, `Passed over (${count(total)})`), element("ul.data-passed", {}, ...reasons.map(item))];
}

const range = ([low, high]) => (low === high ? count(low) : `${count(low)}–${count(high)}`);
const of = (some, all) => (some === all ? `all ${count(all)}` : `${count(some)} of ${count(all)}`);
const looked = ({ looked_at: some, images }) => (some === images ? "" : ` (in ${of(some, images)} images)`);
