/*
 * The table of runs as a file: the shown columns of all runs or groups that match, or of the runs that are ticked.
 */

import * as api from "../api/runs.js";
import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import { counted } from "../ui/format.js";
import { notice } from "../ui/shell.js";
import { FORMATS, saveTable } from "../ui/table-buttons.js";
import * as columns from "./columns.js";
import { groupTable, valueCell } from "./group-file.js";
import { fieldsOf } from "./groups.js";
import { FIELD, FIELDS, groupsQuery, rowsQuery } from "./query.js";
import * as rows from "./rows.js";
import { runsOf } from "./runs-by-id.js";

/** @import { ListedRun } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { FileTable } from "../ui/table-files.js" */

const A_PAGE = 500; // the server's bound

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
      return valueCell(field, Array.isArray(value) ? value.join(" ") : value);
    }),
  ),
});

/**
 * All pages of rows, as many as there are.
 * @template Row
 * @param {(first: number, stop: number) => Promise<{found: Row[], total: number}>} read
 */
async function allPages(read) {
  /** @type {Row[]} */
  const all = [];
  for (let total = 1; all.length < total; ) {
    const page = await read(all.length, all.length + A_PAGE);
    if (!page.found.length) break; // some were deleted meanwhile
    all.push(...page.found);
    total = page.total;
  }
  return all;
}

/** All runs that match, in the order of the table, those too that are not loaded. @param {string[]} fields */
function allRuns(fields) {
  const [asked, order] = [{ ...rows.question(), fields }, rows.order()];
  return allPages(async (first, stop) => {
    const { runs, total } = await api.runs(rowsQuery(asked, order, first, stop));
    return { found: runs, total };
  });
}

/** The same of groups. */
function allGroups() {
  const [asked, order] = [rows.question(), rows.order()];
  return allPages(async (first, stop) => {
    const { groups, total } = await api.groups(groupsQuery(asked, order, first, stop));
    return { found: groups, total };
  });
}

/** Saves the shown columns of these runs; null: of all that match. @param {string} format of FORMATS. @param {string[] | null} ids */
export async function saveRuns(format, ids) {
  const fields = shownFields();
  const found = await (ids ? runsOf(fields, ids) : allRuns(fields)).catch((/** @type {Error} */ problem) => problem);
  if (found instanceof Error) return notice(found.message, "bad", "Could not export");
  return saveTable(format, tableOf(fields, found), ["runs"]);
}

/** Saves the groups that the table shows, with its columns. @param {string} format of FORMATS. */
async function saveGroups(format) {
  const { by, fields } = rows.question();
  const found = await allGroups().catch((/** @type {Error} */ problem) => problem);
  if (found instanceof Error) return notice(found.message, "bad", "Could not export");
  return saveTable(format, groupTable(fieldsOf(by), fields, found), ["groups"]);
}

/** @param {number} matching */
const runsWords = (matching) => `${counted(matching, "run")} that match, with the shown columns.`;
/** @param {number} matching */
const groupsWords = (matching) =>
  `The groups of ${counted(matching, "run")} that match; numbers as mean, standard deviation and number of runs.`;

/** Asks how all that the table shows is to be saved, also what is not loaded. @param {Scope} scope @param {number} matching runs. */
export function askTable(scope, matching) {
  const areGroups = rows.question().by !== "";
  const formats = Object.keys(FORMATS).map((format, place) =>
    element(`button.button${place ? "" : ".button-primary"}`, { value: format }, format),
  );
  const dialog = element(
    "dialog.question",
    { "aria-labelledby": "save-table-title" },
    element("h2", { id: "save-table-title" }, "Save table"),
    element("p", {}, areGroups ? groupsWords(matching) : runsWords(matching)),
    element("form.question-buttons", { method: "dialog" }, element("button.button", { value: "" }, "Cancel"), ...formats),
  );
  const save = (/** @type {string} */ format) => (areGroups ? saveGroups(format) : saveRuns(format, null));
  dialog.addEventListener("close", () => dialog.returnValue && save(dialog.returnValue));
  open(scope, dialog);
}
