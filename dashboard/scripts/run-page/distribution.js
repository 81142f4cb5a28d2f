// @ts-nocheck (types to come)
/*
 * Distribution: epoch × value densities of φ, Δφ or v with ±ε, and beside it the histogram at the epoch cursor.
 */

import * as marks from "../plot/annotations.js";
import { Picture } from "../plot/cell-canvas.js";
import * as palette from "../plot/palette.js";
import { velocityBin, velocityPlace } from "../plot/velocity-scale.js";
import { Densities } from "../run-data/histogram-data.js";
import { element, say } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onScheme } from "../ui/shell.js";
import { Tooltip } from "../ui/tooltip.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

const EMPTY = { rows: 39, columns: 0, fill: () => false };
const PHI_BINS = 50;
const VELOCITY_BINS = 39;
const counted = (number) => format.count(number);
const percent = (share) => format.percent(share);

function phiBin(index) {
  const edge = (place) => format.setting(Number((-1 + (2 * place) / PHI_BINS).toFixed(2)));
  return `${edge(index)} ≤ φ ${index === PHI_BINS - 1 ? "≤" : "<"} ${edge(index + 1)}`;
}

/** What can be shown: title of the axis, bins, a bin in words, whether ±ε has a place. */
export const FIELDS = {
  velocity: { name: "v", bins: VELOCITY_BINS, bin: (index) => velocityBin(index, "v"), threshold: true },
  delta: { name: "Δφ", bins: VELOCITY_BINS, bin: (index) => velocityBin(index, "Δφ"), threshold: true },
  phi: { name: "φ", bins: PHI_BINS, bin: phiBin, threshold: false },
};

/** Colour index of a count; roots let few neurons be seen, and a bin with any is never empty. */
function shade(count, neurons) {
  return count ? Math.max(6, Math.round(255 * Math.min(1, 1.3 * Math.sqrt(count / neurons)))) : 0;
}

export class Distribution {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {HTMLElement} options.host
   * @param {HTMLElement} options.side for the histogram at the cursor.
   * @param {object} options.figures templates `velocities` and `phis` of figures.py.
   * @param {Feed} options.feed
   * @param {string} options.name of a saved file.
   * @param {number} options.epsilon the run's threshold.
   * @param {(epoch: number|null) => void} [options.onPoint]
   * @param {(epoch: number) => void} [options.onChoose]
   */
  constructor(options) {
    Object.assign(this, { changes: [], cursor: -1 }, options);
    this.tooltip = new Tooltip(this.scope);
    this.picture = new Picture({
      scope: this.scope,
      host: this.host,
      figure: this.figures.velocities,
      name: this.name,
      source: EMPTY,
      table: () => palette.densities(),
      onHover: (cell) => this.#hover(cell),
      legend: () => [
        { name: "no neuron", colour: "var(--neq-surface)" },
        { name: "all neurons", colour: "var(--neq-density)" },
      ],
      onClick: (cell) => this.data?.counts[cell.column] && this.onChoose?.(cell.column),
    });
    this.side.setAttribute("aria-label", "Histogram at the epoch cursor: no values yet");
    this.side.setAttribute("role", "img");
    this.bars = element("canvas.picture-bars", { "aria-hidden": "true" });
    this.caption = element("p.bars-caption");
    this.side.replaceChildren(this.bars, this.caption);
    this.drawBars = this.scope.once(() => this.#drawBars());
    this.scope.watchSize(this.side, ([{ contentRect }]) => {
      this.sideWidth = contentRect.width;
      this.drawBars();
    });
    this.scope.finally(onScheme(() => this.drawBars()));
    this.scope.on(this.bars, "pointermove", (event) => this.#hoverBar(event));
    this.scope.on(this.bars, "pointerleave", () => this.tooltip.hide());
  }

  async start(Plotly) {
    await this.picture.start(Plotly);
    this.#mark();
  }

  /** Shows a field of a layer, or of the network (null). Fetches it unless it is what is shown. */
  show(layer, field) {
    if (this.data && this.data.layer === layer && this.data.field === field && !this.data.problem) return;
    const data = new Densities(this.feed, { layer, field }, (epoch) => this.data === data && this.#changed(epoch));
    this.data = data;
    const { bins } = FIELDS[field];
    const { yaxis } = (field === "phi" ? this.figures.phis : this.figures.velocities).layout;
    this.picture.extend("y", [-0.5, bins - 0.5]);
    this.picture.adjust({ "yaxis.tickvals": yaxis.tickvals, "yaxis.ticktext": yaxis.ticktext, "yaxis.range": [-0.5, bins - 0.5] });
    this.picture.use({ source: this.#source(data, bins) });
    this.#mark();
    this.drawBars();
    data.load();
  }

  /** An epoch came live. */
  take(epoch, layers) {
    this.data?.take(epoch, layers);
  }

  #changed(epoch) {
    if (epoch === null) this.picture.redraw();
    else this.picture.paintColumn(epoch);
    this.drawBars();
    this.onData?.();
  }

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

  /** Where the learning rate changed. */
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

  setCursor(epoch) {
    this.cursor = epoch;
    this.drawBars();
  }

  #drawBars() {
    const counts = this.data?.counts[this.cursor];
    say(this.caption, this.cursor >= 0 ? `epoch ${this.cursor}` : "");
    const { width, height } = this.#fitBars();
    const pen = this.bars.getContext("2d");
    pen.clearRect(0, 0, width, height);
    this.#describe(counts);
    if (!counts) return;
    const most = Math.max(...counts);
    const thick = height / counts.length;
    pen.fillStyle = palette.token("--neq-density");
    counts.forEach((count, bin) => {
      const length = count ? Math.max(1, (count / most) * (width - 2)) : 0;
      pen.fillRect(0, Math.round(height - (bin + 1) * thick), length, Math.max(1, Math.round(thick) - 1));
    });
    this.#drawThreshold(pen, width, height, counts.length);
  }

  #drawThreshold(pen, width, height, bins) {
    if (!FIELDS[this.data.field].threshold || !(this.epsilon > 0)) return;
    pen.fillStyle = palette.token("--neq-just-thawed");
    for (const epsilon of [this.epsilon, -this.epsilon]) {
      pen.fillRect(0, height - ((velocityPlace(epsilon) + 0.5) / bins) * height, width, 1.5 * devicePixelRatio);
    }
  }

  #fitBars() {
    const { top, height } = this.picture.area;
    const width = this.sideWidth ?? 0;
    const place = `top: ${top}px; height: ${height}px; width: ${width}px`;
    if (this.bars.getAttribute("style") !== place) this.bars.setAttribute("style", place);
    const size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
    if (this.bars.width !== size.width || this.bars.height !== size.height) Object.assign(this.bars, size);
    return this.bars;
  }

  #describe(counts) {
    if (!this.data) return;
    const place = this.data.layer === null ? "the network" : this.feed.layers[this.data.layer].name;
    const { name, bin } = FIELDS[this.data.field];
    this.picture.describe(`${name} of ${place} over the epochs, as densities`);
    const most = counts?.indexOf(Math.max(...counts));
    const words = counts ? `most of ${counted(this.data.neurons)} neurons lie in ${bin(most)}` : "no values";
    this.side.setAttribute("aria-label", `${name} of ${place} at epoch ${this.cursor}: ${words}`);
  }

