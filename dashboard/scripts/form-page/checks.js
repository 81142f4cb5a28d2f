/*
 * What is known of the run that the form describes, shown while it is typed: at once what the server knows, and a moment
 * later what came of a dry pass on a worker.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";
import * as messages from "./messages.js";
import * as sweepCheck from "./sweep-check.js";
import { placeOf } from "./values.js";

/** @import { Finding } from "./messages.js" */
/** @import { Node, Values } from "./values.js" */
/** @import { Scope } from "../ui/page-scope.js" */

/** @typedef {{plan: Node[], values: Values, config: object, fork?: {run: string, epoch: number} | null, sweep?: {body: object, runs: number} | null}} Now the form's state. */
/** @typedef {{state: string, errors: Finding[], warnings: Finding[], [fact: string]: any}} Answer */

const TYPING_MS = 400;
const SETTLED_MS = 900;
const ASK_MS = 250;

let round = 0; // of the newest question; answers to older ones are dropped
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {{key: string, answer: Answer} | null} the newest answer, and the configuration that it is about. */
let last = null;
let accepted = ""; // the warnings that somebody wants to launch with
/** @type {() => Now | null} */
let current = () => null;

/** @param {Now} now */
const key = (now) => JSON.stringify([now.fork, now.config, now.sweep]);
/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {Now} now @param {boolean} dryPass @returns {Promise<Answer>} */
function ask(now, dryPass) {
  if (now.sweep) return sweepCheck.preview(now.sweep.body);
  return now.fork ? api.checkFork(now.fork.run, now.fork.epoch, now.config, dryPass) : api.check(now.config, dryPass);
}

/** An answer of the same shape for what the server refuses to read at all. @param {unknown} problem @returns {Answer} */
function refusal(problem) {
  if (!(problem instanceof Refused && problem.status === 422 && Array.isArray(problem.detail))) throw problem;
  return { state: "refused", errors: problem.detail, warnings: [] };
}

/** @param {number} mine */
async function look(mine) {
  const now = current();
  if (!now) return;
  try {
    const answer = await ask(now, false).catch(refusal);
    if (mine !== round) return;
    show(now, answer);
    if (!["not_asked", "sweep"].includes(answer.state)) return;
    await pause(SETTLED_MS);
    if (mine === round) await (now.sweep ? sweepPasses(now, answer, mine) : dryPass(now, mine));
  } catch {
    if (mine === round) say("", ""); // the server cannot be reached; launching says so
  }
}

/** @param {Now} now @param {number} mine */
async function dryPass(now, mine) {
  let answer = await ask(now, true).catch(refusal);
  while (mine === round && answer.state === "pending") {
    show(now, answer);
    await pause(ASK_MS);
    if (mine === round) answer = { ...(await api.checkOf(answer.id)), warnings: answer.warnings };
  }
  if (mine === round) show(now, answer);
}

/** @param {Now} now @param {Answer} seen the preview. @param {number} mine */
async function sweepPasses(now, seen, mine) {
  let answer = await sweepCheck.tried(seen);
  while (mine === round && answer.state === "sweep_pending") {
    show(now, answer);
    await pause(ASK_MS);
    if (mine === round) answer = await sweepCheck.tried(answer);
  }
  if (mine === round) show(now, answer);
}

/** The form says something else: it is checked anew as soon as the typing pauses. */
export function changed() {
  clearTimeout(timer);
  round += 1;
  const mine = round;
  timer = setTimeout(() => look(mine), TYPING_MS);
}

/** Checks a form that is there anew, until it is left. @param {Scope} scope @param {() => Now | null} now what it says, whenever that is asked. */
export function begin(scope, now) {
  current = now;
  scope.finally(() => {
    clearTimeout(timer);
    round += 1;
    current = () => null;
  });
  last = null;
  accepted = "";
  changed();
}

// ---------------------------------------------------------------- showing

/** @param {number} value */
const seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
/** @param {number} bytes */
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

/** @param {Answer} answer */
function passed(answer) {
  const facts = [];
  if (answer.neurons) facts.push(`${format.counted(answer.neurons, "neuron")} watched`);
  if (answer.parameters) facts.push(format.counted(answer.parameters, "parameter"));
  if (answer.peak_memory_bytes) facts.push(`${gigabytes(answer.peak_memory_bytes)} of memory with 4 images`);
  if (answer.neq_memory_bytes) facts.push(`at most ${format.megabytes(answer.neq_memory_bytes)} for NEq`);
  const where = answer.worker ? ` on ${answer.worker}` : "";
  return `Check passed: one small batch was trained${where} in ${seconds(answer.seconds)}. ${facts.join(", ")}.`;
}

/** @param {Answer} answer */
function words(answer) {
  switch (answer.state) {
    case "pending":
      return "Checking: a worker is training one small batch …";
    case "ok":
      return passed(answer);
    case "failed":
      return "The check failed, and the run would fail too:";
    case "refused":
      return "The run cannot be launched with these settings:";
    case "sweep":
    case "sweep_pending":
      return sweepCheck.words(answer);
    case "unknown":
      return `Not fully checked: ${answer.reason}`;
    default:
      return "";
  }
}

/** @param {Now} now @param {Answer} answer */
function show(now, answer) {
  last = { key: key(now), answer };
  messages.markQuietly(answer.errors, now.plan, now.values);
  messages.warn(answer.warnings, now.plan, now.values);
  const placed = answer.placement ? `${answer.placement.text}.` : "";
  say([words(answer), placed].filter(Boolean).join(" "), answer.state);
  const list = document.getElementById("form-check-list");
  if (list)
    list.replaceChildren(...answer.errors.map((each) => item(each, "error")), ...answer.warnings.map((each) => item(each, "warning")));
}

/** @param {string} text @param {string} state */
function say(text, state) {
  const place = document.getElementById("form-check");
  if (!place) return;
  if (place.textContent !== text) place.textContent = text; // read out once
  place.dataset.state = state;
  place.hidden = !text;
  if (!text) document.getElementById("form-check-list")?.replaceChildren();
}

/** A line of the list: where the field is shown, a button that leads there. @param {Finding} finding @param {"error" | "warning"} kind */
export function item(finding, kind) {
  const now = current();
  const title = finding.field && now ? placeOf(finding.field, now.plan, now.values)?.title : undefined;
  const lead = () => {
    const at = current();
    if (at) messages.goTo(finding.field, at.plan, at.values);
  };
  const line = element(`li.form-check-${kind}`);
  if (title) line.append(element("button.form-check-field", { type: "button", onclick: lead }, title), " ");
  if (!title || kind === "warning") line.append(messages.sentence(finding.message)); // an error stands at its field
  return line;
}

// ---------------------------------------------------------------- before a launch

/**
 * What keeps a launch back: `errors` of what the server knows, or `doubts`, findings that nobody has accepted yet. What a
 * dry pass said counts where it is there; nothing is waited for.
 * @param {Now} now @returns {Promise<{errors?: Finding[], doubts?: Finding[]}>}
 */
export async function before(now) {
  const seen = last && last.key === key(now) ? last.answer : await ask(now, false).catch(refusal);
  if (seen.state === "refused") return { errors: seen.errors };
  const doubts = [...seen.errors, ...seen.warnings];
  return doubts.length > 0 && accepted !== JSON.stringify(doubts) ? { doubts } : {};
}

/** Somebody wants to launch in spite of these. @param {Finding[]} doubts */
export const accept = (doubts) => {
  accepted = JSON.stringify(doubts);
};
