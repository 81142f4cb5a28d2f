/*
 * What is said of one neuron in one epoch, with the stored float32 values.
 */

import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { Tooltip } from "../ui/tooltip.js";
import * as palette from "./palette.js";
import { rareWords } from "./rare-marks.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Missing } from "../../types/pages" */

const ASK_AFTER_MS = 60;

/** @typedef {{column: number, neuron: number}} Cell */

export class CellWords {
  /** @param {Scope} scope */
  constructor(scope) {
    this.scope = scope;
    this.tooltip = new Tooltip(scope);
    this.tooltip.box.setAttribute("aria-live", "polite");
    /** @type {Cell | null} what is spoken of. */
    this.told = null;
    /** @type {any} */
    this.layer = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.asking = undefined;
    scope.finally(() => clearTimeout(this.asking));
  }

  /**
   * Shows the words.
   *
   * @param {any} layer a LayerFeed.
   * @param {Cell} cell
   * @param {{clientX: number, clientY: number}} place on the screen.
   */
  show(layer, cell, { clientX, clientY }) {
    this.told = cell;
    this.layer = layer;
    this.tooltip.show(this.#words(layer, cell), clientX, clientY);
    this.#askSoon(layer, cell);
  }

  hide() {
    this.told = null;
    clearTimeout(this.asking);
    this.tooltip.hide();
  }

  /** @param {any} layer @param {Cell} cell */
  #words(layer, { column: epoch, neuron }) {
    const { cells } = layer;
    const { name, token } = palette.STATES[cells.state(epoch, neuron)];
    const since = cells.since(epoch, neuron);
    const span = since === epoch ? "" : ` since epoch ${since}`;
    const rare = rareWords(layer, epoch);
    const row = (/** @type {string} */ term, /** @type {string} */ value) => [element("dt", {}, term), element("dd", {}, value)];
    const phi = this.#value(layer, "phi", epoch, neuron);
    const before = epoch ? this.#value(layer, "phi", epoch - 1, neuron) : NaN;
    const delta = typeof phi === "number" && typeof before === "number" ? Math.fround(phi - before) : (phi ?? before);
    const velocity = cells.moving(epoch, neuron) ? this.#value(layer, "velocity", epoch, neuron) : NaN;
    return [
      element("div.tooltip-head", {}, `neuron ${neuron}, epoch ${epoch}`),
      element("div.tooltip-state", {}, element("span.swatch", { style: `background: var(${token})` }), name + span),
      element("dl", {}, ...row("φ", said(phi)), ...row("Δφ", said(delta)), ...row("v", said(velocity))),
      ...(rare ? [element("div.tooltip-hint", {}, rare)] : []),
    ];
  }

  /**
   * The stored number; NaN: there is none; undefined: not here yet; null: it could not be fetched.
   * @param {any} layer
   * @param {"phi" | "velocity"} field
   * @param {number} epoch
   * @param {number} neuron
   * @returns {Missing<number>}
   */
  #value(layer, field, epoch, neuron) {
    const values = layer.values.get(`${field} ${epoch}`);
    if (values === undefined || values instanceof Promise) return undefined;
    return values ? values[neuron] : null;
  }

  /**
   * Exact values are asked for when the pointer rests, not for every column that it crosses.
   * @param {any} layer @param {Cell} cell
   */
  #askSoon(layer, cell) {
    clearTimeout(this.asking);
    this.asking = setTimeout(async () => {
      if (this.scope.ended) return;
      const { column: epoch } = cell;
      await Promise.all([layer.column("phi", epoch), epoch ? layer.column("phi", epoch - 1) : null, layer.column("velocity", epoch)]);
      if (this.told === cell && this.layer === layer && !this.tooltip.box.hidden) {
        this.tooltip.box.replaceChildren(...this.#words(layer, cell));
      }
    }, ASK_AFTER_MS);
  }
}

/** @param {Missing<number>} value */
function said(value) {
  if (value === undefined) return "…";
  if (value === null) return "not available";
  return Number.isNaN(value) ? "none yet" : format.exact(value);
}