  // ------------------------------------------------------------ pointing

  #tell(epoch, bin, clientX, clientY) {
    const counts = this.data?.counts[epoch];
    if (!counts || !(bin >= 0 && bin < counts.length)) return this.tooltip.hide();
    const { neurons, field } = this.data;
    const words = `${counted(counts[bin])} of ${counted(neurons)} neurons (${percent(counts[bin] / neurons)})`;
    const lines = [FIELDS[field].bin(bin), words].map((line) => element("div", {}, line));
    return this.tooltip.show([element("div.tooltip-head", {}, `epoch ${epoch}`), ...lines], clientX, clientY);
  }

  #hover(cell) {
    this.onPoint?.(cell && this.data?.counts[cell.column] ? cell.column : null);
    if (cell) this.#tell(cell.column, cell.row, cell.clientX, cell.clientY);
    else this.tooltip.hide();
  }

  #hoverBar({ clientX, clientY }) {
    const { top, height } = this.bars.getBoundingClientRect();
    const { bins } = FIELDS[this.data?.field ?? "velocity"];
    this.#tell(this.cursor, Math.floor((1 - (clientY - top) / height) * bins), clientX, clientY);
  }
}

/** The distributions' card: which values, of the open layer or of the whole network. */
export class ValuesCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Record<string, HTMLElement>} options.parts of the page: values-…, distribution-title.
   * @param {Feed} options.feed
   * @param {object} options.distribution options of Distribution.
   * @param {Record<string, string>} options.view the address's words: values, of.
   * @param {(changes: object) => void} options.onStep the reader chose: for the address.
   */
  constructor(options) {
    const { scope, parts, view } = Object.assign(this, options);
    this.distribution = new Distribution(options.distribution);
    this.layer = null;
    for (const field of Object.keys(FIELDS)) scope.on(parts[`values-${field}`], "click", () => this.#choose({ field }));
    scope.on(parts["values-network"], "click", () => this.#choose({ everywhere: !this.everywhere }));
    this.look(view);
  }

  /** Shows what the address says. */
  look({ values, of }) {
    Object.assign(this, { field: FIELDS[values] ? values : "velocity", everywhere: of === "network" });
    this.#draw();
  }

  /** Another layer is open. */
  open(layer) {
    this.layer = layer;
    this.#draw();
  }

  #choose(change) {
    Object.assign(this, change);
    this.#draw();
    this.onStep({ values: this.field === "velocity" ? null : this.field, of: this.everywhere ? "network" : null });
  }

  #draw() {
    const { parts, feed, field, everywhere, layer } = this;
    if (layer !== null) this.distribution.show(everywhere ? null : layer, field);
    const place = everywhere ? "the network" : (feed.layers[layer]?.name ?? "a layer");
    say(parts["distribution-title"], `${FIELDS[field].name} of ${place}`);
    for (const each of Object.keys(FIELDS)) parts[`values-${each}`].setAttribute("aria-pressed", String(each === field));
    parts["values-network"].setAttribute("aria-pressed", String(everywhere));
  }
}

export { FIELDS as distributionFields };
