/*
 * What Dash calls of the runs side by side, by name.
 */

import * as page from "./page.js";

export const names = { neq_compare: page };
