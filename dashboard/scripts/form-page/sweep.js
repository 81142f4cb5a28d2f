/*
 * Fields with several values: what the form's inputs say as a grid of runs, as `POST /api/v1/sweeps` reads it.
 */

import { chosen, first, toConfig, typedValue, variantsOf } from "./values.js";

/** @import { Node, Values } from "./values.js" */

/** @typedef {{base: Record<string, any>, grid: Record<string, unknown[]>}} Grid */

const MOST_IN_RANGE = 1000;
const DECIMAL_COMMA = /^[+-]?\d*,\d+$/;
const THOUSANDS = /^[+-]?\d{1,3}(,\d{3})+$/;
const RANGE = /^(\d+)\s*\.\.\s*(\d+)$/;
const LISTS = ["integers", "numbers"];
const PLAIN = ["text"];
/** Fields that say what a run is called: a comma or a line in them is a comma or a line. */
const NEVER = new Set(["name", "notes", "tags", "recipe"]);

/** `0..4` as what it stands for. @param {string} text @returns {string[]} */
function range(text) {
  const [, from, to] = RANGE.exec(text) ?? [];
  const [low, high] = [Number(from), Number(to)];
  if (!from || high < low || high - low >= MOST_IN_RANGE) return [text];
  return Array.from({ length: high - low + 1 }, (_, step) => String(low + step));
}

/** @param {string} text @param {string} between */
const split = (text, between) =>
  text
    .split(between)
    .map((part) => part.trim())
    .filter(Boolean);

/**
 * What stands in a field, one text for each of its values. A number with one comma and no space is one value, which the server
 * tells how to write: it may be a decimal comma.
 * @param {Node} part @param {any} value @returns {any[]}
 */
export function several(part, value) {
  if (NEVER.has(part.field)) return [value];
  if (["options", "switch"].includes(part.widget)) return chosen(value);
  if (typeof value !== "string") return [value];
  const text = value.trim();
  const found =
    part.widget === "integer" || part.widget === "number"
      ? DECIMAL_COMMA.test(text) || THOUSANDS.test(text)
        ? [text]
        : split(text, ",").flatMap(range)
      : LISTS.includes(part.widget) || PLAIN.includes(part.widget)
        ? split(text, "|")
        : [value];
  return found.length > 1 ? found : [value];
}

/**
 * The grid of what varies, and a description with the first value of each. @param {Node[]} plan @param {Values} values @returns {Grid}
 */
export function sweepOf(plan, values) {
  /** @type {Grid["grid"]} */
  const grid = {};
  for (const part of plan) collect(part, values, grid);
  return { base: toConfig(plan, firstOf(plan, values)), grid };
}

/** @param {Node} part @param {Values} values @param {Grid["grid"]} grid is added to. */
function collect(part, values, grid) {
  if (part.is === "group") for (const each of part.parts) collect(each, values, grid);
  if (part.is === "field") {
    const found = several(part, values[part.path]);
    if (found.length > 1) grid[part.field] = found.map((value) => typedValue(part, value));
  }
  if (part.is !== "choice") return;
  const variants = variantsOf(part, values);
  if (variants.length > 1) grid[part.field] = variants.flatMap((variant) => objectsOf(part, variant, values));
  else for (const each of variants.flatMap((variant) => variant.parts)) collect(each, values, grid);
}

/**
 * A kind with each combination of its own fields' values. @param {Node} choice @param {import("./values.js").Variant} variant @param {Values} values
 * @returns {Record<string, any>[]}
 */
function objectsOf(choice, variant, values) {
  const { base, grid } = sweepOf(variant.parts, values);
  /** @type {Record<string, any>[]} */
  let objects = [{ [choice.discriminator]: variant.key, ...base }];
  for (const [field, found] of Object.entries(grid)) {
    const path = field.slice(choice.field.length + 1).split(".");
    objects = objects.flatMap((object) => found.map((value) => placed(object, path, value)));
  }
  return objects;
}

/** A copy of an object with a value at a path. @param {Record<string, any>} object @param {string[]} path @param {unknown} value @returns {Record<string, any>} */
function placed(object, [name, ...rest], value) {
  return { ...object, [name]: rest.length ? placed(object[name] ?? {}, rest, value) : value };
}

/** The inputs with the first value of each. @param {Node[]} plan @param {Values} values @returns {Values} */
function firstOf(plan, values) {
  /** @type {Values} */
  const found = { ...values };
  const walk = (/** @type {Node[]} */ parts) => {
    for (const part of parts) {
      if (part.is === "group") walk(part.parts);
      else if (part.is === "field") found[part.path] = several(part, values[part.path])[0];
      else if (part.is === "choice") {
        found[part.path] = first(values[part.path]);
        for (const variant of part.variants) walk(variant.parts);
      }
    }
  };
  walk(plan);
  return found;
}

/** How many runs a grid is. @param {Grid["grid"]} grid @param {number} seeds */
export const runsOf = (grid, seeds) => Object.values(grid).reduce((runs, values) => runs * values.length, seeds);
