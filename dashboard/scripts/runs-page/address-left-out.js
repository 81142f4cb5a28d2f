/*
 * What an address asks for that the table of runs cannot follow: somebody wrote it by hand, or what it named is gone.
 */

import { leftOutWords, quoted, together, unknownKeys } from "../ui/left-out.js";
import { keysOf, readColumns, readSort } from "./column-address.js";

/** @import { LeftOut } from "../ui/left-out.js" */
/** @import { Shown } from "./column-address.js" */

/** What the page's address can say. */
const KEYS = ["state", "search", "where", "by", "sort", "cols", "columns", "queue"];

/** @param {Record<string, string>} query @param {string[]} states @returns {LeftOut} */
function unknownState({ state }, states) {
  const isUnknown = state !== undefined && !states.includes(state);
  return isUnknown ? { words: [`the state ${quoted(state)}`], changes: { state: null } } : { words: [], changes: {} };
}

/** @param {Record<string, string>} query @returns {LeftOut} */
function unknownColumns({ cols }) {
  const { known, unknown } = readColumns(cols ?? "");
  if (!unknown.length) return { words: [], changes: {} };
  return { words: unknown.map((name) => `the column ${quoted(name)}`), changes: { cols: known.join(",") || null } };
}

/** @param {Record<string, string>} query @param {Shown[]} sortable @returns {LeftOut} */
function unknownOrder({ sort }, sortable) {
  const { known, unknown } = readSort(sort ?? "", sortable);
  if (!unknown.length) return { words: [], changes: {} };
  return {
    words: unknown.map((key) => `the order by ${quoted(key.replace(/^-/, ""))}, which is not a column here`),
    changes: { sort: known.join(",") || null },
  };
}

/** @param {Record<string, string>} query the address's. @param {string[]} states that there are. @param {Shown[]} sortable columns. @returns {LeftOut} */
export function leftOut(query, states, sortable) {
  return together([unknownKeys(query, KEYS), unknownState(query, states), unknownColumns(query), unknownOrder(query, sortable)]);
}

/**
 * The field that a server refused, of those that it was asked for and of those in the order; null: it refused something else.
 * @param {unknown} detail @param {string[]} fields @param {string} sort
 */
export function refusedField(detail, fields, sort) {
  const entry = Array.isArray(detail) ? detail.find(({ field }) => field === "fields" || field === "sort") : null;
  if (!entry) return null;
  const named = entry.field === "sort" ? keysOf(sort) : fields;
  const place = entry.start ?? 0;
  const endOf = (/** @type {number} */ index) => [...named.slice(0, index + 1).join(",")].length;
  const found = named.find((_, index) => place <= endOf(index)) ?? named.at(-1);
  return (entry.field === "sort" ? found?.replace(/^-/, "") : found) ?? null;
}

// ---------------------------------------------------------------- what is said of it

/** @type {string[]} */
let said = [];

/** Says what is left out of the address, beside what was before. @param {string[]} words */
export function sayLeftOut(words) {
  said = [...new Set([...said, ...words])];
  const place = document.getElementById("runs-left-out");
  if (place) place.textContent = leftOutWords(said);
}

export function forgetLeftOut() {
  said = [];
  sayLeftOut([]);
}
