/*
 * Filters of runs, as the server's language has them (docs/filters.md).
 */

/** A text as a filter's value. @param {string} text */
export const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** @param {string} group its name. */
export const ofGroup = (group) => `group = ${quoted(group)}`;

/** The table of the runs that a filter leaves. @param {string} where */
export const tableAddress = (where) => `/?${new URLSearchParams({ where }).toString()}`;
