/*
 * The masks of two of the runs against each other: which neurons only one of them froze, and how layers agree.
 */

import * as api from "../api/compare.js";
import { CellCanvas } from "../plot/cell-canvas.js";
import { longTable, matrixTable, seen } from "../plot/figure-tables.js";
import { wholeOf } from "../plot/line-chart.js";
import * as palette from "../plot/palette.js";
import { element, say } from "../ui/dom.js";
import { ending } from "../ui/format.js";
import { onScheme } from "../ui/shell.js";
import { Tooltip } from "../ui/tooltip.js";
import { FreezePicture } from "./freezes.js";
import * as data from "./mask-data.js";
import { withoutCommonStart } from "./picker.js";

/** @import { Agreement, FirstFreezes, LayerPair } from "../../types/api" */
/** @import { Cell, Figure, Range } from "../plot/area.js" */
/** @import { AxesOptions } from "../plot/axes.js" */
/** @import { Source, Table } from "../plot/raster.js" */
/** @import { Together } from "../plot/line-chart.js" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Member } from "./members.js" */

const SETTLE_MS = 1500; // of runs that go on, so that each epoch does not ask for all masks
const LABEL_SIGNS = 17;
const MOST_LABELS = 24;
/** @type {Source} */
const EMPTY = { rows: 1, columns: 0, fill: () => false };

export class MaskCard {
  /**
   * @param {object} options
   * @param {Scope} options.scope
   * @param {Record<string, HTMLElement>} options.parts of the page.
   * @param {Member[]} options.members at least two.
   * @param {number[]} options.chosen places of the two to begin with.
   * @param {Record<string, Figure>} options.figures templates.
   * @param {(layer: string) => void} options.onOpen a layer was chosen.
   */
  constructor({ scope, parts, members, chosen, figures, onOpen }) {
    this.scope = scope;
    this.parts = parts;
    this.members = members;
    this.onOpen = onOpen;
    this.chosen = chosen;
    /** @type {string | null} */
    this.layer = null;
    /** @type {keyof typeof data.MEASURES | null} what the reader chose; null: what these two runs allow. */
    this.chosenMeasure = null;
    /** @type {Agreement | null} */
    this.agreement = null;
    /** @type {{shape: number[], values: Uint8Array} | null} */
    this.cells = null;
    this.asked = 0; // questions, so that late answers of former ones are dropped
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.soon = undefined;
    this.tooltip = new Tooltip(scope);
    this.picture = this.#picture(parts["mask-cells"], figures.neurons, "masks", {
      table: () => data.caseColours(),
      about: () => ({ what: "Masks of two runs", layer: this.pair ? data.pairName(this.pair) : undefined, more: this.#neuronNotes() }),
      legend: () => data.CASES.map(({ name, token }) => ({ name, colour: `var(${token})` })),
      data: (range) => this.#cellTable(range),
      words: (cell) => this.#cellWords(cell),
    });
    this.overview = this.#picture(parts["mask-agreement"], figures.overview, "agreement", {
      table: () => data.MEASURES[this.measure].table(),
      about: () => ({ what: `${data.MEASURES[this.measure].name} by layer and epoch`, more: this.#sides() }),
      scale: () => data.measureScale(this.measure),
      data: ({ x }) => this.#layerTable(x),
      words: (cell) => this.#layerWords(cell),
    });
    this.freezes = new FreezePicture(scope, parts["mask-freezes"], figures.scatter, () => this.#neuronNotes());
    this.#drawCells();
    this.overview.describe("Agreement of layers: loading");
    this.#wire();
    scope.finally(onScheme(() => this.#drawScale()));
    scope.finally(() => clearTimeout(this.soon));
  }

  /** What layers are coloured by: single neurons count only where they are the same ones in both. @returns {keyof typeof data.MEASURES} */
  get measure() {
    return this.chosenMeasure ?? (this.isComparable ? "jaccard" : "difference");
  }

  /** Whether neuron 5 of one run is neuron 5 of the other. */
  get isComparable() {
    return !this.agreement?.differing.length;
  }

  /** The two runs by name. */
  #sides() {
    return this.chosen.map((at, side) => `${"AB"[side]}: ${this.members[at].name}`);
  }

  /** What a figure of single neurons says besides. */
  #neuronNotes() {
    return [...this.#sides(), ...(this.isComparable ? [] : [data.NOT_COMPARABLE])];
  }

  /** @param {Range} range */
  #cellTable({ x, y }) {
    const { values, shape } = this.cells ?? { values: new Uint8Array(), shape: [0, 0] };
    const caseOf = (/** @type {number} */ epoch, /** @type {number} */ neuron) => data.CASES[values[epoch * shape[1] + neuron]]?.name;
    return longTable(["frozen in"], seen(x, shape[0]), seen(y, shape[1]), (epoch, neuron) => {
      const found = caseOf(epoch, neuron);
      return found ? [found] : null;
    });
  }

  /** @param {number[]} range of epochs. */
  #layerTable(range) {
    const { pairs, epochs } = this.agreement ?? { pairs: [], epochs: 0 };
    const rows = this.agreement?.[this.measure] ?? [];
    return matrixTable(pairs.map(data.pairName), seen(range, epochs), (epoch, layer) => rows[layer]?.[epoch]);
  }

