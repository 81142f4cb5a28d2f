/*
 * Layers by the block of the network that they belong to, as their names tell. Pure.
 */

/** @import { Layer } from "../../types/pages" */

const MOST = 16;
const NORM = /norm/i;

/** The first `depth` parts of a layer's name, without its last one. @param {string} name @param {number} depth */
function prefix(name, depth) {
  const parts = name.split(".");
  return parts.slice(0, Math.min(depth, parts.length - 1)).join(".");
}

/** @typedef {{index: number, name: string}} Named a layer, as far as it matters here. */

/** @param {Named[]} layers @param {number} depth */
function runsOf(layers, depth) {
  /** @type {{prefix: string, layers: Named[]}[]} */
  const groups = [];
  for (const layer of layers) {
    const own = prefix(layer.name, depth);
    const last = groups.at(-1);
    const within = last?.prefix && own.startsWith(`${last.prefix}.`); // layer2.0.downsample belongs to layer2.0
    if (last && (last.prefix === own || within)) last.layers.push(layer);
    else groups.push({ prefix: own, layers: [layer] });
  }
  return groups;
}

/** @param {{prefix: string, layers: Named[]}} group */
function label({ prefix: own, layers }) {
  if (own) return own;
  return layers.length === 1 ? layers[0].name : `${layers[0].name} – ${layers[layers.length - 1].name}`;
}

/**
 * Neighbouring layers whose names begin alike, as deep into the names as leaves at most `most` groups.
 *
 * @param {{index: number, name: string}[]} layers in forward order.
 * @returns {{label: string, first: number, last: number}[]} indices of layers; every layer is in exactly one.
 */
export function groups(layers, most = MOST) {
  const deepest = Math.max(1, ...layers.map((layer) => layer.name.split(".").length - 1));
  let groups = runsOf(layers, 1);
  for (let depth = 2; depth <= deepest; depth += 1) {
    const finer = runsOf(layers, depth);
    if (finer.length > most) break;
    groups = finer;
  }
  return groups.map((group) => ({
    label: label(group),
    first: group.layers[0].index,
    last: group.layers[group.layers.length - 1].index,
  }));
}

/**
 * The norm that follows a layer, or the layer that a norm follows: its neighbour in forward order, with as many neurons,
 * in the same module of the network. Null: there is none.
 * @param {Layer[]} layers @param {number} index
 */
export function partnerOf(layers, index) {
  const own = layers[index];
  if (!own) return null;
  const other = layers[index + (NORM.test(own.type) ? -1 : 1)];
  if (!other || other.neurons !== own.neurons || NORM.test(other.type) === NORM.test(own.type)) return null;
  const depth = own.name.split(".").length;
  return prefix(other.name, depth) === prefix(own.name, depth) ? other : null;
}
