/*
 * When the neurons of a layer first froze in one of two runs against when they did in the other.
 */

import { Axes } from "../plot/axes.js";
import * as palette from "../plot/palette.js";
import { counted, ending } from "../ui/format.js";

/** @import { FirstFreezes } from "../../types/api" */
/** @import { Figure } from "../plot/area.js" */
/** @import { Scope } from "../ui/page-scope.js" */

const LEAST = 6; // pixels across a point
const MOST = 34;
/** Where neurons stand that never froze: beyond the last epoch. */
const BEYOND = 1.5;

/** @typedef {{x: number | null, y: number | null, neurons: number}} Pile neurons with the same two epochs; null: never. */

/** Neurons by their first freezes in A and in B. @param {FirstFreezes} freezes @returns {Pile[]} */
export function piles({ a, b }) {
  const found = /** @type {Map<string, Pile>} */ (new Map());
  for (const [at, x] of a.entries()) {
    const key = `${x} ${b[at]}`;
    const pile = found.get(key) ?? { x, y: b[at], neurons: 0 };
    pile.neurons += 1;
    found.set(key, pile);
  }
  return [...found.values()];
}

export class FreezePicture {
  /** @param {Scope} scope @param {HTMLElement} host @param {Figure} figure template `scatter`. @param {() => string[]} notes for a file. */
  constructor(scope, host, figure, notes) {
    this.picture = new Axes({
      scope,
      host,
      figure,
      name: "first freezes of two runs",
      about: () => ({ what: "First freeze of each neuron", layer: this.layer || undefined, more: notes() }),
      data: () => ({
        header: ["neuron", "A", "B"],
        rows: (this.freezes?.a ?? []).map((epoch, neuron) => [neuron, epoch, this.freezes?.b[neuron] ?? null]),
      }),
    });
    /** @type {any} */
    this.Plotly = null;
    /** @type {FirstFreezes | null} */
    this.freezes = null;
    this.names = ["A", "B"];
    this.layer = "";
    this.why = "Loading…";
  }

  /** @param {any} Plotly */
  async start(Plotly) {
    this.Plotly = Plotly;
    await this.picture.start(Plotly);
    this.draw();
  }

  /** @param {FirstFreezes | null} freezes @param {string[]} names of the two runs. @param {string} layer its name. @param {string} why there is nothing to show. */
  show(freezes, names, layer, why) {
    this.freezes = freezes;
    this.names = names;
    this.layer = layer;
    this.why = why;
    this.draw();
  }

  draw() {
    const { picture, freezes, names } = this;
    const all = freezes ? piles(freezes) : [];
    const last = Math.max(0, ...all.flatMap(({ x, y }) => [x ?? 0, y ?? 0]));
    picture.say(freezes ? "" : this.why);
    const told = all.filter(({ x, y }) => x !== null && y !== null).reduce((sum, { neurons }) => sum + neurons, 0);
    picture.describe(
      `First freeze of each neuron${this.layer && ` of ${this.layer}`} in A against B: ${freezes ? `${counted(told, "neuron")} froze in both` : this.why}`,
    );
    if (picture.started) this.#plot(all, last, names);
  }

  /** @param {Pile[]} all @param {number} last epoch. @param {string[]} names */
  #plot(all, last, names) {
    const { layout } = this.picture.figure;
    const never = last + BEYOND;
    const place = (/** @type {number | null} */ epoch) => epoch ?? never;
    const most = Math.max(1, ...all.map(({ neurons }) => neurons));
    const words = (/** @type {number | null} */ epoch) => (epoch === null ? "never" : `after epoch ${epoch}`);
    const points = {
      mode: "markers",
      x: all.map(({ x }) => place(x)),
      y: all.map(({ y }) => place(y)),
      hovertext: all.map(({ x, y, neurons }) => `${counted(neurons, "neuron")}: A ${words(x)}, B ${words(y)}`),
      hoverinfo: "text",
      marker: {
        color: "var(--neq-series-1)",
        opacity: 0.6,
        size: all.map(({ neurons }) => LEAST + (MOST - LEAST) * Math.sqrt(neurons / most)),
      },
    };
    const same = {
      mode: "lines",
      x: [0, last],
      y: [0, last],
      line: { color: "var(--neq-muted)", width: 1, dash: "dot" },
      hoverinfo: "skip",
    };
    for (const [at, side] of ["x", "y"].entries()) {
      const axis = layout[`${side}axis`];
      const step = Math.max(1, Math.ceil(last / 5));
      const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, tick) => tick * step);
      Object.assign(axis, {
        tickmode: "array",
        tickvals: [...ticks, never],
        ticktext: [...ticks.map(String), "never"],
        range: [-1, never + 1],
      });
      axis.title.text = `First freeze in ${"AB"[at]}: ${ending(names[at], 24).replaceAll("<", "&lt;")}`;
      this.picture.full[/** @type {"x" | "y"} */ (side)] = [...axis.range];
    }
    const data = [same, points].map((trace) => ({ type: "scatter", showlegend: false, ...trace }));
    this.Plotly.react(this.picture.plot, palette.resolve(data), palette.resolve(layout));
  }
}
