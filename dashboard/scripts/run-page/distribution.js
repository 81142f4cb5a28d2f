/*
 * Epoch × value densities of φ, Δφ or v with ±ε, and beside it the histogram at the epoch cursor.
 */

import * as marks from "../plot/annotations.js";
import { CellCanvas } from "../plot/cell-canvas.js";
import { matrixTable, seen } from "../plot/figure-tables.js";
import * as palette from "../plot/palette.js";
import { askAndSave } from "../plot/save-figure.js";
import { velocityBin, velocityPlace } from "../plot/velocity-scale.js";
import { Densities } from "../run-data/histogram-data.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onPrint } from "../ui/print.js";
import { onScheme } from "../ui/shell.js";
import { Tooltip } from "../ui/tooltip.js";
import { savedHistogram } from "./saved-histogram.js";

/** @import { LayerCounts } from "../../types/pages" */
/** @import { Figure, Cell } from "../plot/area.js" */
/** @import { Source } from "../plot/raster.js" */
/** @import { SavedScale } from "../plot/saved-figure.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

/** @typedef {Densities["field"]} Field */
/** @typedef {{name: string, bins: number, bin: (index: number) => string, threshold: boolean}} Values */

/** @type {Source} */
const EMPTY = { rows: 39, columns: 0, fill: () => false };
const PHI_BINS = 50;
const VELOCITY_BINS = 39;
const { count: counted, percent } = format;

/** @param {number} index */
function phiBin(index) {
  const edge = (/** @type {number} */ place) => format.setting(Number((-1 + (2 * place) / PHI_BINS).toFixed(2)));
  return `${edge(index)} ≤ φ ${index === PHI_BINS - 1 ? "≤" : "<"} ${edge(index + 1)}`;
}

/** What can be shown: title of the axis, bins, a bin in words, whether ±ε has a place. @type {Record<Field, Values>} */
export const FIELDS = {
  velocity: { name: "v", bins: VELOCITY_BINS, bin: (index) => velocityBin(index, "v"), threshold: true },
  delta: { name: "Δφ", bins: VELOCITY_BINS, bin: (index) => velocityBin(index, "Δφ"), threshold: true },
  phi: { name: "φ", bins: PHI_BINS, bin: phiBin, threshold: false },
};

/** @param {string | undefined} name @returns {name is Field} */
export const isField = (name) => name !== undefined && Object.hasOwn(FIELDS, name);

/** Colour index of a count; roots let few neurons be seen, and a bin with any is never empty. @param {number} count @param {number} neurons */
function shade(count, neurons) {
  return count ? Math.max(6, Math.round(255 * Math.min(1, 1.3 * Math.sqrt(count / neurons)))) : 0;
}

/** How a template's axis looks, without what it is of. @param {any} axis */
const axisLook = ({ linecolor, tickcolor, gridcolor, tickfont, showline, ticks, linewidth }) => ({
  ...{ linecolor, tickcolor, gridcolor, tickfont, showline, linewidth, ticks: ticks ?? "outside" },
  ...{ showgrid: false, zeroline: false, fixedrange: true },
});

/** Fractions of the neurons in one bin that a saved file's scale names. */
const NAMED = [0, 0.01, 0.1, 0.5];

/** @returns {SavedScale} */
function savedScale() {
  const place = (/** @type {number} */ fraction) => shade(fraction, 1) / 255;
  const ticks = /** @type {[number, string][]} */ (NAMED.map((fraction) => [fraction ? place(fraction) : 0, percent(fraction, 0)]));
  return { name: "of the neurons", colours: palette.stops(palette.densities()), none: null, ticks, marks: [] };
}

/**
 * @typedef {object} DistributionOptions
 * @property {Scope} scope
 * @property {HTMLElement} host
 * @property {HTMLElement} side for the histogram at the cursor.
 * @property {Record<string, Figure>} figures templates `velocities` and `phis` of figures.py.
 * @property {Feed} feed
 * @property {string} name of a saved file.
 * @property {(epoch: number | null) => void} [onPoint]
 * @property {(epoch: number) => void} [onChoose]
 * @property {() => void} [onData] more is known of what is shown.
 */

