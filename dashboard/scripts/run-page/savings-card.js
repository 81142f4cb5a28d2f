/*
 * What a batch takes, part by part and epoch by epoch, beside what could be saved; and why, layer by layer.
 */

import * as rest from "../api/recorded.js";
import { Chart } from "../plot/line-chart.js";
import { nothingYet } from "../run-data/feed.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { fileButtons } from "../ui/table-buttons.js";
import * as savings from "./savings.js";

/** @import { Epoch, Missing, Parts, Plan, Range, StepTimes } from "../../types/pages" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { Line } from "../plot/line-pen.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {Epoch & {step_ms: StepTimes}} Timed an epoch whose steps were timed. */
/** @typedef {{epoch: number, saving: savings.Counted}} Told what is known of an epoch's saving. */

const { number, percent, count } = format;
const ASK_MS = 150;
const FOLLOW_MS = 3000; // nobody reads a table that changes every second

const ms = (/** @type {Missing<number>} */ value) => `${number(value)} ms`;
const STACK = /** @type {const} */ ([
  { part: "forward", name: "forward", colour: "var(--neq-series-1)" },
  { part: "backward", name: "backward", colour: "var(--neq-series-2)" },
  { part: "optimizer", name: "optimizer", colour: "var(--neq-series-3)" },
  { part: "probe", name: "measuring φ", colour: "var(--neq-series-4)" },
]);

/** What the charts are called, aloud and in the names of files. @type {Record<string, string>} */
const SPOKEN = { step_ms: "ms per batch", step_fraction: "step relative to a dense step" };

