/*
 * All that is known of one run, from its history and from then on live.
 *
 * First what is stored comes over REST, then the socket continues from the last stored epoch; both write into the same
 * places by epoch, so that an overlap does no harm. A reload is the same path. Who shows the run listens to `on`.
 */

import { ApiError, Refused } from "../api/client.js";
import * as live from "../api/live.js";
import * as rest from "../api/recorded.js";
import { LayerFeed } from "./layer-feed.js";
import { LayerTables } from "./layer-tables.js";
import { MetricFeed } from "./metric-feed.js";
import { rateChanges } from "./rates.js";
import { ThumbnailFeed } from "./thumbnail-feed.js";
import * as watches from "./watches.js";

/** @import { Epoch, Layer, LayerCounts, LogLine, Run, Start, Watch } from "../../types/pages" */
/** @import { NumberedEvent, RunFailed, RunStarted, WatchStarted } from "../../types/live" */
/** @import { Levels } from "../api/recorded.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Numbers } from "./layer-tables.js" */

/** @typedef {{words: string, retried: boolean}} Trouble why nothing new comes, and whether it is asked for again by itself. */

/**
 * @typedef {object} News what a feed tells, by kind.
 * @property {undefined} run its record has changed.
 * @property {undefined} layers they are known, or more of them.
 * @property {undefined} started what the run said when it started is known.
 * @property {undefined} metrics which metrics there are, or how they stand.
 * @property {string} points of this metric.
 * @property {number} epoch one more is finished, live.
 * @property {{epoch: number, layers: LayerCounts}} counts its columns, an item a layer.
 * @property {undefined} history many epochs came.
 * @property {undefined} log
 * @property {{layer: number, epoch: number, of?: Levels}} column of an open layer; `of`: of what, without it its states.
 * @property {number} cells this layer's history came.
 * @property {Numbers} table all epochs of one of `tables`.
 * @property {number[]} small layers whose small pictures changed.
 * @property {undefined} progress
 * @property {undefined} end
 * @property {Trouble | null} trouble null: there is none, or none any more.
 * @property {undefined} deleted
 */

const ENDS = new Set(["finished", "stopped", "failed"]);
const RETRY_MS = 1500;
const MEND_MS = 400;
/** Epochs that an axis has room for at least, where no number of them is planned; then twice as many, and so on. */
const ROOM = 12;

/** The layer to open where none was asked for: the first of those with the most neurons has the most to show. @param {Layer[]} layers */
export const widest = (layers) => layers.reduce((best, layer, index) => (layer.neurons > layers[best].neurons ? index : best), 0);

/** Why there is nothing to draw of a run; empty: there is something. @param {Feed} feed */
export function nothingYet(feed) {
  if (!feed.loaded) return "Loading…";
  if (feed.done) return "";
  if (feed.external && !feed.layers.length) return "This run watches no network.";
  if (feed.record.state === "queued") return queuedYet(feed.record, "No epoch has finished yet.");
  return feed.ended ? "The run ended before its first epoch finished." : "The first column appears when epoch 0 ends.";
}

/**
 * Why a queued run has nothing to show; one that a worker had before has started.
 * @param {Run} record @param {string} missing what that did not get done.
 */
export const queuedYet = ({ started_at: started }, missing) =>
  started ? `The run is queued again. ${missing}` : "The run has not started.";

export class Feed {
  /**
   * @param {Scope} scope
   * @param {Run} record the run, as the API gives it.
   */
  constructor(scope, record) {
    this.scope = scope;
    this.record = record;
    this.known = record.last_seq;
    /** @type {Layer[]} */
    this.layers = [];
    /** @type {Watch[]} of an external run. */
    this.watches = [];
    /** @type {Epoch[]} without their "layers", by epoch. */
    this.epochs = [];
    this.tables = new LayerTables(this);
    this.small = new ThumbnailFeed(this);
    this.metrics = new MetricFeed(this);
    /** @type {LogLine[]} */
    this.log = [];
    /** @type {RunFailed | null} */
    this.failure = null;
    /** @type {RunStarted | Start | null} */
    this.started = null;
    this.loaded = false;
    /** @type {ReturnType<typeof live.subscribe> | null} */
    this.live = null;
    this.open = /** @type {Map<number, LayerFeed>} */ (new Map());
    /** What does not come now, and why. */
    this.troubles = /** @type {Map<"history" | "live" | Numbers, Trouble>} */ (new Map());
    this.listeners = /** @type {Map<keyof News, ((value: any) => void)[]>} */ (new Map());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.mending = undefined;
    scope.finally(() => clearTimeout(this.mending));
  }

