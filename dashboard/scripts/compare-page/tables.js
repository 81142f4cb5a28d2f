/*
 * What the Compare page says in numbers and words: headline numbers, settings, what may be compared.
 */

import { epochRange, epochSeconds, rangeWords } from "../run-data/epoch-times.js";
import { settingName, settings, settingWords } from "../run-data/settings.js";
import * as timing from "../run-data/timing.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { fileButtons } from "../ui/table-buttons.js";

/** @import { Epoch, Missing } from "../../types/pages" */
/** @import { Titles } from "../run-data/settings.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Entry } from "./entry.js" */

const { percent, number, duration, estimate, count } = format;

/** Wall-clock seconds of an epoch. @param {Epoch} epoch */
const secondsOf = ({ seconds }) => epochSeconds({ ...seconds });

/** @typedef {{unit: string, of: (feed: Feed) => Missing<number>}} Exact the value that words round, and its unit. */

/** @param {keyof Epoch} field a number of the newest epoch. @returns {Exact} */
const lastOf = (field, unit = "") => ({ unit, of: ({ last }) => /** @type {Missing<number>} */ (last?.[field]) });

/** @type {[name: string, read: (feed: Feed) => string, exact?: Exact][]} a column's name and what each run has there. */
const NUMBERS = [
  ["State", ({ record }) => record.state + (record.stop_requested && record.state === "running" ? ", stopping" : "")],
  [
    "Epochs",
    ({ record, done }) => [done, timing.planned(record, done)].flatMap((number) => (number === null ? [] : [count(number)])).join(" of "),
  ],
  ["Test accuracy", ({ last }) => percent(last?.test_accuracy), lastOf("test_accuracy", "fraction")],
  ["Best", ({ record }) => percent(record.best_test_accuracy), { unit: "fraction", of: ({ record }) => record.best_test_accuracy }],
  ["Frozen next epoch", ({ last }) => percent(last?.frozen_fraction), lastOf("frozen_fraction", "fraction")],
  ["Frozen during epoch", ({ last }) => percent(last?.applied_fraction), lastOf("applied_fraction", "fraction")],
  ["Training loss", ({ last }) => number(last?.train_loss), lastOf("train_loss")],
  ["Test loss", ({ last }) => number(last?.test_loss), lastOf("test_loss")],
  ["Learning rate", ({ last }) => format.rate(last?.learning_rate), lastOf("learning_rate")],
  ["Time per epoch, wall clock", ({ epochs }) => rangeWords(epochRange(epochs, secondsOf), duration)],
  ["Elapsed", ({ record }) => duration(timing.elapsed(record)), { unit: "s", of: ({ record }) => timing.elapsed(record) }],
  ["Time left", ({ record }) => estimate(timing.left(record))],
  ["Neurons", ({ record }) => count(record.neurons), { unit: "", of: ({ record }) => record.neurons }],
];
/** A reason not to compare single cells: nobody knows whether they may be. */
const UNKNOWN = "unknown weights";
const NOT_SETTINGS = /^(name|tags|notes)$/;

/** @typedef {{name: (Node | string)[], words: string[], differs: boolean}} Row of settings. */

export class CompareTables {
  /** @param {{scope: Scope, parts: Record<string, HTMLElement>, entries: Entry[], titles: Titles}} options parts: the page's. */
  constructor({ scope, parts, entries, titles }) {
    this.parts = parts;
    this.titles = titles;
    this.entries = entries;
    /** Whether settings are shown that do not differ. */
    this.all = false;
    /** @type {string | undefined} the numbers that are shown. */
    this.drawn = undefined;
    this.draw = scope.once(() => this.#draw());
    const choose = (/** @type {boolean} */ all) => {
      this.all = all;
      this.#drawSettings();
    };
    scope.on(parts.differing, "click", () => choose(false));
    scope.on(parts["all-settings"], "click", () => choose(true));
    this.#drawSettings();
    this.#drawLegend();
    parts.numbers.after(fileButtons(parts.numbers, "Headline numbers"));
    parts.settings.after(fileButtons(parts.settings, "Settings"));
    this.draw();
  }

  #heads() {
    return this.entries.map(({ name, colour }) =>
      element("th", { scope: "col" }, element("span.swatch", { style: `background: ${colour}` }), " ", name),
    );
  }

