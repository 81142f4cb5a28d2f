/*
 * What a run logs by name: how each metric stands, and the points of those that somebody looks at.
 *
 * An event says only how many points came, but for the scores of an epoch, which it tells. Points are asked for two metrics
 * at a time, with a pause before the next, so that a run that logs a hundred metrics a second is four requests a second;
 * what came meanwhile is one answer. All pages of a run hear of them at the same moment: each waits for a moment of its own,
 * else hundreds would ask the server at once, while it still sends the epoch to others.
 */

import { ApiError } from "../api/client.js";
import * as api from "../api/metrics.js";
import { OF_COUNTS } from "./metric-groups.js";
import { MetricSeries } from "./metric-series.js";

/** @import { Metric } from "../../types/pages" */
/** @import { Axis } from "../api/metrics.js" */
/** @import { Feed } from "./feed.js" */

/** @typedef {Pick<Metric, "name" | "points"> & Partial<Metric>} Known a metric; how it stands comes a moment later than its name. */

const AT_ONCE = 2;
const PAUSE_MS = 500;
const RETRY_MS = 1500;
const SPREAD_MS = 500;
const LIST = null; // what is asked for: a metric, or the list of them

/** Figures of epochs that the page draws from the epochs themselves. */
const OF_EPOCHS = ["applied_fraction", "frozen_fraction", "learning_rate"];
const OF_LAUNCHED = [...OF_EPOCHS, "train_loss", "train_accuracy", "test_loss", "test_accuracy"];

/** Whether a metric is one that the page draws from its epochs. @param {Feed} feed @param {string} name */
function isDrawnElsewhere({ external, done }, name) {
  return external ? done > 0 && OF_EPOCHS.includes(name) : OF_LAUNCHED.includes(name);
}

export class MetricFeed {
  /** @param {Feed} feed of the run. */
  constructor(feed) {
    this.feed = feed;
    this.loaded = false;
    this.known = /** @type {Map<string, Known>} */ (new Map());
    /** Of the metrics that are looked at. */
    this.series = /** @type {Map<string, MetricSeries>} */ (new Map());
    /** What is to be asked for, in this order. */
    this.waiting = /** @type {Set<string | null>} */ (new Set());
    this.asking = 0;
    /** What is to be asked for after this page's moment. */
    this.news = /** @type {Set<string | null>} */ (new Set());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.moment = undefined;
  }

  /** Asks which metrics there are. */
  start() {
    this.#ask(LIST);
  }

