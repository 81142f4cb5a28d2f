/*
 * What is brushed on the axes of the parallel coordinates, as the address says it: `optimizer.kind:adam`,
 * `neq.epsilon:0.001:0.01`. Kinds go by their names, since their places change with the runs.
 */

/** @import { Dimension } from "./dimensions.js" */
/** @import { Ranges } from "./parallel-plot.js" */

/** To each side of a kind. */
export const HALF = 0.35;
/** Beyond every axis: a brush between two kinds holds none. */
const NOWHERE = [-1, -1];
/** By which a logarithm and its power may miss each other. */
const ROUNDED = 1e-9;

/** @param {Dimension[]} dimensions @param {Ranges} ranges @returns {string[]} a text for each axis that is brushed. */
export function brushTexts(dimensions, ranges) {
  return dimensions.flatMap(({ key, kinds, log }) => {
    const pairs = ranges[key];
    if (!pairs?.length) return [];
    const values = kinds
      ? kinds.filter((_, at) => pairs.some(([low, high]) => at >= low && at <= high))
      : pairs.flat().map((place) => String(log ? 10 ** place : place));
    return [[key, ...values].map(encodeURIComponent).join(":")];
  });
}

/** @param {string} text @returns {string[] | null} null: somebody changed it by hand. */
function parted(text) {
  try {
    return text.split(":").map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** @param {Dimension} dimension @param {string[]} values @returns {number[][] | null} */
function pairsOf({ kinds, log }, values) {
  if (kinds) {
    const places = values.map((value) => kinds.indexOf(value)).filter((place) => place >= 0);
    if (places.length) return places.map((place) => [place - HALF, place + HALF]);
    return values.length ? null : [NOWHERE];
  }
  const numbers = values.map((value) => (log ? Math.log10(Number(value)) : value === "" ? Number.NaN : Number(value)));
  if (!numbers.length || numbers.length % 2 || !numbers.every(Number.isFinite)) return null;
  const wider = log ? ROUNDED : 0;
  return numbers.flatMap((_, at) =>
    at % 2 ? [] : [[Math.min(numbers[at], numbers[at + 1]) - wider, Math.max(numbers[at], numbers[at + 1]) + wider]],
  );
}

/** @param {string[]} texts @param {Dimension[]} dimensions @returns {{ranges: Ranges, unread: string[]}} `unread`: no axis is there for it. */
export function readBrushes(texts, dimensions) {
  /** @type {Ranges} */
  const ranges = {};
  const unread = texts.filter((text) => {
    const [key, ...values] = parted(text) ?? [];
    const dimension = dimensions.find((each) => each.key === key);
    const pairs = dimension ? pairsOf(dimension, values) : null;
    if (pairs) ranges[key] = pairs;
    return !pairs;
  });
  return { ranges, unread };
}
