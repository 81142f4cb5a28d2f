// @ts-nocheck (types to come)
/*
 * Overview: layers × epochs in forward order, by block of the network; input at the top.
 */

import * as marks from "../plot/annotations.js";
import { Picture } from "../plot/cell-canvas.js";
import { legendOf, modes, scaleBar } from "../plot/colour-modes.js";
import * as palette from "../plot/palette.js";
import { groups } from "../run-data/groups.js";
import { NeuronHistory } from "../run-data/neuron-history.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onScheme } from "../ui/shell.js";
import { Tooltip } from "../ui/tooltip.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

const LABEL_PIXELS = 13;
const LABEL_SIGNS = 17;
const AXIS_PIXELS = 46;
const HIGHEST = 420;
const { percent, number, ending } = format;
const steps = 255; // of the tables of 256 colours
const level = (value) => (Number.isNaN(value) ? 0 : 1 + Math.round(126 * NeuronHistory.place(value)));
const logTicks = modes.phi.scale.ticks;
const ends = (last) => () => [
  [0, "0"],
  [1, last],
];

/** What a cell may be coloured by: colour index of a layer's value, table, words, legend. */
export const MODES = {
  frozen: {
    name: "frozen",
    index: (share) => Math.round(share * steps),
    table: () => palette.shares(),
    words: (share) => `${percent(share)} frozen next epoch`,
    scale: { name: "frozen", ticks: ends("100 %"), marks: () => [] },
  },
  phi: {
    name: "mean φ",
    index: (phi) => level(1 - phi),
    table: () => palette.similarities(),
    words: (phi) => `mean φ ${number(phi, 4)}`,
    scale: { name: "1 − mean φ", none: "none yet", ticks: logTicks, marks: () => [] },
  },
  speed: {
    name: "mean |v|",
    index: level,
    table: (epsilon) => palette.speeds(epsilon),
    words: (speed) => `mean |v| ${number(speed)}`,
    scale: { ...modes.speed.scale, name: "mean |v|", none: "none yet" },
  },
  // The root lets few be seen among many.
  thawed: {
    name: "thaws",
    index: (share) => Math.round(Math.sqrt(share) * steps),
    table: () => palette.thaws(),
    words: (share) => `${percent(share)} thawed`,
    scale: {
      name: "thawed",
      ticks: () => [
        [0, "0"],
        [Math.sqrt(0.1), "10 %"],
        [1, "100 %"],
      ],
      marks: () => [],
    },
  },
};

export class Overview {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {HTMLElement} options.host
   * @param {object} options.figure template `overview` of figures.py.
   * @param {Feed} options.feed
   * @param {(layer: number) => void} options.onOpen a row was chosen.
   * @param {(epoch: number|null) => void} [options.onPoint]
   * @param {number} [options.labelSigns] how much of a layer's name fits.
   * @param {string} [options.name] what the run is called, where another of the page has its name.
   * @param {string} [options.mode] of overviewModes.
   * @param {HTMLElement} [options.legend]
   */
  constructor(options) {
    Object.assign(this, { mode: "frozen", changes: [], bursts: [], name: options.feed.record.name }, options);
    const { feed, scope } = this;
    this.epsilon = feed.record.config.neq?.epsilon ?? 0;
    this.tooltip = new Tooltip(scope);
    this.picture = new Picture({
      scope: this.scope,
      host: this.host,
      figure: this.figure,
      name: `${this.name} overview`,
      source: this.#source(),
      table: () => MODES[this.mode].table(this.epsilon),
      onHover: (cell) => this.#hover(cell),
      legend: () => legendOf(MODES[this.mode], this.epsilon),
      onClick: (cell) => feed.layers[cell.row] && this.onOpen(cell.row),
    });
    if (this.legend) scope.finally(onScheme(() => this.#drawLegend()));
    this.#drawLegend();
  }

  #column(epoch) {
    return this.feed.tables.columns[this.mode][epoch];
  }

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

  /** Colours by a mode of overviewModes. */
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

  /** One more epoch has come. */
  append(epoch) {
    this.picture.paintColumn(epoch);
    this.describe();
  }

  /** Marks the row of the layer that is open. */
  select(index) {
    this.selected = index;
    this.#label();
  }

  /** Vertical lines where the learning rate changed; a mark above where many neurons thawed. */
  markEpochs(changes, bursts = []) {
    Object.assign(this, { changes, bursts });
    this.#mark();
  }

  #mark() {
    if (!this.groups) return;
    const between = this.groups.slice(1).map(({ first }) => marks.border(first - 0.5));
    const box = this.selected === undefined ? [] : [marks.row(this.selected)];
    const { shapes } = marks.drops(this.changes);
    this.picture.mark({ shapes: [...between, ...shapes, ...box], annotations: marks.bursts(this.bursts) });
  }

  /** Every layer's name where there is room, else the names of the blocks. */
  #label() {
    const { layers } = this.feed;
    const room = this.picture.area.height;
    if (!layers.length || room < 1 || !this.groups) return;
    const all = layers.map(({ index, name }) => [index, name]);
    const blocks = this.groups.map(({ first, last, label }) => [(first + last) / 2, label]);
    const fits = layers.length * LABEL_PIXELS <= room;
    let next = -Infinity;
    const apart = ([place]) => {
      const fitting = (place - next) * (room / layers.length) >= LABEL_PIXELS;
      if (fitting) next = place;
      return fitting;
    };
    const seen = fits ? all : blocks.filter(apart);
    const update = {
      "yaxis.tickmode": "array",
      "yaxis.tickvals": seen.map(([place]) => place),
      "yaxis.ticktext": seen.map(([, name]) => ending(name, this.labelSigns || LABEL_SIGNS)),
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
    if (last < 0) return this.picture.describe(`${head}; no epoch is finished yet.`);
    const shares = tables.columns.frozen[last];
    const most = shares.indexOf(Math.max(...shares));
    const words = `After epoch ${last} the most frozen layer is ${layers[most]?.name}`;
    return this.picture.describe(`${head}. ${words}: ${percent(shares[most])}.`);
  }

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
        burst ? element("div", {}, `burst: ${percent(burst.share)} of all neurons thawed`) : "",
        element("div.tooltip-hint", {}, "click to open the layer, drag to choose epochs"),
      ],
      cell.clientX,
      cell.clientY,
    );
  }
}

export { MODES as overviewModes };
