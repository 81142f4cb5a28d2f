/*
 * What a cell of the overview may be coloured by.
 */

import { modes } from "../plot/colour-modes.js";
import * as palette from "../plot/palette.js";
import { NeuronHistory } from "../run-data/neuron-history.js";
import * as format from "../ui/format.js";

/** @import { Scale, Tick } from "../plot/colour-modes.js" */
/** @import { Table } from "../plot/raster.js" */
/** @import { Numbers } from "../run-data/layer-tables.js" */

/**
 * @typedef {object} Mode what a cell may be coloured by.
 * @property {string} name
 * @property {string} what the title of a saved picture.
 * @property {(value: number) => number} index of the colour of a layer's value.
 * @property {(epsilon: number) => Table} table
 * @property {(value: number) => string} words
 * @property {Scale} scale of the legend.
 */

const { percent, number } = format;
const steps = 255; // of the tables of 256 colours
const level = (/** @type {number} */ value) => (Number.isNaN(value) ? 0 : 1 + Math.round(126 * NeuronHistory.place(value)));
const scaleOf = (/** @type {string} */ mode) => /** @type {Scale} */ (modes[mode].scale);
/** @param {string} last @returns {() => Tick[]} */
const ends = (last) => () => [
  [0, "0"],
  [1, last],
];

/** Ticks of a scale on which the root lets few be seen among many. @returns {Tick[]} */
const rootTicks = () => [
  [0, "0"],
  [Math.sqrt(0.1), "10 %"],
  [1, "100 %"],
];

/** Neurons of which there should be few. @param {string} name @param {string} what @param {string} token @returns {Mode} */
const rare = (name, what, token) => ({
  name,
  what,
  index: (fraction) => (Number.isNaN(fraction) ? 0 : 1 + Math.round(Math.sqrt(fraction) * (steps - 1))),
  table: () => palette.rareOrNone(token),
  words: (fraction) => `${percent(fraction)} ${name}`,
  scale: { name, none: "not recorded", ticks: rootTicks, marks: () => [] },
});

/** @type {Record<Numbers, Mode>} */
export const MODES = {
  frozen: {
    name: "frozen",
    what: "Frozen fraction by layer and epoch",
    index: (fraction) => (Number.isNaN(fraction) ? 0 : 1 + Math.round(fraction * (steps - 1))), // 0: nobody watched it
    table: () => palette.fractionsOrNone(),
    words: (fraction) => `${percent(fraction)} frozen next epoch`,
    scale: { name: "frozen", first: 1, ticks: ends("100 %"), marks: () => [] },
  },
  phi: {
    name: "mean φ",
    what: "Mean φ by layer and epoch",
    index: (phi) => level(1 - phi),
    table: () => palette.similarities(),
    words: (phi) => `mean φ ${number(phi, 4)}`,
    scale: { name: "1 − mean φ", none: "none yet", ticks: scaleOf("phi").ticks, marks: () => [] },
  },
  speed: {
    name: "mean |v|",
    what: "Mean |v| by layer and epoch",
    index: level,
    table: (epsilon) => palette.speeds(epsilon),
    words: (speed) => `mean |v| ${number(speed)}`,
    scale: { ...scaleOf("speed"), name: "mean |v|", none: "none yet" },
  },
  dead: rare("dead", "Dead neurons by layer and epoch", "--neq-text"),
  churning: rare("churning", "Churning neurons by layer and epoch", "--neq-series-2"),
  thawed: {
    name: "thaws",
    what: "Thawed fraction by layer and epoch",
    index: (fraction) => Math.round(Math.sqrt(fraction) * steps),
    table: () => palette.thaws(),
    words: (fraction) => `${percent(fraction)} thawed`,
    scale: {
      name: "thawed",
      ticks: rootTicks,
      marks: () => [],
    },
  },
};

/** The mode of this name; "frozen" where there is none. @param {string | undefined} name @returns {Numbers} */
export const modeOf = (name) => (name !== undefined && Object.hasOwn(MODES, name) ? /** @type {Numbers} */ (name) : "frozen");