  /** @param {Row[]} rows */
  #table(rows) {
    const line = (/** @type {Row} */ { name, words, differs }) =>
      element(
        "tr",
        differs ? { class: "differs" } : {},
        element("th", { scope: "row" }, ...name),
        ...words.map((value) => element("td", {}, value)),
      );
    return element(
      "table.compare-table",
      {},
      element("thead", {}, element("tr", {}, element("td", { "data-name": "Setting" }), ...this.#heads())),
      element("tbody", {}, ...rows.map(line)),
    );
  }

  #draw() {
    this.#drawNote();
    const rows = this.entries.map(({ feed }) => NUMBERS.map(([, read]) => read(feed)));
    const text = JSON.stringify(rows);
    if (text === this.drawn) return;
    this.drawn = text;
    const head = NUMBERS.map(([name, , exact]) => element("th", { scope: "col", "data-unit": exact?.unit || null }, name));
    const line = (/** @type {string[]} */ values, /** @type {number} */ place) => {
      const { feed, name, colour } = this.entries[place];
      const swatch = element("span.swatch", { style: `background: ${colour}` });
      const link = element("a", { href: `/runs/${feed.id}` }, name);
      const exact = (/** @type {number} */ at) => NUMBERS[at][2]?.of(feed);
      const cells = values.map((value, at) => element("td", { "data-value": exact(at) }, value));
      return element("tr", {}, element("th", { scope: "row" }, swatch, " ", link), ...cells);
    };
    this.parts.numbers.replaceChildren(
      element(
        "table.compare-table.compare-numbers",
        {},
        element("thead", {}, element("tr", {}, element("td", { "data-name": "Run" }), ...head)),
        element("tbody", {}, ...rows.map(line)),
      ),
    );
  }

  /** Every setting of any run: path, each run's value in words (missing: a dash), whether they differ. */
  #settings() {
    const each = this.entries.map(({ config }) => new Map(settings(config)));
    const paths = [...new Set(each.flatMap((settings) => [...settings.keys()]))].filter((path) => !NOT_SETTINGS.test(path));
    return paths.map((path) => {
      const values = each.map((settings) => settings.get(path));
      const differs = new Set(values.map((value) => JSON.stringify(value))).size > 1;
      return { path, words: values.map(settingWords), differs };
    });
  }

  #drawSettings() {
    const { parts } = this;
    parts.differing.setAttribute("aria-pressed", String(!this.all));
    parts["all-settings"].setAttribute("aria-pressed", String(this.all));
    const shown = this.#settings().filter(({ differs }) => this.all || differs);
    if (!shown.length) {
      const words = this.entries.length > 1 ? "These runs have the same settings." : "Only one run is selected.";
      return parts.settings.replaceChildren(element("p.muted", {}, words));
    }
    const row = (/** @type {{path: string, words: string[], differs: boolean}} */ { path, words, differs }) => {
      const [group, rest] = settingName(path, this.titles);
      const whole = path.includes(".") ? [element("span.muted", {}, `${group} `), rest] : [rest || group];
      return { name: whole, words, differs: this.all && differs };
    };
    return parts.settings.replaceChildren(this.#table(shown.map(row)));
  }

  /** Whether neuron 5 of one run is neuron 5 of another: by their layers as they told them, and not by settings alone. */
  #drawNote() {
    const differing = this.#settings()
      .filter(({ differs }) => differs)
      .map(({ path }) => path);
    const layers = this.entries.map(({ feed }) => feed.layers);
    const told = layers.every((each) => each.length);
    const networks = new Set(layers.map((each) => JSON.stringify(each.map(({ name, type, neurons }) => [name, type, neurons]))));
    const reasons = [
      differing.includes("training.seed") && "seed",
      (differing.some((path) => path.startsWith("model.")) || (told && networks.size > 1)) && "network",
      differing.some((path) => path.startsWith("data.")) && "data",
    ].filter((reason) => typeof reason === "string");
    if (!reasons.length && this.entries.some(({ feed }) => feed.external)) reasons.push(UNKNOWN);
    this.parts.note.hidden = this.entries.length < 2;
    this.parts.note.classList.toggle("compare-warning", reasons.length > 0);
    say(this.parts.note, noteWords(reasons, told));
  }

  #drawLegend() {
    this.parts["run-legend"].replaceChildren(
      ...this.entries.map(({ name, colour }) =>
        element("span.legend-item", {}, element("span.line", { style: `border-color: ${colour}` }), name),
      ),
    );
  }
}

/** @param {string[]} reasons why single cells cannot be compared. @param {boolean} told whether each run told its layers. */
function noteWords(reasons, told) {
  if (reasons.includes(UNKNOWN)) {
    return "Whether these runs began with the same weights is not known: a script does not tell its seed. Compare patterns and fractions, not single cells.";
  }
  if (reasons.length) {
    return `These runs differ in ${reasons.join(" and ")}: neuron 5 of one is not neuron 5 of another. Compare patterns and fractions, not single cells.`;
  }
  const settings = "Seed, network and data have the same settings";
  if (!told) return `${settings}; whether single cells can be compared is known once every run has reported its layers.`;
  return `${settings}, and so are the layers: the neurons began with the same weights, so single cells can be compared.`;
}
