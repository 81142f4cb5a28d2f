/*
 * What may be done with a run of the table: stop, clone, edit, delete; and the dialogs that ask for more.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { noUpdate, setProps } from "../ui/dash.js";
import { counted } from "../ui/format.js";
import { go, notice } from "../ui/shell.js";
import * as rows from "./rows.js";
import * as ticks from "./ticks.js";

/** @import { Run } from "../../types/pages" */

/** @type {Run | null} the run that a dialog is about. */
let target = null;
const busy = new Set();

/**
 * Does one thing to one run, once at a time. @template T
 * @param {string} name @param {Run} run @param {() => Promise<T>} work
 * @returns {Promise<T | Error | null>} what came of it, or what went wrong; null: it is being done.
 */
async function once(name, run, work) {
  const key = `${name} ${run.id}`;
  if (busy.has(key)) return null;
  busy.add(key);
  try {
    return await work();
  } catch (problem) {
    return /** @type {Error} */ (problem);
  } finally {
    busy.delete(key);
  }
}

/** @param {Run} run */
async function stop(run) {
  const answer = await once("stop", run, () => api.stop(run.id));
  if (answer instanceof Error) notice(answer.message, "bad", "Could not stop");
  else if (answer?.id) rows.put(answer);
}

/** @param {Run} run */
function openEdit(run) {
  target = run;
  setProps("run-edit-name", { value: run.name });
  setProps("run-edit-tags", { value: [...run.tags] });
  setProps("run-edit-notes", { value: run.notes || "" });
  setProps("run-edit-problem", { children: "" });
  setProps("run-edit-save", { loading: false });
  setProps("run-edit", { opened: true });
}

/** @param {Run} run */
function openDelete(run) {
  target = run;
  setProps("run-delete-words", {
    children: `“${run.name}” and everything recorded for it will be deleted: ${counted(run.epochs_done, "epoch")}. This cannot be undone.`,
  });
  setProps("run-delete-problem", { children: "" });
  setProps("run-delete-yes", { loading: false });
  setProps("run-delete", { opened: true });
}

/** @param {string} name "stop", "again", "edit" or "remove". @param {Run} run */
export function act(name, run) {
  const now = rows.runOf(run.id) || run;
  if (name === "stop") stop(now);
  else if (name === "again") go(`/new?from=${encodeURIComponent(now.id)}`);
  else if (name === "edit") openEdit(now);
  else if (name === "remove") openDelete(now);
}

/** @param {Error & {detail?: unknown}} problem */
function wordsOf({ message, detail }) {
  if (!Array.isArray(detail)) return message;
  return detail.map((/** @type {{field: string, message: string}} */ error) => `${error.field}: ${error.message}`).join(". ");
}

/** @param {string} id */
const textOf = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value;

/** What stands in the dialog: Dash hears of the last keys of a fast typist later than of the click. */
const typed = () => ({ name: textOf("run-edit-name"), notes: textOf("run-edit-notes") });

const DIALOGS = {
  "run-edit": { button: "run-edit-save", failed: "Could not save" },
  "run-delete": { button: "run-delete-yes", failed: "Could not delete" },
};

/**
 * Ends what a dialog was asked to do to a run, unless the dialog is about another one by now.
 * @param {keyof typeof DIALOGS} dialog @param {Run} run @param {Error | null} problem null: it is done.
 */
function finish(dialog, run, problem) {
  const { button, failed } = DIALOGS[dialog];
  if (target?.id !== run.id) return problem && notice(wordsOf(problem), "bad", `${failed} “${run.name}”`);
  if (problem) setProps(`${dialog}-problem`, { children: wordsOf(problem) });
  else setProps(dialog, { opened: false });
  return setProps(button, { loading: false });
}

/** Called by Dash. @param {number | null} clicks @param {string[]} tags */
export async function save(clicks, tags) {
  const run = target;
  if (!clicks || !run) return noUpdate();
  setProps("run-edit-save", { loading: true });
  const answer = await once("save", run, () => api.describe(run.id, { ...typed(), tags }));
  if (answer && !(answer instanceof Error)) rows.put(answer);
  if (answer) finish("run-edit", run, answer instanceof Error ? answer : null);
  return noUpdate(); // the button may be of another run's dialog by now
}

/** Called by Dash. @param {number | null} clicks */
export async function remove(clicks) {
  const run = target;
  if (!clicks || !run) return noUpdate();
  setProps("run-delete-yes", { loading: true });
  const answer = await once("remove", run, async () => (await api.remove(run.id)) ?? run);
  if (!answer) return noUpdate();
  const problem = answer instanceof Error && !(answer instanceof Refused && answer.status === 404) ? answer : null;
  if (!problem) {
    ticks.drop([run.id]);
    rows.refresh();
  }
  finish("run-delete", run, problem);
  return noUpdate();
}

/** Called by Dash: a dialog is left. */
export const dismiss = () => false;
