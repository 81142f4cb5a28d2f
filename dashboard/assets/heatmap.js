"use strict";
/*
 * neq.Heatmap: one layer's neurons × epochs, with colours by state or by the size of v, and words on every cell.
 */
(() => {
  const neq = (window.neq = window.neq || {});
  const ASK_AFTER_MS = 60;
  const MODES = {
    state: { table: () => neq.palette.states() },
    speed: { table: () => neq.palette.speeds() },
  };
  const EMPTY = { rows: 1, columns: 0, fill: () => false };

  class Heatmap {
    /**
     * @param {object} options
     * @param {neq.Scope} options.scope
     * @param {HTMLElement} options.host
     * @param {object} options.figure template `neurons` of figures.py.
     * @param {string} options.name of a saved file.
     * @param {"state"|"speed"} options.mode
     * @param {HTMLElement} [options.note] says when one row stands for several neurons.
     * @param {(cell: {column: number, row: number}|null) => void} [options.onPoint] the reader points at a cell.
     * @param {(range: object) => void} [options.onRange]
     */
    constructor(options) {
      Object.assign(this, options);
      this.tooltip = new neq.Tooltip(this.scope);
      this.picture = new neq.Picture({
        scope: this.scope, host: this.host, figure: this.figure, name: this.name,
        source: EMPTY, table: () => MODES[this.mode].table(),
        onHover: (cell) => this.#hover(cell),
        onRange: (range) => this.onRange?.(range),
        onPaint: (note) => this.#say(note),
      });
      this.scope.on(this.host, "keydown", (event) => this.#key(event));
      this.scope.on(this.host, "blur", () => this.#hover(null));
      this.host.tabIndex = 0;
      this.host.setAttribute("role", "img");
    }

    start(Plotly) {
      return this.picture.start(Plotly);
    }

    /** Shows a layer; null: none. */
    show(layer) {
      const same = layer && this.layer && this.layer.layer.neurons === layer.layer.neurons;
      this.layer = layer;
      this.#hover(null);
      const neurons = layer ? layer.layer.neurons : 1;
      const whole = [neurons - 0.5, -0.5];
      if (!same) {
        this.picture.extend("y", whole);
        this.picture.show({ y: whole });
        this.picture.adjust({ "yaxis.showticklabels": Boolean(layer) });
      }
      this.picture.use({ source: layer ? layer.source(this.mode) : EMPTY });
      this.describe();
    }

    /** Colours by "state" or by "speed" (the size of v). */
    colourBy(mode) {
      this.mode = mode;
      this.picture.use({ source: this.layer ? this.layer.source(mode) : EMPTY, table: MODES[mode].table });
    }

    /** One more epoch has come. */
    append(epoch) {
      this.picture.paintColumn(epoch);
      this.describe();
      if (this.cell) this.#hover(this.cell, false);
    }

    /** Words for those who do not see the picture. */
    describe() {
      if (!this.layer) return;
      const { layer, cells } = this.layer;
      const head = `${layer.name}: ${layer.neurons} neurons`;
      const last = cells.epochs - 1;
      if (last < 0) return this.host.setAttribute("aria-label", `${head}; no epoch is finished yet.`);
      const [moving, frozen, thawed, froze] = cells.count(last);
      return this.host.setAttribute(
        "aria-label",
        `${head}, ${cells.epochs} epochs. After epoch ${last}: ${frozen + froze} frozen, ${froze} of them just now; ` +
          `${moving + thawed} updating, ${thawed} of them just thawed. Arrow keys move from cell to cell.`,
      );
    }

    #say({ rowsPer, columnsPer }) {
      if (!this.note) return;
      const merged = [rowsPer > 1 && `1 row = ${rowsPer} neurons`, columnsPer > 1 && `1 column = ${columnsPer} epochs`];
      const words = this.layer ? merged.filter(Boolean).join(", ") : "";
      neq.say(this.note, words && `${words}, colours averaged; zoom in for single ones`);
      this.note.hidden = !words;
    }

    // ------------------------------------------------------------ one cell

    #hover(cell, tells = true) {
      const there = cell && this.layer && this.layer.cells.state(cell.column, cell.row) !== -1 ? cell : null;
      const changed = there?.column !== this.cell?.column || there?.row !== this.cell?.row;
      this.cell = there;
      if (there) this.tell(there);
      else this.tooltip.hide();
      if (tells && changed) this.onPoint?.(there);
    }

    /** Shows a cell's words, beside its pointer or else beside the cell. */
    tell(cell) {
      if (!this.layer || this.layer.cells.state(cell.column, cell.row) === -1) return this.tooltip.hide();
      const place = "clientX" in cell ? cell : this.picture.placeOf(cell.column, cell.row);
      this.told = cell;
      this.tooltip.show(this.#words(cell), place.clientX, place.clientY);
      this.#askSoon(cell);
      return undefined;
    }

    /** Another heatmap's reader points at this cell: tell the same of ours; null: no longer. */
    echo(cell) {
      this.told = null;
      if (cell) this.tell({ column: cell.column, row: cell.row });
      else this.tooltip.hide();
    }

    #words({ column: epoch, row: neuron }) {
      const { cells } = this.layer;
      const state = cells.state(epoch, neuron);
      const { name, token } = neq.palette.STATES[state];
      const since = cells.since(epoch, neuron);
      const span = since === epoch ? "" : ` since epoch ${since}`;
      const row = (term, value) => [neq.element("dt", {}, term), neq.element("dd", {}, value)];
      return [
        neq.element("div.tooltip-head", {}, `neuron ${neuron}, epoch ${epoch}`),
        neq.element("div.tooltip-state", {}, neq.element("span.swatch", { style: `background: var(${token})` }), name + span),
        neq.element("dl", {}, ...row("φ", this.#value("phi", epoch, neuron)), ...row("v", this.#value("velocity", epoch, neuron))),
      ];
    }

    #value(field, epoch, neuron) {
      if (field === "velocity" && !this.layer.cells.moving(epoch, neuron)) return "none yet";
      const values = this.layer.values.get(`${field} ${epoch}`);
      if (values === undefined || values instanceof Promise) return "…";
      return values ? neq.format.exact(values[neuron]) : "not to be had";
    }

    /** Exact values are asked for when the pointer rests, not for every column that it crosses. */
    #askSoon(cell) {
      clearTimeout(this.asking);
      this.asking = setTimeout(async () => {
        const { layer } = this;
        if (this.scope.ended || !layer) return;
        await Promise.all([layer.column("phi", cell.column), layer.column("velocity", cell.column)]);
        if (this.told === cell && this.layer === layer && !this.tooltip.box.hidden) {
          this.tooltip.box.replaceChildren(...this.#words(cell));
        }
      }, ASK_AFTER_MS);
    }

    #key(event) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step || !this.layer || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const { cells } = this.layer;
      const now = this.cell || { column: cells.epochs - 1 - step[0], row: -step[1] };
      const column = Math.max(0, Math.min(cells.epochs - 1, now.column + step[0]));
      const row = Math.max(0, Math.min(cells.neurons - 1, now.row + step[1]));
      this.#hover({ column, row });
    }
  }

  neq.Heatmap = Heatmap;
})();