export class Distribution {
  /** @param {DistributionOptions} options */
  constructor({ scope, host, side, figures, feed, name, onPoint, onChoose, onData }) {
    this.figures = figures;
    this.feed = feed;
    this.epsilon = feed.epsilonOf(0); // of what is shown
    this.onPoint = onPoint;
    /** @type {Densities | null} what is shown. */
    this.data = null;
    this.onData = onData;
    /** @type {{epoch: number}[]} of the learning rate. */
    this.changes = [];
    this.cursor = -1;
    this.tooltip = new Tooltip(scope);
    this.picture = new CellCanvas({
      scope,
      host,
      figure: figures.velocities,
      name,
      source: EMPTY,
      table: () => palette.densities(),
      onHover: (cell) => this.#hover(cell),
      about: () => this.#about(),
      scale: savedScale,
      data: ({ x }) => this.#table(x),
      onClick: (cell) => this.data?.counts[cell.column] && onChoose?.(cell.column),
    });
    this.side = side;
    this.bars = element("canvas.picture-bars", { role: "img" });
    this.caption = element("p.bars-caption");
    this.save = element(
      "button.button.button-small.bars-save",
      { type: "button", "aria-label": `Save…: ${feed.record.name} histogram`, disabled: true },
      "Save…",
    );
    this.drawBars = scope.once(() => this.#drawBars());
    this.#buildSide(scope);
  }

  /** What a saved file is of. */
  #about() {
    const { layer, field } = this.data ?? { layer: null, field: "velocity" };
    const more = FIELDS[field].threshold && this.epsilon > 0 ? [`ε = ${format.setting(this.epsilon)}`] : [];
    const place = layer === null ? "network" : this.feed.layers[layer].name;
    return { what: `Distribution of ${FIELDS[field].name} by epoch`, run: this.feed.record.name, layer: place, more };
  }

