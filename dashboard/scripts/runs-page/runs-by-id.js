/*
 * Runs by their ids, many in one question.
 */

import * as api from "../api/runs.js";
import { ofIds } from "../run-data/filters.js";
import { ALL, rowsQuery } from "./query.js";

/** @import { ListedRun } from "../../types/pages" */

export const IDS_A_FILTER = 140; // of ten letters, a filter has 2,000

/** Archived ones too, in this order. @param {string[]} fields @param {string[]} ids */
export async function runsOf(fields, ids) {
  /** @type {Map<string, ListedRun>} */
  const found = new Map();
  for (let first = 0; first < ids.length; first += IDS_A_FILTER) {
    const where = ofIds(ids.slice(first, first + IDS_A_FILTER));
    const query = rowsQuery({ ...ALL, where, fields }, "", 0, IDS_A_FILTER);
    query.set("archived", "any");
    for (const run of (await api.runs(query)).runs) found.set(run.id, run);
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}
