/*
 * What the table of runs asks the server for.
 */

/**
 * @typedef {object} Asked
 * @property {string} state a state; "": all.
 * @property {string} search words.
 * @property {string} where a filter.
 * @property {string} by fields by which runs are grouped, between commas; "": a row is a run.
 * @property {string[]} without ids of runs that are left out.
 * @property {string[]} fields whose values the rows have beside their own.
 */

/** @typedef {{colId: string, sort: string | null | undefined}[]} SortModel as ag-grid has it. */

/** @type {Asked} */
export const ALL = { state: "", search: "", where: "", by: "", without: [], fields: [] };

/** Fields by which the table's own columns are sorted. @type {Record<string, string[]>} */
export const FIELDS = {
  state: ["state"],
  name: ["name"],
  progress: ["epochs"],
  frozen: ["frozen"],
  accuracy: ["accuracy"],
  setup: ["optimizer.kind", "model.kind", "data.kind"],
  age: ["created"],
  runs: ["runs"], // how many a group has
};
const MOST_KEYS = 8; // the server's bound
const MOST_WITHOUT = 500; // the same
/** Of a column for a field its name begins with this. */
export const FIELD = "field:";

/** The order that the columns' headers show, as `sort` has it; "": newest first. @param {SortModel} model */
export function sortOf(model) {
  const keys = model.flatMap(({ colId, sort }) => {
    const fields = colId.startsWith(FIELD) ? [colId.slice(FIELD.length)] : (FIELDS[colId] ?? []);
    return fields.map((field) => (sort === "desc" ? `-${field}` : field));
  });
  return keys.length === 1 && keys[0] === "-created" ? "" : keys.slice(0, MOST_KEYS).join(",");
}

/** Whether anything narrows the table down. @param {Asked} asked */
export const isNarrowed = ({ state, search, where }) => Boolean(state || search.trim() || where.trim());

/** @param {Record<string, string>} values empty ones are left out. */
const queryOf = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value.trim() !== ""));

/** What rows, groups and counts have in common. @param {Asked} asked */
const narrowing = ({ search, where, without }) => ({ search, where, without: without.slice(0, MOST_WITHOUT).join(",") });
/** @param {Asked} asked @param {string} sort @param {number} first @param {number} stop the row behind the last. */
const blockOf = (asked, sort, first, stop) => ({
  ...{ state: asked.state, ...narrowing(asked), sort, fields: asked.fields.join(",") },
  ...{ offset: String(first), limit: String(stop - first) },
});

/** @param {Asked} asked @param {string} sort @param {number} first @param {number} stop */
export const rowsQuery = (asked, sort, first, stop) => queryOf({ ...blockOf(asked, sort, first, stop), config: "brief" });

/** The same of groups. @param {Asked} asked @param {string} sort @param {number} first @param {number} stop */
export const groupsQuery = (asked, sort, first, stop) => queryOf({ by: asked.by, ...blockOf(asked, sort, first, stop) });

/** Without the state: the counts are by state. @param {Asked} asked */
export const countsQuery = (asked) => queryOf(narrowing(asked));
