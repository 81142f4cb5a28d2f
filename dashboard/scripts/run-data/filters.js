/*
 * Filters of runs, as the server's language has them (docs/filters.md).
 */

/** A text as a filter's value. @param {string} text */
export const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** @param {string} group its name. */
export const ofGroup = (group) => `group = ${quoted(group)}`;

/** The controls of a run, and the run itself. @param {string} id */
export const ofControls = (id) => `tag = ${quoted(`control:${id}`)} or id = ${quoted(id)}`;

/** The table of the runs that a filter leaves. @param {string} where */
export const tableAddress = (where) => `/?${new URLSearchParams({ where }).toString()}`;
