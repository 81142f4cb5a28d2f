/*
 * Layers in a few rows each, for the small pictures; only of those that are seen.
 *
 * A byte is the fraction of frozen neurons of `per` neighbours: 0 none, 255 all, and never one of these where it is not so.
 */

import * as rest from "../api/recorded.js";
import { NeuronHistory } from "./neuron-history.js";

/** @import { Feed } from "./feed.js" */

const ROWS = 48;
const FROZEN = 128;

/** Frozen fractions of blocks of `per` neurons, as bytes. @param {Uint8Array} bytes @param {number} per @param {number} rows */
function fractions(bytes, per, rows) {
  const into = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const stop = Math.min(bytes.length, (row + 1) * per);
    let frozen = 0;
    for (let neuron = row * per; neuron < stop; neuron += 1) frozen += bytes[neuron] >= FROZEN ? 1 : 0;
    const size = stop - row * per;
    into[row] = frozen === 0 ? 0 : frozen === size ? 255 : Math.max(1, Math.min(254, Math.round((255 * frozen) / size)));
  }
  return into;
}

export class ThumbnailFeed {
  /** @param {Feed} feed */
  constructor(feed) {
    this.feed = feed;
    this.seen = /** @type {Set<number>} */ (new Set());
    /** Histories of rows instead of neurons, by layer. */
    this.layers = /** @type {Map<number, {per: number, cells: any}>} */ (new Map());
    this.ask = feed.scope.once(() => this.#fetch());
    this.asking = false;
  }

  /** Which layers are seen now. @param {Iterable<number>} indices */
  show(indices) {
    const now = new Set(indices);
    const same = now.size === this.seen.size && [...now].every((index) => this.seen.has(index));
    if (same) return;
    this.seen = now;
    this.feed.askForLayers();
    this.ask();
  }

  /** @param {number} index */
  #gap(index) {
    const known = this.layers.get(index);
    return known ? known.cells.firstGap(this.feed.done) : 0;
  }

  /** Fetches what is missing of those that are seen, all in one request. */
  async #fetch() {
    const { feed } = this;
    if (this.asking || !feed.done) return;
    const lacking = [...this.seen].filter((index) => this.#gap(index) !== -1);
    if (!lacking.length) return;
    const first = Math.min(...lacking.map((index) => this.#gap(index)));
    this.asking = true;
    const span = { first, stop: feed.done };
    const found = await rest.small(feed.id, lacking, ROWS, span, feed.scope.signal).catch(() => null);
    this.asking = false;
    if (feed.scope.ended || !found) return;
    for (const { index, per, rows, bytes, missing } of found.layers) {
      this.#known(index, per, rows).cells.put(found.first, bytes, missing);
    }
    feed.tell("small", lacking);
    this.ask();
  }

  /** @param {number} index @param {number} per @param {number} rows */
  #known(index, per, rows) {
    const known = this.layers.get(index) ?? { per, cells: new NeuronHistory(rows) };
    this.layers.set(index, known);
    return known;
  }

  /**
   * A column came by the socket, a display byte a neuron.
   * @param {number} index @param {number} epoch @param {Uint8Array} bytes
   */
  take(index, epoch, bytes) {
    if (!this.seen.has(index)) return;
    const per = Math.ceil(bytes.length / ROWS);
    const rows = Math.ceil(bytes.length / per);
    this.#known(index, per, rows).cells.put(epoch, fractions(bytes, per, rows));
    this.feed.tell("small", [index]);
  }

  /** Cells for raster, coloured by palette.fractions. @param {number} index */
  source(index) {
    const cells = this.layers.get(index)?.cells;
    return {
      rows: cells?.neurons ?? 1,
      columns: cells?.epochs ?? 0,
      /** @param {number} epoch @param {Uint8Array} into */
      fill(epoch, into) {
        if (!cells?.has(epoch)) return false;
        into.set(cells.bytes.subarray(epoch * cells.neurons, (epoch + 1) * cells.neurons));
        return true;
      },
    };
  }
}

ThumbnailFeed.fractions = fractions;
