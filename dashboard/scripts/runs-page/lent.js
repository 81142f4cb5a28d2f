/*
 * What Dash and ag-grid call of the table of runs, by name.
 */

import * as actions from "./actions.js";
import { CELLS, FUNCTIONS } from "./cells.js";
import * as page from "./page.js";

export const start = page.start;
export const names = { neq_runs: { ...page, ...actions } };
export const functions = FUNCTIONS;
export const cells = CELLS;
