/*
 * Buttons below a table that save it as it stands, as CSV or LaTeX.
 *
 * The table is read from the page. A cell whose words round a value has that in `data-value`, and its column the
 * value's unit in `data-unit`: CSV takes those, LaTeX the words. A corner without words is called by its `data-name`; what
 * more than its words stands in a cell leaves them in `data-words`; a column of controls has `data-controls`.
 */

import { element } from "./dom.js";
import { fileName, saveFile } from "./files.js";
import { NOTHING } from "./format.js";
import { csvTable, latexTable } from "./table-files.js";

/** @import { Cell, FileTable } from "./table-files.js" */

/** How a table is written, by what the button says. @type {Record<string, {ending: string, type: string, write: (table: FileTable) => string}>} */
export const FORMATS = {
  CSV: { ending: "csv", type: "text/csv", write: csvTable },
  LaTeX: { ending: "tex", type: "application/x-tex", write: latexTable },
};

/** Saves a table. @param {string} format of FORMATS. @param {FileTable} table @param {(string | undefined)[]} about what its file is called by. */
export function saveTable(format, table, about) {
  const { ending, type, write } = FORMATS[format];
  saveFile([write(table)], type, fileName(about, ending));
}

/** @param {HTMLElement} cell @returns {Cell} */
function cellOf(cell) {
  const words = (cell.dataset.words ?? cell.textContent ?? "").trim();
  const { value } = cell.dataset;
  if (value !== undefined) return { words, value: value === "" ? null : Number(value) };
  return words === NOTHING ? { words, value: null } : words;
}

/** What a table of the page says. @param {HTMLTableElement} table @param {string} title @returns {FileTable} */
export function tableOf(table, title) {
  const all = [...(table.tHead?.rows[0].cells ?? [])];
  const isTold = (/** @type {unknown} */ _, /** @type {number} */ place) => all[place]?.dataset.controls === undefined;
  const heads = all.filter(isTold);
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  return {
    title,
    columns: heads.map((head) => ({ name: head.dataset.name ?? (head.textContent ?? "").trim(), unit: head.dataset.unit })),
    rows: rows.map((row) => [...row.cells].filter(isTold).map(cellOf)),
  };
}

/**
 * The buttons of the table within `host`; the style sheet hides them while there is none, where they follow it.
 * @param {HTMLElement} host @param {string} title of the table. @param {() => string} [run] what it is of.
 */
export function fileButtons(host, title, run) {
  const save = (/** @type {string} */ format) => {
    const table = host.querySelector("table");
    const of = run?.();
    if (table) saveTable(format, tableOf(table, of ? `${title}: ${of}` : title), [of, title]);
  };
  const button = (/** @type {string} */ format) => {
    const label = `${format}: save ${title.toLowerCase()}`;
    return element(
      "button.button.button-small",
      { type: "button", "aria-label": label, title: label, onclick: () => save(format) },
      format,
    );
  };
  return element("div.table-files", {}, ...Object.keys(FORMATS).map(button));
}
