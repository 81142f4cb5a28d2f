/*
 * What a saved file of a heatmap has besides its cells: what it is of, its legend, its data.
 */

import { layerTable } from "../run-data/layer-data.js";
import * as format from "../ui/format.js";
import { legendOf, modes, savedScale } from "./colour-modes.js";
import { seen } from "./figure-tables.js";
import { rareOf } from "./rare-marks.js";

/** @import { Range } from "./area.js" */
/** @import { Heatmap } from "./heatmap.js" */

/** @param {Heatmap} heatmap */
function about({ mode, run, layer, epsilon }) {
  const more = [layer && format.counted(layer.layer.neurons, "neuron"), epsilon > 0 && `ε = ${format.setting(epsilon)}`];
  return { what: modes[mode].what, run, layer: layer?.layer.name, more: more.filter((each) => typeof each === "string") };
}

/** What is seen, neuron by neuron in the order of the rows. @param {Heatmap} heatmap @param {Range} range */
function data({ layer, mode, order }, { x, y }) {
  if (!layer) return { header: ["epoch", "neuron"], rows: [] };
  const neurons = seen(y, layer.layer.neurons).map((row) => (order ? order[row] : row));
  return layerTable(layer, mode, seen(x, layer.cells.epochs), neurons);
}

/** As options of its picture. @param {Heatmap} heatmap */
export const savedOf = (heatmap) => ({
  about: () => about(heatmap),
  legend: () => [...legendOf(modes[heatmap.mode]), ...rareOf(heatmap.layer)],
  scale: () => savedScale(modes[heatmap.mode], heatmap.epsilon),
  data: (/** @type {Range} */ range) => data(heatmap, range),
});
