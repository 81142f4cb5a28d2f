/*
 * The table of runs as a file: the shown columns of all runs that match, or of those that are ticked.
 */

import * as api from "../api/runs.js";
import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import { counted } from "../ui/format.js";
import { notice } from "../ui/shell.js";
import { FORMATS, saveTable } from "../ui/table-buttons.js";
import * as columns from "./columns.js";
import { ALL, FIELD, FIELDS, rowsQuery } from "./query.js";
import * as rows from "./rows.js";

/** @import { ListedRun } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { FileTable } from "../ui/table-files.js" */

const A_PAGE = 500; // the server's bound
const IDS_A_FILTER = 140; // of ten letters, a filter has 2,000

/** The fields of the shown columns, behind the run's id. */
export const shownFields = () => [
  "id",
  ...columns.shown().flatMap(({ id }) => (id.startsWith(FIELD) ? [id.slice(FIELD.length)] : FIELDS[id])),
];

/** Runs as a table: CSV names the fields as filters do and has their values, LaTeX the words. @param {string[]} fields @param {ListedRun[]} runs @returns {FileTable} */
export const tableOf = (fields, runs) => ({
  title: "Runs",
  columns: fields.map((name) => ({ name })),
  rows: runs.map(({ values }) =>
    fields.map((field, place) => {
      const value = values?.[place] ?? null;
      const plain = Array.isArray(value) ? value.join(" ") : value;
      return typeof plain === "number" || plain === null ? { words: columns.fieldWords(field, plain), value: plain } : String(plain);
    }),
  ),
});

/** All runs that match, in the order of the table, those too that are not loaded. @param {string[]} fields */
async function allRuns(fields) {
  const asked = { ...rows.question(), fields };
  const order = rows.order();
  /** @type {ListedRun[]} */
  const found = [];
  for (let total = 1; found.length < total; ) {
    const page = await api.runs(rowsQuery(asked, order, found.length, found.length + A_PAGE));
    if (!page.runs.length) break; // some were deleted meanwhile
    found.push(...page.runs);
    total = page.total;
  }
  return found;
}

/** These runs, archived ones too, in this order. @param {string[]} fields @param {string[]} ids */
async function runsOf(fields, ids) {
  /** @type {Map<string, ListedRun>} */
  const found = new Map();
  for (let first = 0; first < ids.length; first += IDS_A_FILTER) {
    const where = `id in (${ids.slice(first, first + IDS_A_FILTER).join(",")})`;
    const query = rowsQuery({ ...ALL, where, fields }, "", 0, IDS_A_FILTER);
    query.set("archived", "any");
    for (const run of (await api.runs(query)).runs) found.set(run.id, run);
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** Saves the shown columns of these runs; null: of all that match. @param {string} format of FORMATS. @param {string[] | null} ids */
export async function saveRuns(format, ids) {
  const fields = shownFields();
  const found = await (ids ? runsOf(fields, ids) : allRuns(fields)).catch((/** @type {Error} */ problem) => problem);
  if (found instanceof Error) return notice(found.message, "bad", "Could not export");
  return saveTable(format, tableOf(fields, found), ["runs"]);
}

/** Asks how all runs that match are to be saved. @param {Scope} scope @param {number} matching */
export function askTable(scope, matching) {
  const formats = Object.keys(FORMATS).map((format, place) =>
    element(`button.button${place ? "" : ".button-primary"}`, { value: format }, format),
  );
  const dialog = element(
    "dialog.question",
    { "aria-labelledby": "save-table-title" },
    element("h2", { id: "save-table-title" }, "Save table"),
    element("p", {}, `${counted(matching, "run")} that match, with the shown columns.`),
    element("form.question-buttons", { method: "dialog" }, element("button.button", { value: "" }, "Cancel"), ...formats),
  );
  dialog.addEventListener("close", () => dialog.returnValue && saveRuns(dialog.returnValue, null));
  open(scope, dialog);
}