  /** The run's own metrics by name, without what the page draws from its epochs. @returns {Known[]} */
  get own() {
    const all = [...this.known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return all.filter(({ name }) => !isDrawnElsewhere(this.feed, name));
  }

  /** The latest epoch that anything was logged of, by the script's own count; null: none. @returns {number | null} */
  get lastEpoch() {
    const epochs = [...this.known.values()].flatMap(({ last_epoch: last }) => (typeof last === "number" ? [last] : []));
    return epochs.length ? Math.max(...epochs) : null;
  }

  /** Points came of these metrics. @param {{name: string, points: number}[]} told */
  heard(told) {
    if (!told.length) return;
    for (const { name, points } of told) {
      if (!this.known.has(name)) this.known.set(name, { name, points });
      if (this.series.has(name)) this.#askSoon(name);
    }
    this.#askSoon(LIST);
  }

  /**
   * An epoch's figures are metrics too.
   * @param {number} epoch @param {Record<string, number>} scores by name.
   * @param {boolean} counted whether dead or churning neurons were: older recorders count none.
   */
  epochCame(epoch, scores, counted) {
    const further = Object.entries(scores).filter(([name, value]) => !this.#goesOn(name, epoch, value));
    this.heard(further.map(([name]) => ({ name, points: 1 })));
    if (Object.keys(scores).length) this.feed.tell("metrics");
    for (const name of [...OF_LAUNCHED, ...OF_COUNTS]) if (this.series.has(name)) this.#askSoon(name);
    if (counted && !OF_COUNTS.some((name) => this.known.has(name))) this.#askSoon(LIST);
  }

  /**
   * Takes a score of a launched run, if it is known as the epoch before left it; asking for the list would be a request of
   * every page of the run in every epoch. @param {string} name @param {number} epoch @param {number} value
   */
  #goesOn(name, epoch, value) {
    const before = this.known.get(name);
    if (this.feed.external || !before || before.last_epoch !== epoch - 1) return false;
    const { points, min, max } = before;
    const reached = { min: Math.min(min ?? value, value), max: Math.max(max ?? value, value) };
    this.known.set(name, { name, points: points + 1, last: value, last_step: epoch, last_epoch: epoch, ...reached });
    if (this.series.has(name)) this.#askSoon(name);
    return true;
  }

  /** Somebody looks at a metric: its points come, and go on coming. @param {string} name @param {Axis} axis @param {number} columns */
  watch(name, axis, columns) {
    const before = this.series.get(name);
    if (before?.axis === axis && before.columns === columns) return;
    this.series.set(name, new MetricSeries(axis, columns));
    this.#ask(name);
  }

  /**
   * The reader zoomed to a stretch of the axis, or (null) back: where points were left out, those of the stretch are asked
   * for, with as much again on either side.
   * @param {string} name @param {[number, number] | null} range
   */
  async closer(name, range) {
    const series = this.series.get(name);
    if (!series) return;
    if (!range || !series.thinned) {
      if (series.close) this.feed.tell("points", name);
      series.close = null;
      return;
    }
    const { columns, axis } = series;
    const [start, end] = [2 * range[0] - range[1], 2 * range[1] - range[0]];
    const what = { columns: 3 * columns, axis, start, end };
    const answer = await api.points(this.feed.id, name, what, this.feed.scope.signal).catch(() => null);
    if (!answer || this.feed.scope.ended || this.series.get(name) !== series) return;
    series.close = { range: [start, end], points: answer };
    this.feed.tell("points", name);
  }

  /** Nobody looks at it any more. @param {string} name */
  forget(name) {
    this.series.delete(name);
    this.waiting.delete(name);
    this.news.delete(name);
  }

  // ------------------------------------------------------------ one question after the other

  /** @param {string | null} what */
  #askSoon(what) {
    this.news.add(what);
    this.moment ??= setTimeout(() => {
      this.moment = undefined;
      for (const each of this.news) this.#ask(each);
      this.news.clear();
    }, Math.random() * SPREAD_MS);
  }

  /** @param {string | null} what */
  #ask(what) {
    this.waiting.add(what);
    if (this.asking < AT_ONCE) this.#askAll();
  }

  async #askAll() {
    this.asking += 1;
    const { scope } = this.feed;
    while (this.waiting.size && !scope.ended) {
      const [what] = this.waiting;
      this.waiting.delete(what);
      const begun = what === LIST ? this.loaded : this.series.get(what)?.points; // a first answer is waited for
      const came = await this.#askOne(what);
      if (!came) this.waiting.add(what);
      if (begun || !came) await new Promise((resolve) => setTimeout(resolve, came ? PAUSE_MS : RETRY_MS));
    }
    this.asking -= 1;
  }

  /** Whether an answer came. @param {string | null} what */
  async #askOne(what) {
    try {
      await (what === LIST ? this.#list() : this.#points(what));
    } catch (error) {
      if (this.feed.scope.ended) return true;
      if (!(error instanceof ApiError)) throw error;
      return false;
    }
    return true;
  }

  async #list() {
    const metrics = await api.metrics(this.feed.id, this.feed.scope.signal);
    if (this.feed.scope.ended) return;
    for (const metric of metrics) this.known.set(metric.name, metric);
    this.loaded = true;
    this.feed.tell("metrics");
  }

  /** @param {string} name */
  async #points(name) {
    const series = this.series.get(name);
    if (!series) return;
    const { after, columns, axis } = series;
    const answer = await api.points(this.feed.id, name, { after, columns, axis }, this.feed.scope.signal);
    if (this.feed.scope.ended || this.series.get(name) !== series) return;
    if (series.take(answer)) this.feed.tell("points", name);
  }
}
