/*
 * What may be done with a run of the table: stop, clone, edit, delete; and the dialogs that ask for more.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { noUpdate, setProps } from "../ui/dash.js";
import { counted } from "../ui/format.js";
import { go, notice } from "../ui/shell.js";
import * as rows from "./rows.js";

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
  else if (answer?.id) rows.put([answer]);
}

/** @param {Run} run */
function openEdit(run) {
  target = run;
  setProps("run-edit-name", { value: run.name });
  setProps("run-edit-tags", { value: [...run.tags] });
  setProps("run-edit-notes", { value: run.notes || "" });
  setProps("run-edit-problem", { children: "" });
  setProps("run-edit", { opened: true });
}

/** @param {Run} run */
function openDelete(run) {
  target = run;
  setProps("run-delete-words", {
    children: `“${run.name}” and everything recorded for it will be deleted: ${counted(run.epochs_done, "epoch")}. This cannot be undone.`,
  });
  setProps("run-delete-problem", { children: "" });
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

/** Called by Dash. @param {number | null} clicks @param {string[]} tags */
export async function save(clicks, tags) {
  if (!clicks || !target) return noUpdate();
  setProps("run-edit-save", { loading: true });
  const { id } = target;
  const answer = await once("save", target, () => api.describe(id, { ...typed(), tags }));
  if (answer instanceof Error) {
    setProps("run-edit-problem", { children: wordsOf(answer) });
  } else if (answer) {
    rows.put([answer]);
    setProps("run-edit", { opened: false });
  }
  return false;
}

/** Called by Dash. @param {number | null} clicks */
export async function remove(clicks) {
  if (!clicks || !target) return noUpdate();
  setProps("run-delete-yes", { loading: true });
  const { id } = target;
  const answer = await once("remove", target, () => api.remove(id));
  if (answer instanceof Error && !(answer instanceof Refused && answer.status === 404)) {
    setProps("run-delete-problem", { children: wordsOf(answer) });
  } else {
    rows.drop(id);
    rows.showEmpty();
    setProps("run-delete", { opened: false });
  }
  return false;
}

/** Called by Dash: a dialog is left. */
export const dismiss = () => false;
