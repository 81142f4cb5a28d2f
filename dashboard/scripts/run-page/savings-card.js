// @ts-nocheck (types to come)
/*
 * SavingsCard: what a batch takes, part by part and epoch by epoch, beside what could be saved; and why, layer by layer.
 */

import * as rest from "../api/recorded.js";
import { Chart } from "../plot/line-chart.js";
import { nothingYet } from "../run-data/feed.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import * as savings from "./savings.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

const { number, percent, count } = format;
const ASK_MS = 150;
const FOLLOW_MS = 3000; // nobody reads a table that changes every second

const ms = (value) => `${number(value)} ms`;
const STACK = [
  { part: "forward", name: "forward", colour: "var(--neq-series-1)" },
  { part: "backward", name: "backward", colour: "var(--neq-series-2)" },
  { part: "optimizer", name: "optimizer", colour: "var(--neq-series-3)" },
  { part: "probe", name: "measuring φ", colour: "var(--neq-series-4)" },
];

export class SavingsCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Record<string, HTMLElement>} options.parts of the page.
   * @param {object} options.figures templates `step_ms` and `step_share`.
   * @param {Feed} options.feed
   * @param {(epoch: number|null) => void} options.onPoint
   * @param {(epoch: number) => void} options.onChoose
   */
  constructor({ scope, parts, figures, feed, onPoint, onChoose }) {
    Object.assign(this, { scope, parts, feed, epoch: -1, asked: 0, askedAt: -Infinity, shown: null });
    const chart = (key) =>
      new Chart({
        scope,
        host: parts[key],
        figure: figures[key],
        name: `${feed.record.name} ${key}`,
        onHover: (cell) => onPoint(cell?.column ?? null),
        onClick: (cell) => onChoose(cell.column),
      });
    this.charts = ["step_ms", "step_share"].map(chart);
    this.draw = scope.once(() => this.#draw());
    for (const kind of ["run", "history", "epoch"]) feed.on(kind, () => this.draw());
    this.inSight = false;
    const observer = new IntersectionObserver(([seen]) => {
      this.inSight = seen.isIntersecting;
      this.#askSoon();
    });
    observer.observe(parts.plans);
    scope.finally(() => observer.disconnect());
    scope.finally(() => clearTimeout(this.asked));
    this.draw();
  }

  start(Plotly) {
    return Promise.all(this.charts.map((chart) => chart.start(Plotly)));
  }

  join(together) {
    for (const chart of this.charts) together.add(chart);
  }

  /** The page's epoch cursor, -1 while no epoch is finished; whether it follows the newest, or the reader moved it. */
  setCursor(epoch, following) {
    Object.assign(this, { epoch, following });
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
    const timed = feed.epochs.filter((epoch) => epoch?.step_ms);
    const none = nothingYet(feed) || (timed.length ? "" : "The steps of this run were not timed.");
    for (const chart of this.charts) chart.say(none);
    this.charts[0].draw(stacked(timed));
    this.charts[1].draw(shares(feed.epochs.filter(Boolean)));
    for (const chart of this.charts) this.#describe(chart);
  }

  #describe(chart) {
    const values = chart.valuesAt(this.epoch).map(([name, words]) => `${name} ${words}`);
    const told = values.length ? `At epoch ${this.epoch}: ${values.join("; ")}.` : "Nothing was measured there.";
    chart.describe(`${chart.figure.layout.title.text} over the epochs. ${told}`);
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

  async #ask(epoch) {
    this.askedAt = performance.now();
    try {
      const { layers } = await rest.plans(this.feed.id, epoch, this.scope.signal);
      if (this.scope.ended || epoch !== this.epoch) return;
      this.shown = epoch;
      if (!layers.length) return this.#say(`The layers' plans were not recorded in epoch ${epoch}.`);
      say(this.parts["plans-title"], `Layers in epoch ${epoch}: ${savings.planWords(layers)}`);
      const text = JSON.stringify(layers);
      if (text !== this.told) this.parts.plans.replaceChildren(table(layers));
      this.told = text;
    } catch (error) {
      if (error.name !== "AbortError") this.#say(error.message);
    }
    return undefined;
  }

  #say(words) {
    if (words === this.told) return;
    this.told = words;
    say(this.parts["plans-title"], "Backward pass by layer");
    this.parts.plans.replaceChildren(element("p.picture-empty", {}, words));
  }
}

/** One band on the other, and the dense step of the same time as a line with its spread. */
function stacked(timed) {
  const x = timed.map(({ epoch }) => epoch);
  let below = x.map(() => 0);
  const bands = STACK.map(({ part, ...line }) => {
    const own = timed.map(({ step_ms }) => step_ms[part]);
    const ranges = timed.map(({ step_ms }) => step_ms.ranges?.[part]);
    const y = own.map((value, place) => below[place] + value);
    const words = (_, epoch) => msRange(own[x.indexOf(epoch)], ranges[x.indexOf(epoch)]);
    const band = { ...line, x, y, below, words };
    below = y;
    return band;
  });
  const dense = timed.map(({ step_ms }) => step_ms.dense?.step);
  if (!dense.some(Boolean)) return bands;
  const words = (value, epoch) => msRange(value, dense[x.indexOf(epoch)]);
  const line = {
    name: "dense step",
    x,
    y: dense.map((step) => step?.median ?? null),
    colour: "var(--neq-text)",
    dash: "dash",
    width: 1.2,
  };
  return [...bands, { ...line, words, spread: dense }];
}

const msRange = (value, range) => (range ? `${ms(value)} (${number(range.low)} to ${number(range.high)})` : ms(value));

/** Shares of the dense step: by FLOPs, at least, and measured with the spread. Epochs that cannot tell are gaps. */
function shares(epochs) {
  const told = epochs.map((epoch) => ({ epoch: epoch.epoch, saving: savings.of(epoch) })).filter(({ saving }) => saving);
  const line = (name, colour, of, more = {}) => ({
    name,
    colour,
    x: told.map(({ epoch }) => epoch),
    y: told.map(of),
    words: (share) => percent(share),
    ...more,
  });
  const spread = told.map(({ saving }) => share(saving.step.measured));
  const place = (epoch) => told.findIndex((each) => each.epoch === epoch);
  const words = (_, epoch) =>
    `${percent(spread[place(epoch)].median)} (${percent(spread[place(epoch)].low)} to ${percent(spread[place(epoch)].high)})`;
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

/** What is left of the dense step, of how it changed. */
const share = (change) => change && { low: 1 + change.low, median: 1 + change.median, high: 1 + change.high };

function table(layers) {
  const heads = ["Layer", "Moving", "Plan", "Rows computed", "ms: those rows / all rows", "Why"];
  const head = element("tr", {}, ...heads.map((words) => element("th", { scope: "col" }, words)));
  return element("table.plans-table", {}, element("thead", {}, head), element("tbody", {}, ...layers.map(row)));
}

function row({ name, type, neurons, active, kind, computed, dense_ms, rows_ms, reason }) {
  const measured = dense_ms === null ? format.NOTHING : `${ms(rows_ms)} / ${ms(dense_ms)}`;
  const cell = (words) => element("td", {}, words);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name, " ", element("span.muted", {}, type)),
    cell(`${count(active)} of ${count(neurons)}`),
    element("td", {}, element("span.plan", { "data-kind": kind }, kind)),
    cell(count(computed)),
    cell(measured),
    cell(reason),
  );
}