export class SavingsCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Parts} options.parts of the page.
   * @param {Record<string, Figure>} options.figures templates `step_ms` and `step_fraction`.
   * @param {Feed} options.feed
   * @param {(epoch: number|null) => void} options.onPoint
   * @param {(epoch: number) => void} options.onChoose
   */
  constructor({ scope, parts, figures, feed, onPoint, onChoose }) {
    this.scope = scope;
    this.parts = parts;
    this.feed = feed;
    this.epoch = -1; // of the page's cursor
    this.following = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} until the plans are asked for. */
    this.asked = undefined;
    this.askedAt = -Infinity;
    /** @type {number | null} the epoch whose plans are shown. */
    this.shown = null;
    /** @type {string | null} the plans that are shown, or the words in their place. */
    this.told = null;
    const chart = (/** @type {string} */ key) =>
      new Chart({
        scope,
        host: parts[key],
        figure: figures[key],
        name: `${feed.record.name} ${SPOKEN[key]}`,
        about: () => ({ what: figures[key].layout.title.text, run: feed.record.name }),
        onHover: (cell) => onPoint(cell?.column ?? null),
        onClick: (cell) => onChoose(cell.column),
      });
    this.charts = ["step_ms", "step_fraction"].map(chart);
    this.draw = scope.once(() => this.#draw());
    for (const kind of /** @type {const} */ (["run", "history", "epoch"])) feed.on(kind, () => this.draw());
    this.inSight = false;
    this.#watchPlans();
    parts.plans.after(fileButtons(parts.plans, "Backward pass by layer", () => `${feed.record.name}, epoch ${this.shown}`));
    scope.finally(() => clearTimeout(this.asked));
    this.draw();
  }

  #watchPlans() {
    const observer = new IntersectionObserver(([seen]) => {
      this.inSight = seen.isIntersecting;
      this.#askSoon();
    });
    observer.observe(this.parts.plans);
    this.scope.finally(() => observer.disconnect());
  }

  /** @param {any} Plotly */
  start(Plotly) {
    return Promise.all(this.charts.map((chart) => chart.start(Plotly)));
  }

  /** @param {Together} together */
  join(together) {
    for (const chart of this.charts) together.add(chart);
  }

  /**
   * The page's epoch cursor, -1 while no epoch is finished; whether it follows the newest, or the reader moved it.
   * @param {number} epoch @param {boolean} following
   */
  setCursor(epoch, following) {
    this.epoch = epoch;
    this.following = following;
    this.draw();
    this.#askSoon();
  }

  // ------------------------------------------------------------ measured and counted

  #draw() {
    const { feed, parts } = this;
    const { main, more } = savings.words(feed, this.epoch);
    say(parts["savings-words"], main);
    say(parts["savings-more"], more);
    parts["savings-more"].hidden = !more;
    const timed = feed.epochs.filter(isTimed);
    const none = nothingYet(feed) || (timed.length ? "" : "The steps of this run were not timed.");
    for (const chart of this.charts) chart.say(none);
    this.charts[0].draw(stacked(timed));
    this.charts[1].draw(fractions(feed.epochs.filter(Boolean)));
    for (const chart of this.charts) this.#describe(chart);
  }

  /** @param {Chart} chart */
  #describe(chart) {
    const values = chart.valuesAt(this.epoch).map(([name, words]) => `${name} ${words}`);
    const told = values.length ? `At epoch ${this.epoch}: ${values.join("; ")}.` : "Nothing was measured at this epoch.";
    chart.describe(`${chart.figure.layout.title.text} by epoch. ${told}`);
  }

  // ------------------------------------------------------------ plans

  /** Asks for the plans of the cursor's epoch once it rests, or now and then of the newest; only where they are seen. */
  #askSoon() {
    clearTimeout(this.asked);
    if (!this.inSight || this.epoch === this.shown) return;
    if (this.epoch < 0) return this.#say(nothingYet(this.feed) || "Loading…");
    const wait = this.following ? this.askedAt + FOLLOW_MS - performance.now() : ASK_MS;
    this.asked = setTimeout(() => this.#ask(this.epoch), Math.max(0, wait));
    return undefined;
  }

  /** @param {number} epoch */
  async #ask(epoch) {
    this.askedAt = performance.now();
    try {
      /** @type {{layers: Plan[]}} */
      const { layers } = await rest.plans(this.feed.id, epoch, this.scope.signal);
      if (this.scope.ended || epoch !== this.epoch) return;
      this.shown = epoch;
      if (!layers.length) return this.#say(`Backward plans were not recorded in epoch ${epoch}.`);
      say(this.parts["plans-title"], `Backward plans in epoch ${epoch}: ${savings.planWords(layers)}`);
      const text = JSON.stringify(layers);
      if (text !== this.told) this.parts.plans.replaceChildren(table(layers));
      this.told = text;
    } catch (problem) {
      const error = /** @type {Error} */ (problem);
      if (error.name !== "AbortError") this.#say(error.message);
    }
    return undefined;
  }

  /** @param {string} words */
  #say(words) {
    if (words === this.told) return;
    this.told = words;
    say(this.parts["plans-title"], "Backward pass by layer");
    this.parts.plans.replaceChildren(element("p.picture-empty", {}, words));
  }
}

/** @param {Epoch} epoch @returns {epoch is Timed} */
const isTimed = (epoch) => Boolean(epoch?.step_ms);

/** One band on the other, and the dense step of the same time as a line with its spread. @param {Timed[]} timed @returns {Line[]} */
function stacked(timed) {
  const x = timed.map(({ epoch }) => epoch);
  let below = x.map(() => 0);
  const bands = STACK.map(({ part, ...line }) => {
    const own = timed.map(({ step_ms }) => step_ms[part]);
    const ranges = timed.map(({ step_ms }) => (part === "probe" ? null : step_ms.ranges?.[part]));
    const y = own.map((value, place) => below[place] + value);
    const words = (/** @type {number} */ _, /** @type {number} */ epoch) => msRange(own[x.indexOf(epoch)], ranges[x.indexOf(epoch)]);
    const band = { ...line, x, y, below, words, raw: own };
    below = y;
    return band;
  });
  return [...bands, ...denseStep(x, timed)];
}

