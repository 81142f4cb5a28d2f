/*
 * What is known of many runs before they are launched: at once what the server knows and what they will take, then what
 * dry passes told. Runs that cost alike need but one of these.
 */

import * as api from "../api/runs.js";
import * as format from "../ui/format.js";
import { ofCells } from "./messages.js";

/** @import { Check, Estimate, SweepExample, SweepPreview } from "../../types/api" */
/** @import { Answer } from "./checks.js" */

/** @typedef {{example: SweepExample, check: Check}} Tried */

/** Without a dry pass. @param {object} body @returns {Promise<Answer>} */
export async function preview(body) {
  const told = await api.previewSweep(body);
  const about = (/** @type {SweepPreview["errors"][number] | SweepPreview["warnings"][number]} */ each) => ({
    ...each,
    message: ofCells(each, told.runs),
  });
  return { ...told, state: told.errors.length ? "refused" : "sweep", errors: told.errors.map(about), warnings: told.warnings.map(about) };
}

/** Asks for the dry passes of a preview, or where they stand. @param {Answer} seen @returns {Promise<Answer>} */
export async function tried(seen) {
  /** @type {Tried[]} */
  const before = seen.tried ?? seen.examples.map((/** @type {SweepExample} */ example) => ({ example, check: null }));
  const now = await Promise.all(before.map(async ({ example, check }) => ({ example, check: await next(example, check) })));
  return withTried(seen, now);
}

/** @param {SweepExample} example @param {Check | null} check */
async function next(example, check) {
  if (!check) return api.check(example.config, true);
  return check.state === "pending" && check.id ? api.checkOf(check.id) : check;
}

/** The preview with what the dry passes told; a failure is an error of the runs that cost alike. @param {Answer} seen @param {Tried[]} now @returns {Answer} */
export function withTried(seen, now) {
  const failed = now.filter(({ check }) => check.state === "failed");
  const errors = failed.flatMap(({ example, check }) =>
    check.errors.map((each) => ({ ...each, message: `${each.message} (${example.name}; ${alike(example)})` })),
  );
  const pending = now.some(({ check }) => check.state === "pending");
  return { ...seen, tried: now, errors, state: pending ? "sweep_pending" : errors.length ? "failed" : "sweep" };
}

/** @param {SweepExample} example */
const alike = ({ runs }) => (runs === 1 ? "no other run costs alike" : `${format.count(runs)} runs cost alike`);

/** What a sweep will take. @param {{runs: number, estimate: Estimate}} answer */
export function planned({ runs, estimate }) {
  const number = format.counted(runs, "run");
  if (estimate.seconds === null) return `${number}. How long they take is unknown: no run like these was trained here.`;
  const of = estimate.runs_unknown ? ` for ${format.count(estimate.runs_known)} of them, unknown for the others` : "";
  const without = estimate.with_starting ? "" : " without starting";
  const from = `as ${format.counted(estimate.read_from, "run")} like these took on ${estimate.devices.join(", ")}`;
  return `${number}: about ${format.estimate(estimate.seconds)}${without} and ${format.megabytes(estimate.bytes ?? 0)} of disk${of}, ${from}.`;
}

/** On the cards of studies, what each will take. @param {Record<string, {runs: number, estimate: Estimate}>} studies by name and scale. */
export function sayCosts(studies) {
  for (const [path, told] of Object.entries(studies)) {
    const place = document.getElementById(JSON.stringify({ form: "study-cost", path }));
    if (place) place.textContent = planned(told);
  }
}

/** What a sweep will take, and what was tried of it. @param {Answer} answer */
export const words = (answer) => [planned(/** @type {any} */ (answer)), triedWords(answer)].filter(Boolean).join(" ");

/** @param {Answer} answer */
function triedWords({ tried: all, kinds, state }) {
  if (!all?.length) return "";
  const one = kinds === 1;
  if (state === "sweep_pending") return `Checking: a worker is training one small batch of ${one ? "one of them" : "each kind of run"} …`;
  const passed = all.filter((/** @type {Tried} */ { check }) => check.state === "ok");
  if (!passed.length) return "Not fully checked: no dry pass was made.";
  const runs = passed.reduce((/** @type {number} */ sum, /** @type {Tried} */ { example }) => sum + example.runs, 0);
  const of = one ? "one small batch of one run, and all cost alike" : `one small batch of ${passed.length} of ${kinds} kinds of run`;
  return `Check passed for ${format.counted(runs, "run")}: ${of}.`;
}
