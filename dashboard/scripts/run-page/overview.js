/*
 * Layers × epochs in forward order, by block of the network; input at the top.
 */

import * as marks from "../plot/annotations.js";
import { CellCanvas } from "../plot/cell-canvas.js";
import { savedScale, scaleBar } from "../plot/colour-modes.js";
import { matrixTable, seen } from "../plot/figure-tables.js";
import { groups } from "../run-data/groups.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onScheme } from "../ui/shell.js";
import { Tooltip } from "../ui/tooltip.js";
import { MODES } from "./overview-modes.js";

/** @import { Cell, Figure, Update } from "../plot/area.js" */
/** @import { Source } from "../plot/raster.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */
/** @import { Numbers } from "../run-data/layer-tables.js" */

const LABEL_PIXELS = 13;
const LABEL_SIGNS = 17;
const AXIS_PIXELS = 46;
const HIGHEST = 420;
const { percent, ending } = format;

export class Overview {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {HTMLElement} options.host
   * @param {Figure} options.figure template `overview` of figures.py.
   * @param {Feed} options.feed
   * @param {(layer: number) => void} options.onOpen a row was chosen.
   * @param {(epoch: number|null) => void} [options.onPoint]
   * @param {number} [options.labelSigns] how much of a layer's name fits.
   * @param {string} [options.name] what the run is called, where another of the page has its name.
   * @param {Numbers} [options.mode]
   * @param {HTMLElement} [options.legend]
   */
  constructor({ scope, host, figure, feed, onOpen, onPoint, labelSigns = LABEL_SIGNS, name = feed.record.name, mode = "frozen", legend }) {
    this.scope = scope;
    this.host = host;
    this.feed = feed;
    this.onPoint = onPoint;
    this.labelSigns = labelSigns;
    this.mode = mode;
    this.legend = legend;
    /** @type {{epoch: number}[]} of the learning rate. */
    this.changes = [];
    /** @type {{epoch: number, fraction: number}[]} of thawing. */
    this.bursts = [];
    /** @type {ReturnType<typeof groups> | null} the network's blocks; null: not known yet. */
    this.groups = null;
    /** @type {number | null} the layer that is open. */
    this.selected = null;
    /** @type {string | null} the upright axis's labels, as Plotly knows them. */
    this.labels = null;
    this.tooltip = new Tooltip(scope);
    this.picture = new CellCanvas({
      scope,
      host,
      figure,
      name: `${name} overview`,
      source: this.#source(),
      table: () => MODES[this.mode].table(this.epsilon),
      onHover: (cell) => this.#hover(cell),
      about: () => this.#about(name),
      scale: () => savedScale(MODES[this.mode], this.epsilon),
      data: ({ x }) => this.#data(x),
      onClick: (cell) => feed.layers[cell.row] && onOpen(cell.row),
    });
    if (legend) scope.finally(onScheme(() => this.#drawLegend()));
    this.#drawLegend();
  }

  /** The threshold of all layers; 0: they have not one in common. */
  get epsilon() {
    return this.feed.epsilonOf(null);
  }

  /** What a saved file is of. @param {string} run */
  #about(run) {
    const { epsilon } = this;
    const layers = format.counted(this.feed.layers.length, "layer");
    const marked = this.bursts.length ? ["▼ many neurons thawed at once"] : [];
    return { what: MODES[this.mode].what, run, more: [layers, ...(epsilon > 0 ? [`ε = ${format.setting(epsilon)}`] : []), ...marked] };
  }

  /** @param {number[]} range of epochs. */
  #data(range) {
    const { columns } = this.feed.tables;
    const names = this.feed.layers.map(({ name }) => name);
    return matrixTable(names, seen(range, columns[this.mode].length), (epoch, layer) => {
      const value = this.#column(epoch)?.[layer];
      return value === undefined ? undefined : format.shortest(value);
    });
  }

