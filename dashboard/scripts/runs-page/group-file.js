/*
 * Groups of runs as a file: numbers with their mean, deviation and of how many runs, all else as the table says it.
 */

import { readField } from "../run-data/filters.js";
import { fieldWords } from "./columns.js";
import { cellWords } from "./groups.js";
import { ORDER } from "./states.js";

/** @import { GroupCell, RunGroup } from "../../types/api" */
/** @import { Cell, FileTable } from "../ui/table-files.js" */

/** A value of a run or of a whole group: numbers in words too. @param {string} field @param {{} | null} value @returns {Cell} */
export const valueCell = (field, value) =>
  typeof value === "number" || value === null ? { words: fieldWords(field, value), value } : String(value);

/** What a group's runs have of a field. @param {string} field @param {GroupCell} cell @returns {Cell} */
function groupCell(field, cell) {
  const { known, mean, std, value } = cell;
  const isSetting = readField(field).kind === "setting"; // that the runs have in common: it does not scatter
  if (mean !== null && !(isSetting && value !== null)) return { mean, std, n: known };
  if (value !== null || !known) return valueCell(field, value);
  return cellWords(field, cell, fieldWords);
}

/** @param {RunGroup["states"]} states */
function statesWords(states) {
  const told = /** @type {Record<string, number>} */ (states);
  return ORDER.filter((state) => told[state])
    .map((state) => `${told[state]} ${state}`)
    .join(", ");
}

/** The column of controls' kinds, where some are. @param {RunGroup[]} groups */
const parted = (groups) => (groups.some(({ control }) => control) ? ["control"] : []);
/** The column of how many runs were left out of the figures, where some were. @param {RunGroup[]} groups */
const shortened = (groups) => (groups.some(({ left_out: left }) => left) ? ["continued, left out"] : []);

/** @param {string[]} by @param {string[]} fields @param {RunGroup[]} groups @returns {FileTable} */
export function groupTable(by, fields, groups) {
  const [controls, leftOut] = [parted(groups), shortened(groups)];
  return {
    title: `Runs by ${by.join(", ")}`,
    columns: [...by, ...controls, "runs", ...leftOut, "states", ...fields].map((name) => ({ name })),
    rows: groups.map(({ values, control, runs, left_out: left, states, cells }) => [
      ...by.map((field, place) => valueCell(field, values[place])),
      ...controls.map(() => control ?? ""),
      runs,
      ...leftOut.map(() => left),
      statesWords(states),
      ...fields.map((field, place) => groupCell(field, cells[place])),
    ]),
  };
}
