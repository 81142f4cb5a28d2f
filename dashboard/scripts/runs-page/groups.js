/*
 * Groups of runs as rows of the table: their columns, what their cells say, and where their runs are listed.
 */

import { canBeFraction, FRACTIONS } from "../run-data/accuracy.js";
import { readField } from "../run-data/filters.js";
import * as format from "../ui/format.js";
import { FIELD, FIELDS } from "./query.js";
import * as ticks from "./ticks.js";

/** @import { GroupCell, RunGroup } from "../../types/api" */
/** @import { Shown } from "./column-address.js" */
/** @import { Row } from "./rows.js" */

/** @typedef {{id: string, grouped: RunGroup}} GroupRow */

/** The table's own columns whose fields say something of many runs. */
const OWN = ["progress", "frozen", "accuracy", "setup"];

/** @param {RunGroup} grouped @returns {GroupRow} */
export const rowOf = (grouped) => ({ id: `group ${JSON.stringify([...grouped.values, grouped.control])}`, grouped });
/** The group that a row is; null: it is a run. @param {Row} row */
export const groupOf = (row) => ("grouped" in row ? row.grouped : null);

/** The fields of an address's `by`. @param {string} by @returns {string[]} */
export const fieldsOf = (by) => (by.match(/(?:[^,`]|`(?:[^`\\]|\\.)*`)+/gs) ?? []).map((field) => field.trim()).filter(Boolean);

/** The fields whose values groups are shown with. @param {Shown[]} shown the columns @param {string} by */
export function shownFields(shown, by) {
  const fields = shown.flatMap(({ id }) => (id.startsWith(FIELD) ? [id.slice(FIELD.length)] : OWN.includes(id) ? FIELDS[id] : []));
  return [...new Set(fields)].filter((field) => !fieldsOf(by).includes(field));
}

/** A number of a field, and its deviation, in words. @param {string} field @param {number} mean @param {number | null} std */
function meanWords(field, mean, std) {
  const { kind, name } = readField(field);
  if (kind !== "run" || !FRACTIONS.includes(name) || !canBeFraction(mean)) return format.spread(mean, std);
  return `${format.spread(mean * 100, std === null ? null : std * 100)} %`;
}

/**
 * What a group's runs have of a field.
 * @param {string} field @param {GroupCell} cell @param {(field: string, value: unknown) => string} words of one value.
 */
export function cellWords(field, { known, distinct, mean, std, value }, words) {
  if (!known) return format.NOTHING;
  if (value !== null) return words(field, value);
  if (mean !== null) return meanWords(field, mean, std);
  return distinct === 1 ? `${format.count(known)} of them` : format.counted(distinct, "value");
}

/** The same, at length. @param {string} field @param {GroupCell} cell @param {number} runs of the group. @param {string} words */
export function cellTitle(field, { known, mean, std, value }, runs, words) {
  if (!known) return `${field}: none of the runs has it`;
  const of = known === runs ? format.counted(runs, "run") : `${format.count(known)} of ${format.counted(runs, "run")}`;
  if (value !== null) return `${field}: ${words} in all ${format.counted(runs, "run")}`;
  return mean !== null && std !== null ? `${field}: mean ± standard deviation of ${of}` : `${field}: ${words}, ${of}`;
}

/** The name of a group: its values, each with its field where there are several. @param {string[]} by @param {string[]} values in words */
export const nameOf = (by, values) =>
  by.length === 1 ? values[0] : by.map((field, place) => `${readField(field).name} ${values[place]}`).join(", ");

/** The name of a group of controls, which are apart from the runs that they are held against. @param {string} name @param {RunGroup} group */
export const withControl = (name, { control }) => (control === null ? name : `${name} · control: ${control}`);

/** How many runs a group's figures are of, of how many. @param {RunGroup} group */
export const sizeWords = ({ runs, left_out: left }) =>
  left ? `${format.count(runs)} of ${format.count(runs + left)}` : format.count(runs);

/** How many are left out of its figures, since others of the group count for them; empty: none. @param {RunGroup} group */
export const leftOutWords = ({ left_out: left }) => (left ? `${format.count(left)} continued ${left === 1 ? "is" : "are"} left out` : "");

/** Both, at length. @param {RunGroup} group */
export const sizeTitle = (group) => [format.counted(group.runs, "run"), leftOutWords(group)].filter(Boolean).join(" · ");

/** The query of the table of a group's runs: what the table asks for now, and the group's own filter. @param {URLSearchParams} query @param {RunGroup} group */
export function queryOfRuns(query, { where }) {
  const next = new URLSearchParams(query);
  for (const key of ["by", "sort"]) next.delete(key);
  const before = query.get("where")?.trim();
  next.set("where", before ? `(${before}) and ${where}` : (where ?? ""));
  return next.toString();
}

/** Its runs' names, by id. @param {RunGroup} group @returns {Map<string, string>} */
export const namesOf = ({ ids, names }) => new Map(ids.map((id, place) => [id, names[place]]));

/** How many of a group's runs are ticked: all, some or none. @param {RunGroup} group */
export function tickedOf({ ids }) {
  const number = ids.filter(ticks.has).length;
  return number === ids.length ? "all" : number ? "some" : "none";
}

/** @type {(group: RunGroup) => void} */
let openIn = () => {};
/** Who lists a group's runs. @param {(group: RunGroup) => void} show */
export function whenOpened(show) {
  openIn = show;
}
/** Lists its runs, where a filter can find them. @param {RunGroup} group */
export const open = (group) => group.where !== null && openIn(group);
/** @param {RunGroup} group */
export const toggle = (group) => ticks.toggleAll(namesOf(group));
