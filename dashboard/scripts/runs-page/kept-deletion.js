/*
 * A deletion whose document was closed before its time was over: names of runs by id, and until when it can be undone.
 *
 * A page that unloads cannot tell whether it is being closed or reloaded, so the deletion is kept in the browser's storage,
 * and the next table of runs resumes it.
 */

import { at } from "../ui/routes.js";

/** @typedef {{names: Map<string, string>, until: number}} Kept `until` in milliseconds since 1970. */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Place */

/** Of this server's pages: others may be at the same host. */
export const key = () => `neq-deletion ${at("/")}`;

/** @param {string | null} text @returns {Kept | null} */
function parsed(text) {
  if (text === null) return null;
  const { names, until } = JSON.parse(text);
  return { names: new Map(names), until: Number(until) };
}

/** Keeps it, beside what another document left; false: the browser has no place for it. @param {Kept} deletion @param {Place} [place] */
export function keep({ names, until }, place) {
  try {
    const browser = place ?? localStorage;
    const before = parsed(browser.getItem(key()));
    const all = [...(before?.names ?? []), ...names];
    browser.setItem(key(), JSON.stringify({ names: all, until: Math.max(until, before?.until ?? 0) }));
    return true;
  } catch {
    return false; // it is full, forbidden, or holds something else
  }
}

/** Takes up what was kept; null: nothing. @param {Place} [place] @returns {Kept | null} */
export function takeUp(place) {
  try {
    const browser = place ?? localStorage;
    const text = browser.getItem(key());
    browser.removeItem(key());
    return parsed(text);
  } catch {
    return null;
  }
}