/** The dense step as a line with its spread; none where none was timed. @param {number[]} x epochs. @param {Timed[]} timed @returns {Line[]} */
function denseStep(x, timed) {
  const spread = timed.map(({ step_ms }) => step_ms.dense?.step);
  if (!spread.some(Boolean)) return [];
  const y = spread.map((step) => step?.median ?? null);
  const words = (/** @type {number} */ value, /** @type {number} */ epoch) => msRange(value, spread[x.indexOf(epoch)]);
  return [{ name: "dense step", x, y, colour: "var(--neq-text)", dash: "dash", width: 1.2, words, spread }];
}

/** @param {number} value @param {Missing<Range>} range */
const msRange = (value, range) => (range ? `${ms(value)} (${number(range.low)} to ${number(range.high)})` : ms(value));

/**
 * Fractions of the dense step: by FLOPs, at least, and measured with the spread. Epochs that cannot tell are gaps.
 * @param {Epoch[]} epochs @returns {Line[]}
 */
function fractions(epochs) {
  /** @type {Told[]} */
  const told = epochs.flatMap((epoch) => {
    const saving = savings.of(epoch);
    return saving ? [{ epoch: epoch.epoch, saving }] : [];
  });
  /** @param {string} name @param {string} colour @param {(told: Told, at: number) => number | null} of @param {Partial<Line>} [more] */
  const line = (name, colour, of, more = {}) => ({
    name,
    colour,
    x: told.map(({ epoch }) => epoch),
    y: told.map(of),
    words: (/** @type {number} */ fraction) => percent(fraction),
    ...more,
  });
  const spread = told.map(({ saving }) => fraction(saving.step.measured));
  const words = (/** @type {number} */ _, /** @type {number} */ epoch) =>
    shareRange(spread[told.findIndex((each) => each.epoch === epoch)]);
  const lines = [
    line("FLOP lower bound", "var(--neq-muted)", ({ saving }) => 1 + saving.step.bound, { dash: "dash", width: 1.2 }),
    line("FLOPs", "var(--neq-series-3)", ({ saving }) => 1 + saving.step.flops, { dash: "dot" }),
  ];
  if (!spread.some(Boolean)) return lines;
  return [
    ...lines,
    line("with φ", "var(--neq-series-4)", ({ saving }) => (saving.with_phi ? 1 + saving.with_phi.median : null), { width: 1.2 }),
    line("measured", "var(--neq-series-1)", (_, at) => spread[at]?.median ?? null, { words, spread }),
  ];
}

/** @param {Missing<Range>} range */
const shareRange = (range) => `${percent(range?.median)} (${percent(range?.low)} to ${percent(range?.high)})`;

/** What is left of the dense step, of how it changed. @param {Missing<Range>} change */
const fraction = (change) => change && { low: 1 + change.low, median: 1 + change.median, high: 1 + change.high };

/** @param {Plan[]} layers */
function table(layers) {
  const heads = ["Layer", "Trainable", "Plan", "Gradient rows computed", "ms: those rows / all rows", "Reason"];
  const head = element("tr", {}, ...heads.map((words) => element("th", { scope: "col" }, words)));
  return element("table.plans-table", {}, element("thead", {}, head), element("tbody", {}, ...layers.map(row)));
}

/** @param {Plan} plan */
function row({ name, type, neurons, active, kind, computed, dense_ms, rows_ms, reason }) {
  const measured = dense_ms === null ? format.NOTHING : `${ms(rows_ms)} / ${ms(dense_ms)}`;
  const cell = (/** @type {string} */ words, /** @type {number | null} */ value = null) => element("td", { "data-value": value }, words);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name, " ", element("span.muted", {}, type)),
    cell(`${count(active)} of ${count(neurons)}`),
    element("td", {}, element("span.plan", { "data-kind": kind }, kind)),
    cell(count(computed), computed),
    cell(measured),
    cell(reason),
  );
}