  /** Neurons in each bin. @param {number[]} range of epochs. */
  #table(range) {
    const { counts, field } = this.data ?? { counts: [], field: /** @type {Field} */ ("velocity") };
    const { bins, bin } = FIELDS[field];
    const names = Array.from({ length: bins }, (_, place) => bin(place));
    const epochs = seen(range, counts.length).filter((epoch) => counts[epoch]);
    return matrixTable(names, epochs, (epoch, place) => counts[epoch]?.[place]);
  }

  /** The histogram at the cursor. @param {Scope} scope */
  #buildSide(scope) {
    this.bars.setAttribute("aria-label", "Histogram at the epoch cursor: no values yet");
    this.side.replaceChildren(this.bars, this.caption, this.save);
    scope.on(this.save, "click", () => this.#askAndSave(scope));
    scope.watchSize(this.side, () => this.drawBars());
    scope.finally(onScheme(() => this.drawBars()));
    scope.finally(onPrint(() => this.drawBars()));
    scope.on(this.bars, "pointermove", (event) => this.#hoverBar(event));
    scope.on(this.bars, "pointerleave", () => this.tooltip.hide());
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    await this.picture.start(Plotly);
    this.#mark();
  }

  /**
   * Shows a field of a layer, or of the network (null). Fetches it unless it is what is shown.
   * @param {number | null} layer @param {Field} field
   */
  show(layer, field) {
    if (this.data && this.data.layer === layer && this.data.field === field && !this.data.problem) return;
    /** @type {Densities} */
    const data = new Densities(this.feed, { layer, field }, (epoch) => this.data === data && this.#changed(epoch));
    this.data = data;
    this.epsilon = this.feed.epsilonOf(layer);
    const { bins } = FIELDS[field];
    const { yaxis } = (field === "phi" ? this.figures.phis : this.figures.velocities).layout;
    this.picture.extend("y", [-0.5, bins - 0.5]);
    this.picture.adjust({ "yaxis.tickvals": yaxis.tickvals, "yaxis.ticktext": yaxis.ticktext, "yaxis.range": [-0.5, bins - 0.5] });
    this.picture.use({ source: this.#source(data, bins) });
    this.#mark();
    this.drawBars();
    data.load();
  }

  /** An epoch came live. @param {number} epoch @param {LayerCounts} layers */
  take(epoch, layers) {
    this.data?.take(epoch, layers);
  }

  /** @param {number | null} epoch one more came; null: many. */
  #changed(epoch) {
    if (epoch === null) this.picture.redraw();
    else this.picture.paintColumn(epoch);
    this.drawBars();
    this.onData?.();
  }

  /** @param {Densities} data @param {number} bins @returns {Source} */
  #source(data, bins) {
    return {
      rows: bins,
      get columns() {
        return data.counts.length;
      },
      fill(epoch, into) {
        const counts = data.counts[epoch];
        if (!counts) return false;
        const { neurons } = data;
        for (let bin = 0; bin < bins; bin += 1) into[bin] = shade(counts[bin], neurons);
        return true;
      },
    };
  }

  /** Where the learning rate changed. @param {{epoch: number}[]} changes */
  markDrops(changes) {
    this.changes = changes;
    this.#mark();
  }

  #mark() {
    const threshold = !this.data || FIELDS[this.data.field].threshold;
    const { shapes, annotations } = marks.epsilon(threshold ? this.epsilon : 0);
    this.picture.mark({ shapes: [...shapes, ...marks.drops(this.changes).shapes], annotations });
  }

  // ------------------------------------------------------------ the histogram at the cursor

  /** @param {number} epoch */
  setCursor(epoch) {
    this.cursor = epoch;
    this.drawBars();
  }

  #drawBars() {
    const counts = this.data?.counts[this.cursor];
    this.save.disabled = !counts;
    say(this.caption, this.cursor >= 0 ? `epoch ${this.cursor}` : "");
    const { width, height } = this.#fitBars();
    const pen = this.bars.getContext("2d");
    pen?.clearRect(0, 0, width, height);
    this.#describe(counts);
    if (!counts || !pen) return;
    const most = Math.max(...counts);
    const thick = height / counts.length;
    pen.fillStyle = palette.token("--neq-density");
    counts.forEach((count, bin) => {
      const length = count ? Math.max(1, (count / most) * (width - 2)) : 0;
      pen.fillRect(0, Math.round(height - (bin + 1) * thick), length, Math.max(1, Math.round(thick) - 1));
    });
    this.#drawThreshold(pen, counts.length);
  }

  /** @param {Scope} scope */
  #askAndSave(scope) {
    const counts = this.data?.counts[this.cursor];
    if (!this.data || !counts || !this.picture.Plotly) return;
    const { run, layer, more } = this.#about();
    const { name, bin, threshold } = FIELDS[this.data.field];
    const { xaxis, yaxis } = (this.data.field === "phi" ? this.figures.phis : this.figures.velocities).layout;
    const histogram = { counts: [...counts], name, bin, ticks: yaxis, epoch: this.cursor, of: { run, layer, more } };
    const where = { scope, host: this.picture.host, Plotly: this.picture.Plotly };
    askAndSave(savedHistogram({ ...histogram, epsilon: threshold ? this.epsilon : 0 }, where, axisLook(xaxis)));
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} bins */
  #drawThreshold(pen, bins) {
    if (!this.data || !FIELDS[this.data.field].threshold || !(this.epsilon > 0)) return;
    const { width, height } = this.bars;
    pen.fillStyle = palette.token("--neq-just-thawed");
    for (const epsilon of [this.epsilon, -this.epsilon]) {
      pen.fillRect(0, height - ((velocityPlace(epsilon) + 0.5) / bins) * height, width, 1.5 * devicePixelRatio);
    }
  }

  #fitBars() {
    const { top, height } = this.picture.area;
    const width = this.side.clientWidth;
    const place = `top: ${top}px; height: ${height}px; width: ${width}px`;
    if (this.bars.getAttribute("style") !== place) this.bars.setAttribute("style", place);
    const size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
    if (this.bars.width !== size.width || this.bars.height !== size.height) Object.assign(this.bars, size);
    return this.bars;
  }

  /** @param {number[] | null | undefined} counts */
  #describe(counts) {
    if (!this.data) return;
    const place = this.data.layer === null ? "the network" : this.feed.layers[this.data.layer].name;
    const { name, bin } = FIELDS[this.data.field];
    this.picture.describe(`${name} of ${place} by epoch, as densities`);
    const most = (/** @type {number[]} */ of) => bin(of.indexOf(Math.max(...of)));
    const words = counts ? `most of ${counted(this.data.neurons)} neurons lie in ${most(counts)}` : "no values";
    this.bars.setAttribute("aria-label", `${name} of ${place} at epoch ${this.cursor}: ${words}`);
  }

  // ------------------------------------------------------------ pointing

  /** @param {number} epoch @param {number} bin @param {number} clientX @param {number} clientY */
  #tell(epoch, bin, clientX, clientY) {
    const counts = this.data?.counts[epoch];
    if (!this.data || !counts || !(bin >= 0 && bin < counts.length)) return this.tooltip.hide();
    const { neurons, field } = this.data;
    const words = `${counted(counts[bin])} of ${counted(neurons)} neurons (${percent(counts[bin] / neurons)})`;
    const lines = [FIELDS[field].bin(bin), words].map((line) => element("div", {}, line));
    return this.tooltip.show([element("div.tooltip-head", {}, `epoch ${epoch}`), ...lines], clientX, clientY);
  }

  /** @param {Cell | null} cell */
  #hover(cell) {
    this.onPoint?.(cell && this.data?.counts[cell.column] ? cell.column : null);
    if (cell) this.#tell(cell.column, cell.row, cell.clientX, cell.clientY);
    else this.tooltip.hide();
  }

  /** @param {PointerEvent} event */
  #hoverBar({ clientX, clientY }) {
    const { top, height } = this.bars.getBoundingClientRect();
    const { bins } = FIELDS[this.data?.field ?? "velocity"];
    this.#tell(this.cursor, Math.floor((1 - (clientY - top) / height) * bins), clientX, clientY);
  }
}
