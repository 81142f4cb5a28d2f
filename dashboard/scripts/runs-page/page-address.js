/*
 * The address of the page of runs: what the table is asked for stands in it, and what of it cannot be followed is said and left out.
 */

import { Refused } from "../api/client.js";
import { setProps } from "../ui/dash.js";
import { readQuery, writeQuery } from "../ui/url-state.js";
import { forgetLeftOut, leftOut, refusedField, sayLeftOut } from "./address-left-out.js";
import { withoutField } from "./column-address.js";
import * as columns from "./columns.js";
import * as rows from "./rows.js";

/** @import { FilterBox } from "./filter-box.js" */
/** @import { GroupBox } from "./group-box.js" */
/** @import { Asked } from "./query.js" */

/** @typedef {{grid: any, filter: FilterBox | null, grouping: GroupBox | null}} Parts of the page: ag-grid's API, and boxes that the address fills. */

/** @type {Parts} */
let parts = { grid: null, filter: null, grouping: null };
let say = (/** @type {string} */ _words) => {};

/** @param {Parts} page nothing of it is there before the table is. @param {(words: string) => void} tell says what is wrong beside the table. */
export function begin(page, tell) {
  parts = page;
  say = tell;
}

const chips = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#runs-states .runs-chip")]);

/** Asks for other rows, and keeps what is asked for in the address. @param {Partial<Asked>} changes @returns why it was refused. */
export async function ask(changes) {
  const problem = await rows.ask(changes);
  const saidBeside = changes.where !== undefined || (problem instanceof Refused && isAbout(problem, "by"));
  if (problem && !saidBeside) say(problem.message);
  const { state, search, where, by } = rows.question();
  writeQuery({ state: state || null, search: search || null, where: where || null, by: by || null });
  return problem;
}

/** Asks for what the address does; where its filter cannot be read, for all runs, and says so. */
export async function askAtFirst() {
  parts.filter?.show(rows.question().where);
  parts.grouping?.show(rows.question().by);
  await askOrAll({ ...rows.question(), fields: columns.fields() });
}

/** Asks; what of it cannot be read is left out, one part after the other, and said. @param {Asked} asked */
export async function askOrAll(asked) {
  const problem = await ask(asked);
  if (!(problem instanceof Refused) || parts.grid.isDestroyed()) return;
  const field = refusedField(problem.detail, asked.fields, rows.order());
  if (field !== null) return askOrAll(withoutColumn(asked, field));
  const ofGrouping = asked.by && isAbout(problem, "by");
  if (ofGrouping) {
    parts.grouping?.wrong(problem);
    writeQuery({ by: null });
  } else if (isAbout(problem, "search")) sayLeftOut(["the search"]);
  else if (asked.where) parts.filter?.wrong(problem);
  else return; // it is said beside the table
  const less = ofGrouping ? { by: "" } : isAbout(problem, "search") ? { search: "" } : { where: "" };
  await askOrAll({ ...asked, ...less, fields: columns.fields() });
  if (ofGrouping && !parts.grid.isDestroyed()) showAddress();
}

/** Leaves a column out that no server can fill, also of the address. @param {Asked} asked @param {string} field @returns {Asked} */
function withoutColumn(asked, field) {
  writeQuery({ cols: withoutField(readQuery().cols ?? "", field) || null, columns: null });
  sayLeftOut([`the column “${field}”`]);
  showAddress();
  return { ...asked, fields: asked.fields.filter((each) => each !== field) };
}

/** The columns and the order of the address, without what cannot be followed. */
function showAddress() {
  mendAddress();
  columns.showAddress(parts.grid);
}

/** Takes out of the address what the table cannot follow, and says so. */
export function mendAddress() {
  const states = chips().map(({ dataset }) => dataset.state ?? "");
  const { words, changes } = leftOut(readQuery(), states, columns.sortable());
  if (words.length) writeQuery(changes);
  sayLeftOut(words);
}

/** Asks for what the reader changed, who has read by now what was left out of the address. @param {Partial<Asked>} changes */
export function change(changes) {
  forgetLeftOut();
  return ask(changes);
}

/** @param {Refused} problem @param {string} parameter */
const isAbout = ({ detail }, parameter) => Array.isArray(detail) && detail.some(({ field }) => field === parameter);

/** @param {string} state */
export function press(state) {
  for (const chip of chips()) chip.setAttribute("aria-pressed", String((chip.dataset.state ?? "") === state));
}

/** What the address asks for. */
export function fromAddress() {
  const { state = "", search = "", where = "", by = "" } = readQuery();
  const known = chips().some((chip) => chip.dataset.state === state);
  press(known ? state : "");
  if (search || parts.grid) setProps("runs-search", { value: search });
  return { state: known ? state : "", search, where, by: by.trim() };
}
