/*
 * From what the form's inputs hold to the configuration that the API reads. No field is known by name here: the plan says
 * what there is (dashboard/form/plan.py).
 */

/**
 * A node of the plan, by what it `is`: "constant", "field", "choice" (variants by a discriminator) or "group".
 * @typedef {object} Node
 * @property {string} is
 * @property {string} name
 * @property {string} path of its input.
 * @property {string} field where its value stands in the configuration.
 * @property {string} title
 * @property {string} widget
 * @property {string} discriminator
 * @property {unknown} value of a constant.
 * @property {boolean} [nullable]
 * @property {string} [unit]
 * @property {Record<string, unknown>} options
 * @property {Node[]} parts
 * @property {Variant[]} variants
 */

/** @typedef {{key: string, path: string, title: string, parts: Node[]}} Variant */
/** @typedef {Record<string, any>} Values what the inputs hold, by their paths. */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const LADDER = [1, 2, 5];

/** A number where the text is one; else the text itself, for the server to say what is wrong with it. @param {unknown} text */
function number(text) {
  const trimmed = String(text).trim();
  if (!NUMBER.test(trimmed)) return trimmed;
  const value = Number(trimmed);
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return exact || !/^[+-]?\d+$/.test(trimmed) ? (Number.isFinite(value) ? value : trimmed) : trimmed;
}

/** @param {string} text */
function fromJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // no JSON: taken as it was typed
  }
}

/** Several may be picked of what is chosen from a list. @param {any} value @returns {any[]} */
export const chosen = (value) => (Array.isArray(value) ? value : [value]);
/** @param {any} value */
export const first = (value) => chosen(value)[0];

/** What an input holds, as the configuration has it. @param {Node} part @param {any} value */
export function typedValue(part, value) {
  const text = value === null || value === undefined ? "" : value;
  if (part.nullable && String(text).trim() === "") return null;
  switch (part.widget) {
    case "integer":
    case "number":
      return number(text);
    case "integers":
    case "numbers":
      return String(text)
        .split(/[\s,;]+/)
        .filter(Boolean)
        .map(number);
    case "switch":
      return Boolean(first(value));
    case "words":
      return value || [];
    case "options":
      return first(text) in part.options ? part.options[first(text)] : first(text);
    case "json":
      return String(text).trim() === "" ? null : fromJson(text);
    default:
      return String(text);
  }
}

/** The variants that are chosen. @param {Node} choice @param {Values} values @returns {Variant[]} */
export const variantsOf = (choice, values) => choice.variants.filter(({ key }) => chosen(values[choice.path]).includes(key));
/** The first variant that is chosen; without one, nothing. @param {Node} choice @param {Values} values @returns {Pick<Variant, "parts" | "title">} */
const variantOf = (choice, values) => variantsOf(choice, values)[0] || { parts: [], title: "" };

/** The configuration that the form's values say, by the plan. @param {Node[]} plan @param {Values} values */
export function toConfig(plan, values) {
  /** @type {Record<string, unknown>} */
  const config = {};
  for (const part of plan) {
    if (part.is === "constant") config[part.name] = part.value;
    else if (part.is === "group") config[part.name] = toConfig(part.parts, values);
    else if (part.is === "field") config[part.name] = typedValue(part, values[part.path]);
    else
      config[part.name] = {
        [part.discriminator]: first(values[part.path]),
        ...toConfig(variantOf(part, values).parts, values),
      };
  }
  return config;
}

/**
 * Every input that takes part, in the order of the page: those of the chosen variants only.
 * @param {Node[]} plan @param {Values} values @returns {Node[]}
 */
export function inForce(plan, values) {
  return plan.flatMap((part) => {
    if (part.is === "field") return [part];
    if (part.is === "group") return inForce(part.parts, values);
    if (part.is === "choice") return [part, ...variantsOf(part, values).flatMap(({ parts }) => inForce(parts, values))];
    return [];
  });
}

/**
 * The input that a message about this field of the configuration belongs to; undefined: to the whole form.
 * @param {string} field @param {Node[]} plan @param {Values} values
 */
export function placeOf(field, plan, values) {
  let best;
  let length = -1;
  for (const part of inForce(plan, values)) {
    const names = part.is === "choice" ? [part.field, `${part.field}.${part.discriminator}`] : [part.field];
    for (const name of names) {
      const fits = field === name || (part.is === "field" && field.startsWith(`${name}.`));
      if (fits && name.length > length) [best, length] = [part, name.length];
    }
  }
  return best;
}

/** The next rung up or down of 1, 2, 5, 10, 20, 50 …: steps that suit a rate. @param {number} value @param {boolean} up */
function rung(value, up) {
  if (!(value > 0)) return up ? 1e-6 : 0;
  const decade = Math.floor(Math.log10(value) + 1e-9);
  const rungs = [decade - 1, decade, decade + 1].flatMap((ten) => LADDER.map((part) => Number(`${part}e${ten}`)));
  return up ? rungs.find((x) => x > value * 1.000001) : rungs.findLast((x) => x < value * 0.999999);
}

/**
 * What an arrow key makes of a number; null: the text is none.
 * @param {string} text @param {string} step "log", or a size. @param {boolean} up
 */
export function stepped(text, step, up) {
  const value = number(text);
  if (typeof value !== "number") return null;
  if (step === "log") return rung(value, up);
  const size = Number(step);
  return Number((value + (up ? size : -size)).toPrecision(12));
}
