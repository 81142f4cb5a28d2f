/*
 * Dead and churning neurons of a layer, as strips above the epochs in which it had any.
 *
 * Which neurons they are is not recorded: a strip and its words are about the layer.
 */

import * as format from "../ui/format.js";

/** @import { LayerFeed } from "../run-data/layer-feed.js" */

/** What is seldom, its colour, and what that is called. */
export const RARE = /** @type {const} */ ([
  { kind: "dead", colour: "var(--neq-muted)", called: "grey" },
  { kind: "churning", colour: "var(--neq-series-2)", called: "orange" },
]);
const STRIP = 3; // pixels high

/** @typedef {{name: string, kind: string, colour: string, called: string, epochs: number[]}} Rare */

/** The epochs in which a layer had dead, and churning, neurons; a kind without any is left out. @param {LayerFeed | null | undefined} layer @returns {Rare[]} */
export function rareOf(layer) {
  if (!layer) return [];
  const { tables } = layer.feed;
  const epochs = Array.from({ length: layer.cells.epochs }, (_, epoch) => epoch);
  const all = RARE.map(({ kind, ...look }) => ({
    ...{ name: `${kind} neurons`, kind, ...look },
    epochs: epochs.filter((epoch) => (tables.countAt(kind, epoch, layer.index) ?? 0) > 0),
  }));
  return all.filter((each) => each.epochs.length);
}

/** @param {number} epoch @param {number} from its lower edge in pixels. */
const boxPath = (epoch, from) =>
  `M ${epoch - 0.5} ${from} L ${epoch + 0.5} ${from} L ${epoch + 0.5} ${from + STRIP} L ${epoch - 0.5} ${from + STRIP} Z`;

/** The strips as Plotly shapes, each one path: hundreds of shapes would keep it busy. @param {Rare[]} rare */
export const strips = (rare) =>
  rare.map(({ epochs, colour }, row) => ({
    ...{ type: "path", yref: "paper", ysizemode: "pixel", yanchor: 1, fillcolor: colour, line: { width: 0 } },
    path: epochs.map((epoch) => boxPath(epoch, 1 + row * (STRIP + 1))).join(" "),
  }));

/** What the strips mean; empty: there is none. @param {Rare[]} rare */
export const stripWords = (rare) =>
  rare.length
    ? `Marks above the cells: epochs in which the layer had neurons that were ${rare.map(({ kind, called }) => `${kind} (${called})`).join(" or ")}.`
    : "";

/** How many a layer had in an epoch; empty: none. @param {LayerFeed} layer @param {number} epoch */
export function rareWords({ feed, index }, epoch) {
  const words = RARE.flatMap(({ kind }) => {
    const neurons = feed.tables.countAt(kind, epoch, index);
    return neurons ? [`${format.count(neurons)} ${kind}`] : [];
  });
  return words.length ? `in the layer: ${words.join(", ")}` : "";
}
