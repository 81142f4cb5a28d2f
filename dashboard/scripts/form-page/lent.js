/*
 * What Dash calls of the form, by name.
 */

import * as page from "./page.js";

export const start = page.start;
export const names = { neq_form: page };
