/*
 * What the table of runs asks the server for.
 */

/**
 * @typedef {object} Asked
 * @property {string} state a state; "": all.
 * @property {string} search words.
 * @property {string} where a filter.
 * @property {string} by fields by which runs are grouped, between commas; "": a row is a run.
 * @property {string[]} fields whose values the rows have beside their own.
 */

/** @typedef {{colId: string, sort: string | null | undefined}[]} SortModel as ag-grid has it. */

/** @type {Asked} */
export const ALL = { state: "", search: "", where: "", by: "", fields: [] };

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

/** @param {Asked} asked @param {string} sort @param {number} first @param {number} stop the row behind the last. */
export const rowsQuery = ({ state, search, where, fields }, sort, first, stop) =>
  queryOf({ state, search, where, sort, fields: fields.join(","), config: "brief", offset: String(first), limit: String(stop - first) });

/** The same of groups. @param {Asked} asked @param {string} sort @param {number} first @param {number} stop */
export const groupsQuery = ({ state, search, where, by, fields }, sort, first, stop) =>
  queryOf({ by, state, search, where, sort, fields: fields.join(","), offset: String(first), limit: String(stop - first) });

/** Without the state: the counts are by state. @param {Asked} asked */
export const countsQuery = ({ search, where }) => queryOf({ search, where });