  /** @param {number} epoch @returns {Float32Array | undefined} */
  #column(epoch) {
    return this.feed.tables.columns[this.mode][epoch];
  }

  /** @returns {Source} */
  #source() {
    const overview = this;
    const { feed } = this;
    return {
      get rows() {
        return Math.max(1, feed.layers.length);
      },
      get columns() {
        return feed.tables.columns[overview.mode].length;
      },
      fill(epoch, into) {
        const column = overview.#column(epoch);
        if (!column) return false;
        const { index } = MODES[overview.mode];
        for (let layer = 0; layer < column.length; layer += 1) into[layer] = index(column[layer]);
        return true;
      },
    };
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    await this.picture.start(Plotly);
    const label = this.scope.once(() => this.#label());
    this.scope.watchSize(this.host, label);
    let room = 0; // Plotly takes up a new height later than its host
    this.picture.plot.on?.("plotly_afterplot", () => {
      const { height } = this.picture.area;
      if (height !== room) label();
      room = height;
    });
  }

  /** Colours by a mode. @param {Numbers} mode */
  colourBy(mode) {
    this.mode = mode;
    this.feed.tables.want(mode);
    this.picture.use({ table: () => MODES[mode].table(this.epsilon) });
    this.#drawLegend();
    this.describe();
  }

  #drawLegend() {
    const { scale, table } = MODES[this.mode];
    this.legend?.replaceChildren(...scaleBar(scale, table(this.epsilon), this.epsilon));
  }

  /** Draws all of it: the layers, their names, what is stored. */
  draw() {
    const { layers } = this.feed;
    if (!layers.length) return;
    if (this.mode !== "frozen") this.feed.tables.want(this.mode);
    this.host.style.setProperty("--rows-height", `${Math.max(170, Math.min(HIGHEST, layers.length * 15 + AXIS_PIXELS))}px`);
    this.groups = groups(layers);
    this.picture.extend("y", [layers.length - 0.5, -0.5]);
    this.#label();
    this.picture.redraw();
    this.describe();
  }

  /** One more epoch has come. @param {number} epoch */
  append(epoch) {
    this.picture.paintColumn(epoch);
    this.describe();
  }

  /** Marks the row of the layer that is open. @param {number} index */
  select(index) {
    this.selected = index;
    this.#label();
  }

  /**
   * Vertical lines where the learning rate changed; a mark above where many neurons thawed.
   * @param {{epoch: number}[]} changes @param {{epoch: number, fraction: number}[]} [bursts]
   */
  markEpochs(changes, bursts = []) {
    this.changes = changes;
    this.bursts = bursts;
    this.#mark();
  }

  #mark() {
    if (!this.groups) return;
    const between = this.groups.slice(1).map(({ first }) => marks.border(first - 0.5));
    const box = this.selected === null ? [] : [marks.row(this.selected)];
    const { shapes } = marks.drops(this.changes);
    this.picture.mark({ shapes: [...between, ...shapes, ...box], annotations: marks.bursts(this.bursts) });
  }

  /** Every layer's name where there is room, else the names of the blocks. */
  #label() {
    const { layers } = this.feed;
    const room = this.picture.area.height;
    if (!layers.length || room < 1 || !this.groups) return;
    const all = layers.map(({ index, name }) => ({ place: index, name }));
    const blocks = this.groups.map(({ first, last, label }) => ({ place: (first + last) / 2, name: label }));
    const fits = layers.length * LABEL_PIXELS <= room;
    const seen = fits ? all : apart(blocks, (LABEL_PIXELS * layers.length) / room);
    /** @type {Update} */
    const update = {
      "yaxis.tickmode": "array",
      "yaxis.tickvals": seen.map(({ place }) => place),
      "yaxis.ticktext": seen.map(({ name }) => ending(name, this.labelSigns)),
      "yaxis.tickfont.size": 11,
      "yaxis.showticklabels": true,
      "yaxis.ticks": "outside",
    };
    const text = JSON.stringify(update);
    if (text !== this.labels) this.picture.adjust(update);
    this.labels = text;
    this.#mark();
  }

  describe() {
    const { layers, tables } = this.feed;
    const last = tables.columns.frozen.length - 1;
    const head = `Overview of ${format.counted(layers.length, "layer")} in ${format.counted(this.groups?.length ?? 0, "block")}, input at the top`;
    if (last < 0) return this.picture.describe(`${head}; no epoch has finished yet.`);
    const fractions = tables.columns.frozen[last];
    const most = fractions.indexOf(Math.max(...fractions));
    const words = `After epoch ${last} the most frozen layer is ${layers[most]?.name}`;
    return this.picture.describe(`${head}. ${words}: ${percent(fractions[most])}.`);
  }

  /** @param {Cell | null} cell */
  #hover(cell) {
    const value = cell && this.#column(cell.column)?.[cell.row];
    const layer = cell && this.feed.layers[cell.row];
    const there = layer && value !== undefined && value !== null;
    this.onPoint?.(there ? cell.column : null);
    if (!there) return this.tooltip.hide();
    const burst = this.bursts.find(({ epoch }) => epoch === cell.column);
    const words = Number.isNaN(value) ? "no value yet" : MODES[this.mode].words(value);
    return this.tooltip.show(
      [
        element("div.tooltip-head", {}, layer.name),
        element("div", {}, `${layer.type}, ${format.counted(layer.neurons, "neuron")}`),
        element("div", {}, `after epoch ${cell.column}: ${words}`),
        ...(burst ? [element("div", {}, `burst: ${percent(burst.fraction)} of all neurons thawed`)] : []),
        element("div.tooltip-hint", {}, "click to open the layer, drag to select epochs"),
      ],
      cell.clientX,
      cell.clientY,
    );
  }
}

/** Those of the labels, from the top, that stand at least so far from the one before. @param {{place: number, name: string}[]} labels @param {number} least */
function apart(labels, least) {
  let next = -Infinity;
  return labels.filter(({ place }) => {
    const fitting = place - next >= least;
    if (fitting) next = place;
    return fitting;
  });
}
