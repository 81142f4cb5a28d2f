/*
 * The stored values of a layer's neurons as a table to take away: exact, where the picture has levels of them.
 */

import * as rest from "../api/recorded.js";
import { longTable } from "../plot/figure-tables.js";
import * as palette from "../plot/palette.js";
import { shortest } from "../ui/format.js";

/** @import { DataTable } from "../plot/figure-tables.js" */
/** @import { LayerFeed } from "./layer-feed.js" */

/** @typedef {"speed" | "phi" | "delta"} Measured */

/** What the column of a colour mode holds, and which stored array it comes from. @type {Record<Measured, {column: string, field: "velocity" | "divergence"}>} */
const VALUES = {
  speed: { column: "v", field: "velocity" },
  phi: { column: "1 - phi", field: "divergence" },
  delta: { column: "delta phi", field: "divergence" },
};

/** @param {string} mode @returns {mode is Measured} */
const isMeasured = (mode) => Object.hasOwn(VALUES, mode);

/**
 * A row for each neuron of each epoch: what the mode shows, and whether it was frozen for the next epoch.
 * @param {LayerFeed} layer @param {string} mode of modes. @param {number[]} epochs unbroken. @param {number[]} neurons
 * @returns {Promise<DataTable>}
 */
export async function layerTable(layer, mode, epochs, neurons) {
  const { cells } = layer;
  const frozen = (/** @type {number} */ epoch, /** @type {number} */ neuron) => (cells.frozen(epoch, neuron) ? 1 : 0);
  if (!isMeasured(mode) || !epochs.length) {
    const stateOf = (/** @type {number} */ epoch, /** @type {number} */ neuron) => palette.STATES[cells.state(epoch, neuron)].name;
    return longTable(["state", "frozen"], epochs, neurons, (epoch, neuron) =>
      cells.has(epoch) ? [stateOf(epoch, neuron), frozen(epoch, neuron)] : null,
    );
  }
  const { column, field } = VALUES[mode];
  const first = Math.max(0, epochs[0] - 1); // Δφ needs the epoch before
  const { id, scope } = layer.feed;
  const { values } = await rest.history(id, layer.index, field, { first, stop: (epochs.at(-1) ?? 0) + 1 }, scope.signal);
  const stored = (/** @type {number} */ epoch, /** @type {number} */ neuron) => values[(epoch - first) * cells.neurons + neuron] ?? NaN;
  const change = (/** @type {number} */ epoch, /** @type {number} */ neuron) =>
    epoch ? Math.fround(stored(epoch - 1, neuron) - stored(epoch, neuron)) : NaN;
  const valueAt = mode === "delta" ? change : stored;
  return longTable([column, "frozen"], epochs, neurons, (epoch, neuron) =>
    cells.has(epoch) ? [shortest(valueAt(epoch, neuron)), frozen(epoch, neuron)] : null,
  );
}
