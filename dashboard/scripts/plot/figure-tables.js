/*
 * The data of figures as tables, for CSV: what is seen of it, with all points that the page holds.
 *
 * Charts have a row for each place on their axis. Neurons × epochs are in long form, a row for each neuron of an epoch;
 * layers × epochs and densities have a row for each epoch and a column for each layer or bin.
 */

/** @import { Line } from "./line-pen.js" */

/** @typedef {{header: string[], rows: Iterable<unknown[]>}} DataTable */

/** @param {number} value @param {number[]} range in either order. */
const within = (value, [from, to]) => value >= Math.min(from, to) && value <= Math.max(from, to);

/** The whole numbers whose cells are seen, at least half of them. @param {number[]} range edges in either order. @param {number} cells how many there are. */
export function seen([from, to], cells) {
  const first = Math.max(0, Math.ceil(Math.min(from, to) - 1e-9));
  const last = Math.min(cells - 1, Math.floor(Math.max(from, to) + 1e-9));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place);
}

/**
 * Lines side by side, in rows by their common axis.
 * @param {Line[]} lines @param {{across: string, range: number[], of?: string, unit?: string}} axes `of`: what the lines are of.
 * @returns {DataTable}
 */
export function linesTable(lines, { across, range, of = "", unit = "" }) {
  const named = (/** @type {string} */ name) => `${of && of !== name ? `${of}: ` : ""}${name}${unit && ` (${unit})`}`;
  const header = lines.flatMap(({ name, spread }) => [named(name), ...(spread ? [named(`${name} low`), named(`${name} high`)] : [])]);
  /** @type {Map<number, unknown[]>} */
  const rows = new Map();
  let column = 0;
  for (const { x, y, raw = y, spread } of lines) {
    for (const [place, at] of x.entries()) {
      if (!within(at, range)) continue;
      const row = rows.get(at) ?? Array(header.length).fill(null);
      const reach = spread ? [spread[place]?.low ?? null, spread[place]?.high ?? null] : [];
      row.splice(column, 1 + reach.length, raw[place] ?? null, ...reach);
      rows.set(at, row);
    }
    column += spread ? 3 : 1;
  }
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return { header: [across, ...header], rows: sorted.map(([at, row]) => [at, ...row]) };
}

/**
 * A row for each epoch, a column for each of the names.
 * @param {string[]} names @param {number[]} epochs @param {(epoch: number, place: number) => unknown} valueAt undefined: there is none.
 * @returns {DataTable}
 */
export const matrixTable = (names, epochs, valueAt) => ({
  header: ["epoch", ...names],
  rows: epochs.map((epoch) => [epoch, ...names.map((_, place) => told(valueAt(epoch, place)))]),
});

/**
 * A row for each neuron of each epoch.
 * @param {string[]} columns @param {number[]} epochs @param {number[]} neurons in the order in which they are seen.
 * @param {(epoch: number, neuron: number) => unknown[] | null} valuesOf null: the epoch was not recorded.
 * @returns {DataTable}
 */
export const longTable = (columns, epochs, neurons, valuesOf) => ({
  header: ["epoch", "neuron", ...columns],
  rows: longRows(epochs, neurons, valuesOf),
});

/** @param {number[]} epochs @param {number[]} neurons @param {(epoch: number, neuron: number) => unknown[] | null} valuesOf */
function* longRows(epochs, neurons, valuesOf) {
  for (const epoch of epochs) {
    for (const neuron of neurons) {
      const values = valuesOf(epoch, neuron);
      if (values) yield [epoch, neuron, ...values.map(told)];
    }
  }
}

/** NaN is no value. @param {unknown} value */
const told = (value) => (typeof value === "number" && Number.isNaN(value) ? null : value);
