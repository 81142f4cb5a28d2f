/*
 * What Dash calls of a run's page, by name.
 */

import * as page from "./page.js";

export const names = { neq_run: page };
