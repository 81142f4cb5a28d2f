/*
 * What a cell of neurons × epochs is coloured by, the legends that belong to it, and the switch between them.
 */

import { decadePlace, SMALLEST_DECADE } from "../run-data/decades.js";
import { NeuronHistory } from "../run-data/neuron-history.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import { onScheme } from "../ui/shell.js";
import * as palette from "./palette.js";

/** @import { Levels } from "../api/recorded.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/** @import { SavedScale } from "./saved-figure.js" */
/** @import { Table } from "./raster.js" */

/** @typedef {[number, string]} Tick a place on the scale, 0–1, and its words. */
/**
 * @typedef {{name: string, none?: string, first?: number, ticks: () => Tick[], marks: (epsilon: number) => Tick[]}} Scale
 *   `none`: what the table's first colour stands for; `first`: of the table's colours on the scale, where nothing is said.
 */
/** @typedef {{query: string | null, what: string, of: Levels, table: (epsilon: number) => Table, scale?: Scale}} Mode */

/** The decades that have a tick. */
const DECADES = [SMALLEST_DECADE, -4, -2, 0];
const { setting } = format;
/** @param {number} decade */
const power = (decade) => (decade ? setting(10 ** decade) : "1");

/** Places 0–1 and words on a scale from 10⁻⁶ to 1. @returns {Tick[]} */
const logTicks = () => DECADES.map((decade) => [decadePlace(decade), power(decade)]);

/** The same on both sides of 0. @returns {Tick[]} */
function signedTicks() {
  const sides = [-2, -4].map((decade) => [decade, decadePlace(decade) / 2]);
  /** @type {Tick[]} */
  const below = sides.map(([decade, far]) => [0.5 - far, `−${power(decade)}`]);
  /** @type {Tick[]} */
  const above = sides.map(([decade, far]) => [0.5 + far, power(decade)]);
  return [[0, "−1"], ...below, [0.5, "0"], ...above.reverse(), [1, "+1"]];
}

/**
 * By the name in the page's scripts: `query` is the address's word, `what` the title of a saved picture, `of` the bytes that the API is asked for, `scale`
 * what the legend's bar says.
 */
/** @type {Record<string, Mode>} */
export const modes = {
  state: { query: null, what: "States of neurons by epoch", of: "state", table: () => palette.states() },
  speed: {
    query: "v",
    what: "|v| of neurons by epoch",
    of: "state",
    table: (epsilon) => palette.speeds(epsilon),
    scale: { name: "|v|", none: "no velocity yet", ticks: logTicks, marks: (epsilon) => [[NeuronHistory.place(epsilon), "ε"]] },
  },
  phi: {
    query: "phi",
    what: "1 − φ of neurons by epoch",
    of: "phi",
    table: () => palette.similarities(),
    scale: { name: "1 − φ", none: "no φ yet", ticks: logTicks, marks: () => [] },
  },
  delta: {
    query: "delta",
    what: "Δφ of neurons by epoch",
    of: "delta",
    table: () => palette.changes(),
    scale: {
      name: "Δφ",
      none: "no Δφ yet",
      ticks: signedTicks,
      marks: (epsilon) => [
        [0.5 - NeuronHistory.place(epsilon) / 2, "−ε"],
        [0.5 + NeuronHistory.place(epsilon) / 2, "+ε"],
      ],
    },
  },
};

/** The mode that the address's word means; "state" where it means none. @param {string | undefined} query */
export const modeOf = (query) => Object.keys(modes).find((name) => modes[name].query === (query ?? null)) || "state";

/** Whether an address may ask for these colours. @param {string} query */
export const isMode = (query) => Object.values(modes).some((mode) => mode.query === query);

/** What a saved picture says of its colours: the states by name; nothing where a scale says it. @param {Pick<Mode, "scale">} mode */
export const legendOf = ({ scale }) => (scale ? [] : palette.STATES.map(({ name, token }) => ({ name, colour: `var(${token})` })));

/** The scale of a saved picture; null: its colours have names. @param {Pick<Mode, "table" | "scale">} mode @param {number} epsilon @returns {SavedScale | null} */
export function savedScale({ scale, table }, epsilon) {
  if (!scale) return null;
  const { name, none, ticks, marks } = scale;
  const colours = table(epsilon);
  return {
    name,
    colours: palette.stops(colours, firstOf(scale)),
    none: none ? { name: none, colour: palette.stops(colours)[0] } : null,
    ticks: ticks(),
    marks:
      epsilon > 0
        ? marks(epsilon).map(([place, words]) => [place, `${words} = ${words.startsWith("−") ? "−" : ""}${setting(epsilon)}`])
        : [],
  };
}

/** The first colour of a table that is on the scale. @param {Pick<Scale, "none" | "first">} scale */
const firstOf = ({ none, first }) => first ?? (none ? 1 : 0);

/** The switch between the modes, and the legend of the one in use. */
export class ColourSwitch {
  /**
   * @param {Scope} scope
   * @param {Record<string, HTMLElement>} parts of the page: mode-…, legend-states, legend-scale.
   * @param {number} epsilon the run's threshold; 0: none.
   * @param {string} mode
   * @param {(mode: string) => void} changed
   */
  constructor(scope, parts, epsilon, mode, changed) {
    this.parts = parts;
    this.epsilon = epsilon;
    this.mode = mode;
    for (const name of Object.keys(modes)) {
      scope.on(parts[`mode-${name}`], "click", () => {
        this.show(name);
        changed(name);
      });
    }
    scope.finally(onScheme(() => this.show(this.mode)));
    this.show(mode);
  }

  /** Marks a mode as the one in use. @param {string} mode */
  show(mode) {
    const { parts } = this;
    this.mode = mode;
    for (const name of Object.keys(modes)) parts[`mode-${name}`].setAttribute("aria-pressed", String(name === mode));
    const { scale } = modes[mode];
    parts["legend-states"].hidden = Boolean(scale);
    parts["legend-scale"].hidden = !scale;
    if (scale) parts["legend-scale"].replaceChildren(...scaleBar(scale, modes[mode].table(this.epsilon), this.epsilon));
  }
}

/**
 * A bar of colours with its ticks and marks.
 *
 * @param {Scale} scale
 * @param {Table} table from palette; where `none` is said, its first colour is that of no value.
 * @param {number} epsilon
 */
export function scaleBar({ name, none, first, ticks, marks }, table, epsilon) {
  const at = (/** @type {number} */ place) => `left: ${(place * 100).toFixed(1)}%`;
  const tick = (/** @type {Tick} */ [place, words]) => element("span.scale-tick", { style: at(place) }, words);
  const mark = (/** @type {Tick} */ [place, words]) =>
    element("span.scale-tick.scale-epsilon", { style: at(place) }, words.startsWith("ε") ? `ε = ${setting(epsilon)}` : words);
  const bar = element(
    "div.scale-bar",
    { style: `background: ${palette.gradient(table, firstOf({ none, first }))}` },
    ...(epsilon > 0 ? marks(epsilon).map(mark) : []),
    ...ticks().map(tick),
  );
  const nothing = none ? [element("span.legend-item", {}, element("span.swatch.swatch-none"), none)] : [];
  return [element("span.scale-name", {}, name), bar, ...nothing];
}
