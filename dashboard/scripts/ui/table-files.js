/*
 * A table as a file: CSV for programs, LaTeX for papers.
 */

import { csvOf } from "./csv.js";
import { beyondPdfTex, escapeTex, texNumber, texSpread } from "./latex.js";

/** @import { Spread } from "./latex.js" */

/** @typedef {{words: string, value: number | string | null}} Worded a value that the page says in words. */
/** @typedef {Spread | Worded | number | string | null} Cell */
/** @typedef {{name: string, unit?: string}} Column its unit is that of the values, not of the words. */
/** @typedef {{title: string, columns: Column[], rows: Cell[][]}} FileTable */

/** @param {Cell} cell @returns {cell is Spread} */
const isSpread = (cell) => typeof cell === "object" && cell !== null && "mean" in cell;
/** @param {Cell} cell @returns {cell is Worded} */
const isWorded = (cell) => typeof cell === "object" && cell !== null && "words" in cell;

/** @param {Column} column */
const headed = ({ name, unit }) => (unit ? `${name} (${unit})` : name);

/** Values as they are; a column of means has three: mean, standard deviation, and of how many. @param {FileTable} table */
export function csvTable({ columns, rows }) {
  const spreads = columns.map((_, place) => rows.some((row) => isSpread(row[place])));
  const header = columns.flatMap((column, place) => {
    const name = headed(column);
    return spreads[place] ? [`${name} mean`, `${name} std`, `${name} n`] : [name];
  });
  const plain = (/** @type {Cell} */ cell) => (isWorded(cell) ? cell.value : cell);
  /** @param {Cell} cell @param {number} place */
  const values = (cell, place) => {
    if (!spreads[place]) return [plain(cell)];
    return isSpread(cell) ? [cell.mean, cell.std, cell.n] : [plain(cell), null, null];
  };
  return csvOf(
    header,
    rows.map((row) => row.flatMap(values)),
  );
}

/** @param {Cell} cell */
function texCell(cell) {
  if (cell === null || cell === undefined) return "--";
  if (typeof cell === "number") return texNumber(cell);
  if (typeof cell === "string") return escapeTex(cell);
  return isSpread(cell) ? texSpread(cell) : escapeTex(cell.words);
}

/** Whether a column's cells stand better at the right: they begin as numbers do. @param {Cell[]} cells */
const isNumeric = (cells) =>
  cells.some((cell) => cell !== null && cell !== "") &&
  cells.every((cell) => {
    const words = isWorded(cell) ? cell.words : cell;
    return typeof words !== "string" || /^([−+-]?\d|–$|$)/.test(words);
  });

/** A `tabular` as booktabs has it. @param {FileTable} table */
export function latexTable({ title, columns, rows }) {
  const alignment = columns.map((_, place) => (isNumeric(rows.map((row) => row[place] ?? null)) ? "r" : "l")).join("");
  // Behind the end of a line a bracket or a star would be its option.
  const line = (/** @type {string[]} */ cells) => `  ${cells.join(" & ").replace(/^(?=[[*])/, "{}")} \\\\`;
  const body = [
    `% \\caption{${escapeTex(title)}.}`,
    `\\begin{tabular}{${alignment}}`,
    "  \\toprule",
    line(columns.map(({ name }) => escapeTex(name))),
    "  \\midrule",
    ...rows.map((row) => line(columns.map((_, place) => texCell(row[place] ?? null)))),
    "  \\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
  const signs = beyondPdfTex(body);
  return [
    "% Needs \\usepackage{booktabs}; inside of a table environment:",
    ...(signs ? [`% Needs XeLaTeX or LuaLaTeX, and a font that has ${signs}`] : []),
    body,
  ].join("\n");
}