  /**
   * @param {HTMLElement} host @param {Figure} figure @param {string} name
   * @param {Pick<AxesOptions, "about" | "legend" | "scale" | "data"> & {table: () => Table, words: (cell: Cell) => Node[]}} options
   */
  #picture(host, figure, name, { words, ...options }) {
    return new CellCanvas({
      scope: this.scope,
      host,
      figure: structuredClone(figure),
      name: `${name} of two runs`,
      source: EMPTY,
      ...options,
      onHover: (cell) => this.#hover(cell, words),
      onClick: (cell) => name === "agreement" && this.#open(cell.row),
    });
  }

  #wire() {
    const { scope, parts, members } = this;
    const names = withoutCommonStart(members.map(({ name }) => name));
    for (const [side, name] of /** @type {const} */ (["mask-a", "mask-b"]).entries()) {
      const select = /** @type {HTMLSelectElement} */ (parts[name]);
      select.replaceChildren(...names.map((name, at) => element("option", { value: String(at), title: members[at].name }, name)));
      select.value = String(this.chosen[side]);
      scope.on(select, "change", () => {
        this.chosen[side] = Number(select.value);
        this.#ask();
      });
    }
    for (const measure of /** @type {const} */ (["jaccard", "difference"])) {
      scope.on(parts[`mask-${measure}`], "click", () => {
        this.chosenMeasure = measure;
        this.#drawAgreement();
      });
    }
    parts["mask-legend"].replaceChildren(
      ...data.CASES.map(({ name, token }) =>
        element("span.legend-item", {}, element("span.swatch", { style: `background: var(${token})` }), name),
      ),
    );
  }

  /** @param {any} Plotly @param {Together} together */
  async start(Plotly, together) {
    await Promise.all([this.picture, this.overview, this.freezes].map((picture) => picture.start(Plotly)));
    for (const picture of [this.picture, this.overview]) together.add(picture);
    await this.#ask();
  }

  /** Shows the layer of this name. @param {string} name */
  open(name) {
    if (this.layer === name) return;
    this.layer = name;
    if (this.agreement) this.#askCells();
  }

  /** The run that the others are held against is A. @param {string | null} base its id. */
  hold(base) {
    const at = this.members.findIndex(({ id }) => id === base);
    if (at === -1 || this.chosen[0] === at) return;
    this.chosen = [at, this.chosen[1] === at ? this.chosen[0] : this.chosen[1]];
    for (const [side, name] of /** @type {const} */ (["mask-a", "mask-b"]).entries()) {
      /** @type {HTMLSelectElement} */ (this.parts[name]).value = String(this.chosen[side]);
    }
    if (this.picture.started) this.#ask();
  }

  /** One of the runs has recorded more. */
  changed() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.#ask(), SETTLE_MS);
  }

  #ids() {
    return this.chosen.map((at) => this.members[at].id);
  }

  get pair() {
    return this.agreement && data.pairOf(this.agreement.pairs, this.layer);
  }

  // ------------------------------------------------------------ asking

  async #ask() {
    this.asked += 1;
    const mine = this.asked;
    const [a, b] = this.#ids();
    const found = await api.agreement(a, b).catch((problem) => this.#fail(problem, mine));
    if (!found || mine !== this.asked || this.scope.ended) return;
    this.agreement = found;
    say(this.parts["mask-words"], data.agreementWords(found));
    this.#drawAgreement();
    await this.#askCells();
  }

  /** @param {Error} problem @param {number} mine */
  #fail(problem, mine) {
    if (mine === this.asked && !this.scope.ended) say(this.parts["mask-words"], problem.message);
    return null;
  }

  async #askCells() {
    const { pair, asked } = this;
    const [a, b] = this.#ids();
    this.cells = null;
    this.#drawFreezes(null);
    if (!pair || pair.neurons_a !== pair.neurons_b) return this.#drawCells();
    const of = { a, b, layer_a: pair.a, layer_b: pair.b };
    const [cells, freezes] = await Promise.all([api.masks(of), api.firstFreezes(of)]).catch((problem) => {
      this.#fail(problem, asked);
      return [null, null];
    });
    if (asked !== this.asked || pair !== this.pair || this.scope.ended) return undefined;
    this.cells = cells;
    say(this.parts["mask-numbers"], freezes ? data.freezeWords(freezes, this.isComparable) : "");
    this.#drawFreezes(freezes);
    return this.#drawCells();
  }

  // ------------------------------------------------------------ drawing

  #drawCells() {
    const { pair, cells, picture } = this;
    const [epochs, neurons] = cells?.shape ?? [0, 1];
    picture.extend("y", [Math.max(1, neurons) - 0.5, -0.5]);
    picture.use({ source: cells ? data.cellSource(cells) : EMPTY });
    if (epochs) picture.extend("x", wholeOf(epochs, epochs));
    picture.say(cells ? "" : this.#why(pair));
    if (!cells) say(this.parts["mask-numbers"], "");
    say(this.parts["mask-layer"], pair ? data.pairName(pair) : "");
    say(this.parts["freeze-layer"], pair ? `, ${data.pairName(pair)}` : "");
    const told = pair && cells ? `which of two runs froze each neuron. ${this.parts["mask-numbers"].textContent}` : this.#why(pair);
    picture.describe(`Masks of ${pair ? data.pairName(pair) : "two runs"}: ${told}`);
  }

  /** Why there are no cells. @param {LayerPair | null} pair */
  #why(pair) {
    if (!this.agreement) return "Loading…";
    if (!pair) return "No layer to compare.";
    if (pair.neurons_a === pair.neurons_b) return "Loading…";
    return `${pair.neurons_a} and ${pair.neurons_b} neurons: single neurons cannot be compared, fractions can.`;
  }

  /** @param {FirstFreezes | null} freezes */
  #drawFreezes(freezes) {
    const names = this.chosen.map((at) => this.members[at].name);
    this.freezes.show(freezes, names, this.pair ? data.pairName(this.pair) : "", this.#why(this.pair));
  }

  #drawAgreement() {
    const { agreement, overview, measure, parts } = this;
    for (const each of Object.keys(data.MEASURES)) parts[`mask-${each}`].setAttribute("aria-pressed", String(each === measure));
    this.#drawScale();
    if (!agreement) return;
    const rows = Math.max(1, agreement.pairs.length);
    overview.extend("y", [rows - 0.5, -0.5]);
    overview.show({ y: [rows - 0.5, -0.5] });
    overview.use({ source: data.agreementSource(agreement, measure), table: () => data.MEASURES[measure].table() });
    if (agreement.epochs) overview.extend("x", wholeOf(agreement.epochs, agreement.epochs));
    const none = agreement[measure].every((row) => row.every((value) => value === null));
    const why = agreement.epochs && measure === "jaccard" ? "The layers differ in size: see B − A." : "Nothing is recorded in both yet.";
    overview.say(agreement.pairs.length ? (none ? why : "") : "No layer to compare.");
    this.#label(agreement);
  }

  /** @param {Agreement} agreement */
  #label({ pairs }) {
    const each = Math.ceil(pairs.length / MOST_LABELS);
    const seen = pairs.map((pair, row) => ({ row, name: data.pairName(pair) })).filter(({ row }) => row % each === 0);
    this.overview.adjust({
      "yaxis.tickmode": "array",
      "yaxis.tickvals": seen.map(({ row }) => row),
      "yaxis.ticktext": seen.map(({ name }) => ending(name, LABEL_SIGNS)),
      "yaxis.showticklabels": true,
      "yaxis.ticks": "outside",
      "yaxis.tickfont.size": 11,
    });
    const means = data.meansOf(this.agreement, this.measure);
    this.overview.describe(`${data.MEASURES[this.measure].name} of ${pairs.length} layers by epoch. ${means}`);
  }

  #drawScale() {
    const { name, table, ends } = data.MEASURES[this.measure];
    const bar = element("span.fraction-bar", { style: `background: ${palette.gradient(table(), 1)}` });
    this.parts["mask-scale"].replaceChildren(element("span", {}, name), element("span", {}, ends[0]), bar, element("span", {}, ends[1]));
  }

  // ------------------------------------------------------------ pointing

  /** @param {number} row */
  #open(row) {
    const pair = this.agreement?.pairs[row];
    if (pair) this.onOpen(pair.name_a);
  }

  /** @param {Cell | null} cell @param {(cell: Cell) => Node[]} words */
  #hover(cell, words) {
    const said = cell ? words(cell) : [];
    if (!cell || !said.length) return this.tooltip.hide();
    return this.tooltip.show(said, cell.clientX, cell.clientY);
  }

  /** @param {Cell} cell @returns {Node[]} */
  #cellWords({ column, row }) {
    if (!this.cells) return [];
    const [epochs, neurons] = this.cells.shape;
    if (column >= epochs || row >= neurons) return [];
    const found = data.CASES[this.cells.values[column * neurons + row]];
    return [
      element("div.tooltip-head", {}, `neuron ${row}, after epoch ${column}`),
      element("div", {}, found ? `frozen in ${found.name}` : "not recorded in both"),
    ];
  }

  /** @param {Cell} cell @returns {Node[]} */
  #layerWords({ column, row }) {
    const pair = this.agreement?.pairs[row];
    if (!this.agreement || !pair || column >= this.agreement.epochs) return [];
    const words = Object.entries(data.MEASURES).map(([measure, { words: wording }]) =>
      element("div", {}, wording(/** @type {any} */ (this.agreement)[measure][row][column])),
    );
    return [element("div.tooltip-head", {}, `${data.pairName(pair)}, after epoch ${column}`), ...words];
  }
}