  /** Listens. @template {keyof News} K @param {K} kind @param {(value: News[K]) => void} listener */
  on(kind, listener) {
    this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), listener]);
    return this;
  }

  /** @template {keyof News} K @param {K} kind @param {News[K]} [value] */
  tell(kind, value) {
    for (const listener of this.listeners.get(kind) ?? []) listener(value);
  }

  get id() {
    return this.record.id;
  }

  get ended() {
    return ENDS.has(this.record.state);
  }

  /** Epochs that are known to be finished, counted from the first. */
  get done() {
    return this.epochs.length;
  }

  /** Whether a script of somebody's own records it. */
  get external() {
    return this.record.source === "external";
  }

  /** Epochs that an axis has to have room for. */
  get planned() {
    const { epochs_planned: planned } = this.record;
    if (planned !== null || this.ended) return Math.max(planned ?? 0, this.done);
    return ROOM * 2 ** Math.max(0, Math.ceil(Math.log2((this.done + 1) / ROOM)));
  }

  /** ε of a layer, or of all (null); 0: it is not known, or the layers have not one in common. @param {number | null} layer */
  epsilonOf(layer) {
    const { record, watches: known } = this;
    return layer === null ? watches.commonEpsilon(record, known) : watches.epsilonOf(record, known, layer);
  }

  /** The latest finished epoch, or null. */
  get last() {
    return this.epochs[this.done - 1] || null;
  }

  // ------------------------------------------------------------ from the store

  /** Loads the history, and follows from there. */
  start() {
    return this.insist("history", () => this.#load());
  }

  /**
   * Asks the server again and again until it answers, and tells of the trouble meanwhile.
   * @param {"history" | Numbers} what @param {() => Promise<void>} ask
   * @returns {Promise<boolean>} whether it is here; false: the server refuses, or the page is left.
   */
  async insist(what, ask) {
    while (!this.scope.ended) {
      try {
        await ask();
        this.#tellTrouble(what, null);
        return true;
      } catch (error) {
        if (this.scope.ended) return false;
        if (!(error instanceof ApiError)) throw error;
        const retried = !(error instanceof Refused && error.status < 500);
        this.#tellTrouble(what, { words: error.message, retried });
        if (!retried) return false;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return false;
  }

  /** One trouble that is over leaves the others. @param {"history" | "live" | Numbers} what @param {Trouble | null} trouble */
  #tellTrouble(what, trouble) {
    if (trouble) this.troubles.set(what, trouble);
    else this.troubles.delete(what);
    this.tell("trouble", [...this.troubles.values()][0] ?? null);
  }

  async #load() {
    const { id } = this;
    const { signal } = this.scope;
    const [stored, watched, lines] = await Promise.all([
      rest.epochs(id, signal),
      rest.layers(id, signal),
      rest.log(id, signal),
      this.tables.load("frozen"),
    ]);
    if (this.scope.ended) return;
    this.watches = watched.watches;
    this.#takeLayers(watched.layers);
    /** @type {Epoch[]} */
    const epochs = watched.layers.length ? stored.epochs : []; // begun between two answers: all of it comes live
    for (const epoch of epochs) this.epochs[epoch.epoch] = epoch;
    for (const line of lines) this.#takeLine(line);
    this.loaded = true;
    this.tell("history");
    this.tell("log");
    this.#follow(this.#knownOf(epochs));
    if (!this.external && !epochs.some(({ scores }) => Object.keys(scores ?? {}).length)) return;
    this.metrics.start();
    if (this.external) this.#askStart();
  }

  /**
   * The number of the newest event that all four answers know: what was recorded before the page was asked for, and of
   * that no more than epochs, for the remedy of a run that ended stands in its last event alone. What comes twice does no
   * harm. An external run may tell thousands of events without an epoch: of these the last one alone.
   * @param {Epoch[]} epochs
   */
  #knownOf(epochs) {
    if (this.external) return Math.max(0, this.ended ? this.known - 1 : this.known);
    return Math.min(
      this.known,
      epochs.reduce((seq, epoch) => Math.max(seq, epoch.seq), 0),
    );
  }

  /** What an external run said when it started; without it the page lacks a few facts, and nothing else. */
  async #askStart() {
    const event = await rest.started(this.id, this.scope.signal).catch(() => null);
    if (!event || this.scope.ended) return;
    this.started = event;
    this.tell("started");
  }

  /** @param {number} after */
  #follow(after) {
    this.live = this.scope.keep(
      live.subscribe(this.id, {
        after,
        layers: this.#followed,
        onRun: (record) => this.#takeRecord(record),
        onEvents: (events) => {
          for (const event of events) this.#takeEvent(event);
        },
        onDisplay: (display) => this.#takeDisplay(display),
        onDeleted: () => this.tell("deleted"),
        onError: (message) => this.#tellTrouble("live", { words: message, retried: false }),
      }),
    );
  }

  // ------------------------------------------------------------ from the socket

  /** Takes over what changes of a run's record without the run itself, such as its place in the queue. @param {Run} record */
  renew(record) {
    if (record.revision === this.record.revision) this.record = { ...this.record, queue: record.queue };
    else this.#takeRecord(record);
  }

  /** @param {Run} record */
  #takeRecord(record) {
    if (record.revision < this.record.revision) return;
    const before = this.record;
    this.record = record;
    this.tell("run");
    if (ENDS.has(record.state) && before.state !== record.state) this.tell("end");
  }

  /** @param {NumberedEvent} numbered */
  #takeEvent({ seq, at, event }) {
    switch (event.kind) {
      case "run_started":
        this.started = event;
        this.#takeLayers(event.layers);
        this.tell("started");
        break;
      case "watch_started":
        this.#takeWatch(event);
        break;
      case "metrics_logged":
        this.metrics.heard(event.series);
        break;
      case "epoch_progressed":
        this.record = { ...this.record, progress: event };
        this.tell("progress");
        break;
      case "epoch_finished":
        this.#takeEpoch({ seq, at, ...event });
        break;
      case "logged":
        if (this.#takeLine({ seq, at, level: event.level, text: event.text })) this.tell("log");
        break;
      case "run_failed":
        this.failure = event;
        this.tell("end");
        break;
      case "run_continued":
        this.failure = null; // of a recorder that was lost, and is heard again
        break;
      case "run_finished":
      case "run_stopped":
        this.tell("end");
    }
  }

  /** @param {Layer[]} layers */
  #takeLayers(layers) {
    if (layers.length <= this.layers.length) return;
    this.layers = layers;
    this.tell("layers");
  }

  /** @param {WatchStarted} event */
  #takeWatch(event) {
    this.watches = watches.withStarted(this.watches, event);
    this.#takeLayers(watches.withWatch(this.layers, event));
  }

  /** @param {Epoch} epoch */
  #takeEpoch(epoch) {
    const { layers, ...scalars } = epoch;
    this.epochs[epoch.epoch] = scalars;
    this.record = { ...this.record, progress: null };
    this.metrics.epochCame(epoch.epoch, scalars.scores ?? {}, Boolean(layers?.dead || layers?.churning));
    if (layers) {
      this.tables.take(epoch.epoch, layers);
      this.tell("counts", { epoch: epoch.epoch, layers });
    }
    this.tell("epoch", epoch.epoch);
    this.mendSoon();
  }

  /** @param {{epoch: number, columns: {layer: number, bytes: Uint8Array}[]}} display */
  #takeDisplay({ epoch, columns }) {
    for (const { layer, bytes } of columns) {
      this.small.take(layer, epoch, bytes);
      const open = this.open.get(layer);
      if (!open) continue;
      open.take(epoch, bytes);
      this.tell("column", { layer, epoch });
    }
  }

  /** Whether it is new. @param {LogLine} line */
  #takeLine(line) {
    if (this.log.length && line.seq <= this.log[this.log.length - 1].seq) return false;
    this.log.push(line);
    return true;
  }

  // ------------------------------------------------------------ layers that are looked at

  /** Opens these layers and closes all others; what they know is kept and continued while they are open. @param {number[]} indices */
  watch(indices) {
    const wanted = new Set(indices);
    for (const index of [...this.open.keys()]) if (!wanted.has(index)) this.open.delete(index);
    for (const index of wanted) {
      if (this.open.has(index) || !this.layers[index]) continue;
      const layer = new LayerFeed(this, this.layers[index]);
      this.open.set(index, layer);
      layer.load();
    }
    this.askForLayers();
  }

  /** Layers whose display bytes the socket is asked for: those that are open, and those whose small picture is seen. */
  get #followed() {
    return [...new Set([...this.open.keys(), ...this.small.seen])].sort((a, b) => a - b);
  }

  askForLayers() {
    this.live?.update({ layers: this.#followed });
  }

  /**
   * Columns may be missing: after a lost connection, or where an epoch ended between a layer's history and its
   * subscription. They are fetched, once the socket had time to bring them.
   */
  mendSoon() {
    clearTimeout(this.mending);
    this.mending = setTimeout(() => {
      for (const layer of this.open.values()) layer.mend();
    }, MEND_MS);
  }

  /** Epochs at which the learning rate changed at once. */
  rateChanges() {
    return rateChanges(this.epochs);
  }

  /** Those at which it fell. */
  drops() {
    return this.rateChanges().filter(({ factor }) => factor < 1);
  }
}
