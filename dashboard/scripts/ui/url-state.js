/*
 * What the address says of the page.
 */

/** @import { Missing } from "../../types/pages" */

/** The address's query as an object. @returns {Record<string, string>} */
export const readQuery = () => Object.fromEntries(new URLSearchParams(location.search));

/**
 * Writes into the address's query without a new page; null takes a key out. The order of keys stays.
 * @param {Record<string, Missing<string>>} changes
 */
export function writeQuery(changes) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined) query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString().replaceAll("%2C", ",");
  history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
}
