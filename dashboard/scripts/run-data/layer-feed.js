/*
 * One layer of a run that somebody looks at: its cells, by state, |v|, φ or Δφ, and its exact values.
 */

import * as rest from "../api/recorded.js";
import { modes } from "../plot/colour-modes.js";
import { NeuronHistory } from "./neuron-history.js";

/** @import { Feed } from "./feed.js" */
/** @import { Levels } from "../api/recorded.js" */
/** @import { Layer } from "../../types/pages" */

const COLUMNS_KEPT = 400;

/** @typedef {Float32Array | null} Values */

export class LayerFeed {
  /**
   * @param {Feed} feed whose layer it is.
   * @param {Layer} layer
   */
  constructor(feed, layer) {
    this.feed = feed;
    this.index = layer.index;
    this.layer = layer;
    this.cells = new NeuronHistory(layer.neurons, layer);
    /** Display bytes by what their levels are: |v| ("state", always here), φ and Δφ (when asked for). */
    this.histories = /** @type {Map<Levels, NeuronHistory>} */ (new Map([["state", this.cells]]));
    this.asked = /** @type {Map<string, Promise<void>>} */ (new Map());
    this.values = /** @type {Map<string, Values | Promise<Values>>} */ (new Map());
    this.loaded = false;
    /** @type {string | null} */
    this.problem = null;
  }

  /** @param {Levels} of */
  #history(of) {
    const history = this.histories.get(of) ?? new NeuronHistory(this.layer.neurons, this.layer);
    this.histories.set(of, history);
    return history;
  }

  /** Whether this is still one of the layers looked at. */
  get current() {
    return !this.feed.scope.ended && this.feed.open.get(this.index) === this;
  }

  /** Fetches what is stored; tells the feed's listeners of "cells". */
  async load() {
    await this.#fetch("state");
    this.loaded = true;
    if (!this.current) return;
    this.feed.tell("cells", this.index);
    if (this.#lacks("state")) this.feed.mendSoon();
  }

  /**
   * Sees to it that the bytes of "phi" or "delta" come, and go on coming; tells of "cells" when they are there.
   * @param {Levels} of
   */
  async want(of) {
    if (this.histories.has(of)) return;
    this.#history(of);
    await this.#fetch(of);
    if (this.current) this.feed.tell("cells", this.index);
  }

  /** Fetches all epochs from `first` on; one request at a time for each kind. @param {Levels} of @param {number} [first] */
  #fetch(of, first) {
    const asked = this.asked.get(of) ?? this.#ask(of, first).finally(() => this.asked.delete(of));
    this.asked.set(of, asked);
    return asked;
  }

  /** @param {Levels} of @param {number} [first] */
  async #ask(of, first) {
    const { id, scope, done } = this.feed;
    const span = first === undefined ? {} : { first, stop: Math.max(done, first + 1) };
    try {
      const display = await rest.display(id, this.index, { of, ...span }, scope.signal);
      this.#history(of).put(display.first, display.bytes, display.missing);
      this.problem = null;
    } catch (problem) {
      const error = /** @type {Error} */ (problem);
      if (error.name !== "AbortError") this.problem = error.message;
    }
  }

  /** Whether an epoch that is over is not here. @param {Levels} of */
  #lacks(of) {
    return this.problem !== null || this.#history(of).firstGap(this.feed.done) !== -1;
  }

  /** Fetches the epochs that the socket did not bring; again until none is missing. */
  async mend() {
    if (!this.loaded || !this.current) return;
    const lacking = [...this.histories.keys()].filter((of) => this.#lacks(of));
    if (!lacking.length) return;
    await Promise.all(lacking.map((of) => this.#fetch(of, Math.max(0, this.#history(of).firstGap(this.feed.done)))));
    if (this.current) this.feed.tell("cells", this.index);
    if (this.current && lacking.some((of) => this.#lacks(of))) this.feed.mendSoon();
  }

  /**
   * A column came by the socket; those of φ and Δφ, if they are looked at, are asked for.
   * @param {number} epoch @param {Uint8Array} bytes
   */
  take(epoch, bytes) {
    this.cells.put(epoch, bytes);
    for (const of of this.histories.keys()) if (of !== "state") this.#follow(of, epoch);
  }

  /** @param {Levels} of @param {number} epoch */
  async #follow(of, epoch) {
    const gap = this.#history(of).firstGap(epoch + 1);
    await this.#fetch(of, gap === -1 ? epoch : gap);
    if (this.current) this.feed.tell("column", { layer: this.index, epoch, of });
  }

  /**
   * The stored float32 values of one epoch, fetched once and kept for a while.
   *
   * @param {"phi"|"velocity"} field @param {number} epoch
   * @returns {Values|Promise<Values>} at once if it is here; null: there is none.
   */
  column(field, epoch) {
    const key = `${field} ${epoch}`;
    const known = this.values.get(key);
    if (known !== undefined) return known;
    const { id, scope } = this.feed;
    const asked = rest.column(id, this.index, field, epoch, scope.signal).then(
      (/** @type {Values} */ values) => {
        this.values.set(key, values);
        return values;
      },
      () => {
        this.values.delete(key);
        return null;
      },
    );
    this.values.set(key, asked);
    const [oldest] = this.values.keys();
    if (this.values.size > COLUMNS_KEPT) this.values.delete(oldest);
    return asked;
  }

  /**
   * Cells for raster.
   *
   * @param {string} mode of modes.
   * @param {Int32Array|null} [order] the neuron of each row; null: their own order.
   */
  source(mode, order = null) {
    const { of } = modes[mode];
    const history = () => this.histories.get(of);
    const plain = new Uint8Array(this.layer.neurons);
    const fill = (/** @type {number} */ epoch, /** @type {Uint8Array} */ into) => {
      const cells = history();
      if (!cells) return false;
      return mode === "state" ? cells.fillStates(epoch, into) : cells.fillLevels(epoch, into);
    };
    return {
      rows: this.layer.neurons,
      get columns() {
        return history()?.epochs ?? 0;
      },
      /** @param {number} epoch @param {Uint8Array} into */
      fill(epoch, into) {
        if (!order) return fill(epoch, into);
        if (!fill(epoch, plain)) return false;
        for (let row = 0; row < order.length; row += 1) into[row] = plain[order[row]];
        return true;
      },
    };
  }
}
