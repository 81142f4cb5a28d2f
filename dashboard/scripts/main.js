/*
 * What every page starts with. Dash calls the scripts by the names that are put on the window here: those of the page that
 * is opened are there before it starts, those of another are fetched when the reader goes to it, before it is drawn.
 */

import * as live from "./api/live.js";
import { noUpdate } from "./ui/dash.js";
import * as print from "./ui/print.js";
import { at, folderOf } from "./ui/routes.js";
import * as shell from "./ui/shell.js";
import * as viewAddress from "./ui/view-address.js";

/** @typedef {{names?: object, start?: () => void, functions?: object, cells?: object}} Part what a page's folder lends to Dash and to ag-grid. */

/** @type {Record<string, () => Promise<Part>>} by their folder. */
const PARTS = {
  "runs-page": () => import("./runs-page/lent.js"),
  "form-page": () => import("./form-page/lent.js"),
  "run-page": () => import("./run-page/lent.js"),
  "compare-page": () => import("./compare-page/lent.js"),
};
/** @type {Set<string>} folders that are there. */
const loaded = new Set();

/** @param {"dash_clientside" | "dashAgGridFunctions" | "dashAgGridComponentFunctions"} place @param {object} [names] */
function lend(place, names = {}) {
  window[place] = Object.assign(window[place] || {}, names);
}

/** @param {string} folder */
async function load(folder) {
  const part = await PARTS[folder]();
  if (loaded.has(folder)) return; // the reader went to and fro meanwhile
  loaded.add(folder);
  part.start?.();
  lend("dash_clientside", part.names);
  lend("dashAgGridFunctions", part.functions);
  lend("dashAgGridComponentFunctions", part.cells);
}

/** A page's scripts cannot be had: from another release, or for now. In the second case the page that is there stays. */
const loadAnew = () =>
  fetch(at("/healthz")).then(
    () => location.reload(),
    () => noUpdate(),
  );

/**
 * Called by Dash when the reader goes to another page: it is asked for once its scripts are there.
 * @param {string} path @param {string} search
 */
function leave(path, search) {
  shell.leave(path);
  const folder = folderOf(path);
  const asked = path + (search ?? "");
  if (!folder || loaded.has(folder)) return asked;
  return load(folder).then(() => asked, loadAnew); // Dash takes no answer to what it has asked again since
}

for (const part of [live, viewAddress, print, shell]) part.start();
lend("dash_clientside", { neq_shell: { ...shell, leave } });
const first = folderOf(location.pathname);
if (first) await load(first);

new DashRenderer();
document.documentElement.dataset.started = "";
