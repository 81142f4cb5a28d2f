/*
 * The controls of the ticked runs, launched at once.
 */

import * as api from "../api/runs.js";
import { ALL_CONTROLS, CONTROL, ofIds, tableAddress } from "../run-data/filters.js";
import { askControls, controlsWords } from "../ui/controls-dialog.js";
import { counted } from "../ui/format.js";
import { notice, noticeWithLink } from "../ui/shell.js";
import { IDS_A_FILTER, runsOf } from "./runs-by-id.js";

/** @import { ListedRun } from "../../types/pages" */
/** @import { ControlsQueued } from "../../types/api" */
/** @import { Scope } from "../ui/page-scope.js" */

const AT_ONCE = 200; // runs of one request, the server's bound

/** Runs that can have controls: those that a worker trained, and that are none themselves. @param {ListedRun[]} runs */
export const controllable = (runs) =>
  runs.filter(({ source, tags }) => source === "launched" && !tags.some((tag) => tag.startsWith(CONTROL)));

/** What is said of so many kinds of controls of runs. @param {number} kinds @param {number} runs @param {number} others that can have none. */
export function countWords(kinds, runs, others) {
  const left = others ? ` ${counted(others, "selected run")} can have none: external, or a control.` : "";
  return `Up to ${counted(kinds * runs, "run")} will be queued: ${counted(kinds, "control")} for ${runs === 1 ? "one run" : `each of ${counted(runs, "run")}`}.${left}`;
}

/** The table of what was launched; of more than a filter can name, of all controls. @param {string[]} ids */
export const controlsAddress = (ids) => tableAddress(ids.length > IDS_A_FILTER ? ALL_CONTROLS : ofIds(ids));

/** @param {string[]} ids @param {string[]} controls */
async function launch(ids, controls) {
  const all = /** @type {ControlsQueued} */ ({ runs: [], left_out: [] });
  for (let first = 0; first < ids.length; first += AT_ONCE) {
    const told = await api.launchControls(ids.slice(first, first + AT_ONCE), controls);
    all.runs.push(...told.runs);
    all.left_out.push(...told.left_out);
  }
  return all;
}

/** Asks which, and launches them. @param {Scope} scope @param {Map<string, string>} names of the ticked runs, by id. */
export async function launchControls(scope, names) {
  try {
    const runs = controllable(await runsOf([], [...names.keys()]));
    if (scope.ended) return;
    if (!runs.length) return notice("None of the selected runs can have controls: they are external, or controls.", "bad");
    const tell = (/** @type {number} */ kinds) => countWords(kinds, runs.length, names.size - runs.length);
    const title = `Launch controls of ${counted(runs.length, "run")}`;
    const controls = await askControls(scope, { title, legend: "Each is a run of its own, with the seed of its original", tell });
    if (!controls) return;
    const ids = runs.map(({ id }) => id);
    const told = await launch(ids, controls);
    const words = controlsWords(told, (id) => names.get(id) ?? id);
    if (!told.runs.length) return notice(words, "bad", "No control was launched");
    const link = { href: controlsAddress(told.runs.map(({ id }) => id)), words: "Show in the table" };
    noticeWithLink(words, link, told.left_out.length ? "bad" : "good", told.left_out.length ? "Some were left out" : undefined);
  } catch (problem) {
    notice(/** @type {Error} */ (problem).message, "bad", "Could not launch controls");
  }
}
