/*
 * Runs, and what is done about them: listed, checked, launched, changed.
 */

import { askJson, TODAYS } from "./client.js";

/** @import { ActionsDone, Check, ControlsQueued, FilterFields, Health, Queue, RunCounts, RunGroups, Study, SweepPreview, SweepQueued } from "../../types/api" */
/** @import { ListedRun, Run } from "../../types/pages" */

/** @param {string} id */
const named = (id) => `/runs/${encodeURIComponent(id)}`;

/** @returns {Promise<Health>} */
export const health = () => askJson("/health");
/** Runs by a query of `GET /runs`. @param {URLSearchParams} query @returns {Promise<{runs: ListedRun[], total: number}>} */
export const runs = (query) => askJson(`/runs?${query.toString()}&${TODAYS}`);
/** Groups of runs by a query of `GET /runs/grouped`. @param {URLSearchParams} query @returns {Promise<RunGroups>} */
export const groups = (query) => askJson(`/runs/grouped?${query.toString()}`);
/** How many runs are in each state. @param {URLSearchParams} query @returns {Promise<RunCounts>} */
export const counts = (query) => askJson(`/runs/counts?${query.toString()}`);
/** The queued runs in the order in which workers take them, held ones too. @returns {Promise<Queue>} */
export const queue = () => askJson("/queue?held=true");
/** Fields that begin so, for completion, and the values of one. @param {{prefix?: string, field?: string, limit?: string}} asked @returns {Promise<FilterFields>} */
export const fields = (asked) => askJson(`/fields?${new URLSearchParams(asked).toString()}`);
/** @param {string} id @returns {Promise<Run>} */
export const run = (id) => askJson(`${named(id)}?${TODAYS}`);
/** @param {object} config @param {boolean} dryPass @returns {Promise<Check>} */
export const check = (config, dryPass) => askJson(`/checks?dry_pass=${dryPass}`, { method: "POST", body: config });
/** @param {string} id @param {number} epoch @param {object} config @param {boolean} dryPass @returns {Promise<Check>} */
export const checkFork = (id, epoch, config, dryPass) =>
  askJson(`${named(id)}/fork/check?epoch=${epoch}&dry_pass=${dryPass}`, { method: "POST", body: config });
/** @param {string} id @returns {Promise<Check>} */
export const checkOf = (id) => askJson(`/checks/${encodeURIComponent(id)}`);
/** @param {object} config @returns {Promise<Run>} */
export const launch = (config) => askJson("/runs", { method: "POST", body: config });
/** The study of a name; null: there is none. @param {string} name @returns {Promise<Study | null>} */
export const study = async (name) =>
  /** @type {{studies: Study[]}} */ (await askJson("/studies")).studies.find((each) => each.name === name) ?? null;
/** @param {object} sweep @returns {Promise<SweepPreview>} */
export const previewSweep = (sweep) => askJson("/sweeps/preview", { method: "POST", body: sweep });
/** @param {object} sweep @returns {Promise<SweepQueued>} */
export const queueSweep = (sweep) => askJson("/sweeps", { method: "POST", body: sweep });
/** The runs of a tag, archived ones too, the newest first. @param {string} tag @returns {Promise<{runs: Run[]}>} */
export const tagged = (tag) => askJson(`/runs?${new URLSearchParams({ tag, archived: "any", limit: "100" }).toString()}&${TODAYS}`);
/** @param {string[]} ids of at most 200 runs. @param {string[]} controls @returns {Promise<ControlsQueued>} */
export const launchControls = (ids, controls) => askJson("/controls", { method: "POST", body: { ids, controls } });
/** @param {string} id @param {object} changes @returns {Promise<Run>} */
export const describe = (id, changes) => askJson(named(id), { method: "PATCH", body: changes });
/** @param {string} id */
export const remove = (id) => askJson(named(id), { method: "DELETE" });
/** @param {string} id @returns {Promise<Run>} */
export const stop = (id) => askJson(`${named(id)}/stop`, { method: "POST" });
/** @param {string} id @returns {Promise<Run>} */
export const resume = (id) => askJson(`${named(id)}/resume`, { method: "POST" });
/** @param {string} id @param {number} epoch @param {object} config @returns {Promise<Run>} */
export const fork = (id, epoch, config) => askJson(`${named(id)}/fork?epoch=${epoch}`, { method: "POST", body: config });
/** One thing done to many runs. @param {object} body @param {boolean} [keepalive] though the page is left. @returns {Promise<ActionsDone>} */
export const act = (body, keepalive = false) => askJson("/runs/actions", { method: "POST", body, keepalive });
