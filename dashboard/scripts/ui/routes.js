/*
 * The path prefix below which a proxy shows these pages: told by the document, and put before addresses here alone.
 */

/**
 * An address of ours, written from the root on, as this browser has to ask for it; one that is so already stays.
 * @param {string} path
 */
export function at(path) {
  const root = document.documentElement.dataset.root || "";
  const ours = path.startsWith("/") && path !== root && !(root && path.startsWith(`${root}/`));
  return ours ? root + path : path;
}

/** The folders of the pages' scripts, by the first part of their addresses; `dashboard/routing.py` has the addresses. */
const FOLDERS = new Map([
  ["", "runs-page"],
  ["new", "form-page"],
  ["runs", "run-page"],
  ["compare", "compare-page"],
]);

/** The folder of scripts that the page at this address needs. @param {string} path @returns {string | undefined} there is none. */
export function folderOf(path) {
  const parts = (/** @type {string} */ address) => address.split("/").filter(Boolean);
  return FOLDERS.get(parts(path)[parts(document.documentElement.dataset.root ?? "").length] ?? "");
}
