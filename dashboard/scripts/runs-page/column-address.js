/*
 * The table's columns and its order as the address has them.
 *
 * `cols=neq.epsilon,metric.val%2Floss.best`: fields that stand before the column Created. Where columns were moved, hidden
 * or widened, all of them in their order, the table's own behind a dot: `cols=.name:300,.state,neq.epsilon:90`.
 * `columns=` is the former way: paths of settings.
 */

import { settingField } from "../run-data/filters.js";
import { FIELD, FIELDS } from "./query.js";

/** @import { SortModel } from "./query.js" */

/** @typedef {{id: string, width: number | null}} Shown a column: one of the table's own, or `field:` and a field; null: its own width. */

/** The table's own that can be moved and hidden, in their order. */
export const OWN = ["state", "name", "progress", "frozen", "accuracy", "setup", "age"];
const BEFORE = "age"; // fields stand before this column
const MOST = 50; // fields, as many as the server answers
const WIDTHS = { least: 40, most: 2_000 };

/** @param {string} text @returns {string[]} its items, each encoded for itself; what cannot be read is none. */
function items(text) {
  return text.split(",").flatMap((part) => {
    try {
      return part ? [decodeURIComponent(part)] : [];
    } catch {
      return [];
    }
  });
}

/** @param {string} part @returns {Shown[]} none: it names no column. */
function shownOf(part) {
  const [, encoded, width] = /^(.*?)(?::(\d{1,5}))?$/.exec(part) ?? ["", part];
  const [name] = items(encoded);
  if (!name || (name.startsWith(".") && !OWN.includes(name.slice(1)))) return [];
  const pixels = width ? Math.min(WIDTHS.most, Math.max(WIDTHS.least, Number(width))) : null;
  return [{ id: name.startsWith(".") ? name.slice(1) : FIELD + name, width: pixels }];
}

/** @param {Shown[]} shown each column once, and no more fields than the server answers. */
function distinct(shown) {
  const first = shown.filter(({ id }, place) => shown.findIndex((other) => other.id === id) === place);
  const fields = first.filter(({ id }) => id.startsWith(FIELD)).slice(0, MOST);
  return first.filter((each) => !each.id.startsWith(FIELD) || fields.includes(each));
}

/** The columns that an address names. @param {{cols?: string, columns?: string}} query @returns {Shown[]} */
export function columnsOf({ cols, columns }) {
  const former = items(columns ?? "").map((path) => ({ id: FIELD + settingField(path), width: null }));
  const named = distinct(cols === undefined ? former : cols.split(",").flatMap(shownOf));
  if (named.some(({ id }) => !id.startsWith(FIELD))) return named;
  const own = OWN.map((id) => ({ id, width: null }));
  const place = OWN.indexOf(BEFORE);
  return [...own.slice(0, place), ...named, ...own.slice(place)];
}

/** The columns for an address; null: they are as they are without. @param {Shown[]} shown */
export function addressOf(shown) {
  const fields = shown.filter(({ id }) => id.startsWith(FIELD));
  const usual = columnsOf({ cols: fields.map(({ id }) => encodeURIComponent(id.slice(FIELD.length))).join(",") });
  const isUsual = usual.length === shown.length && shown.every(({ id, width }, place) => width === null && id === usual[place].id);
  const written = (isUsual ? fields : shown).map(({ id, width }) => {
    const name = id.startsWith(FIELD) ? encodeURIComponent(id.slice(FIELD.length)) : `.${id}`;
    return width === null ? name : `${name}:${width}`;
  });
  return written.length ? written.join(",") : null;
}

/** Which parts of an address's `cols` name a column, and which do not. @param {string} cols */
export function readColumns(cols) {
  const parts = cols.split(",").filter(Boolean);
  const isKnown = (/** @type {string} */ part) => shownOf(part).length > 0;
  return { known: parts.filter(isKnown), unknown: parts.filter((part) => !isKnown(part)) };
}

/** An address without the column of a field. @param {string} cols @param {string} field */
export const withoutField = (cols, field) =>
  cols
    .split(",")
    .filter((part) => shownOf(part).every(({ id }) => id !== FIELD + field))
    .join(",");

/** The keys of an address's order. @param {string} sort @returns {string[]} */
export const keysOf = (sort) => sort.match(/(?:[^,`]|`(?:[^`\\]|\\.)*`|`)+/gs) ?? [];
/** @param {string} key of an order. @param {Shown[]} shown */
const columnOf = (key, shown) =>
  shown.find(({ id }) => (id.startsWith(FIELD) ? [id.slice(FIELD.length)] : (FIELDS[id] ?? [])).includes(key.replace(/^-/, "")));

/** Which keys of an address's order a column shows, and which none does. @param {string} sort @param {Shown[]} shown */
export function readSort(sort, shown) {
  const keys = keysOf(sort);
  const isKnown = (/** @type {string} */ key) => columnOf(key, shown) !== undefined;
  return { known: keys.filter(isKnown), unknown: keys.filter((key) => !isKnown(key)) };
}

/**
 * The order that an address names, by the columns that are shown; a field that has none is passed over.
 * @param {string} sort @param {Shown[]} shown @returns {{colId: string, sort: "asc" | "desc", sortIndex: number}[]}
 */
export function sortModelOf(sort, shown) {
  const model = keysOf(sort).flatMap((key) => {
    const column = columnOf(key, shown);
    const isFirst = column && (column.id.startsWith(FIELD) || FIELDS[column.id][0] === key.replace(/^-/, ""));
    return isFirst ? [{ colId: column.id, sort: /** @type {"asc" | "desc"} */ (key.startsWith("-") ? "desc" : "asc") }] : [];
  });
  return model.map((each, sortIndex) => ({ ...each, sortIndex }));
}
