/*
 * Keeps what the reader looks at in the address: a link shows the same, back and forward go through it.
 *
 * Choices (layer, colour, order, neuron …) are steps that "back" undoes; what moves all the time (cursor, zoom) only
 * replaces the present address, and not more often than browsers allow.
 */

import { readQuery } from "./url-state.js";

/** @import { Missing } from "../../types/pages" */
/** @import { Scope } from "./page-scope.js" */

const SETTLE_MS = 250;

/** A span of cells as `first:stop`, from the edges of an axis; and back. @param {number[]} edges */
export const spanOf = (edges) =>
  [...edges]
    .sort((a, b) => a - b)
    .map((edge) => Number((edge + 0.5).toFixed(2)))
    .join(":");
/** @param {Missing<string>} text */
export const edgesOf = (text) => {
  const edges = (text || "").split(":").map((part) => Number.parseFloat(part) - 0.5);
  return edges.length === 2 && edges[0] < edges[1] ? edges : null;
};
/** A whole number ≥ 0 that the address names, or null. @param {Missing<string>} text */
export const whole = (text) => (/^\d{1,9}$/.test(text || "") ? Number(text) : null);

/** @typedef {Record<string, Missing<string | number>>} Changes new values by key; null takes a key out. */

/** @param {Changes} changes */
function addressWith(changes) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined) query.delete(key);
    else query.set(key, String(value));
  }
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return location.pathname + (text ? `?${text}` : "") + location.hash;
}

// Listens from the start: Dash's own listener, which would draw the whole page anew, comes with its first page.
/** @type {((event: PopStateEvent) => void) | null} */
let listening = null;

/** Listens for back and forward. */
export const start = () => window.addEventListener("popstate", (event) => listening?.(event));

export class Address {
  /**
   * @param {Scope} scope
   * @param {(query: Record<string, string>) => void} went the reader went back or forward on this page.
   * @param {string} [page] how the page's path ends, whatever prefix it is served below; without: as the address is now.
   */
  constructor(scope, went, page = location.pathname) {
    /** Whether the reader is still here: the address is another page's before that page is drawn. */
    this.here = () => !scope.ended && location.pathname.replace(/\/+$/, "").endsWith(page.replace(/\/+$/, ""));
    /** @type {Changes} */
    this.waiting = {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    scope.finally(() => clearTimeout(this.timer));
    listening = (event) => {
      if (!this.here()) return;
      event.stopImmediatePropagation();
      this.waiting = {};
      clearTimeout(this.timer);
      went(readQuery());
    };
  }

  /** A step of the reader's; null takes a key out. @param {Changes} changes */
  step(changes) {
    if (!this.here()) return;
    const address = addressWith({ ...this.waiting, ...changes });
    this.waiting = {};
    if (address !== location.pathname + location.search + location.hash) history.pushState(history.state, "", address);
  }

  /** The same without a step. @param {Changes} changes */
  settle(changes) {
    Object.assign(this.waiting, changes);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#write(), SETTLE_MS);
  }

  #write() {
    if (!this.here()) return;
    const changes = this.waiting;
    this.waiting = {};
    const address = addressWith(changes);
    if (address !== location.pathname + location.search + location.hash) history.replaceState(history.state, "", address);
  }
}
