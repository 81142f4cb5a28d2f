/*
 * The launch form: keeps what is typed, swaps variants, checks, launches. What its inputs are, the plan says.
 */

import * as api from "../api/runs.js";
import { ofGroup, tableAddress } from "../run-data/filters.js";
import { callbackContext, noUpdate, setProps } from "../ui/dash.js";
import { counted } from "../ui/format.js";
import { Scope } from "../ui/page-scope.js";
import { go, notice, onLeave } from "../ui/shell.js";
import * as checks from "./checks.js";
import * as messages from "./messages.js";
import * as study from "./study.js";
import { sayWorkers, summarise } from "./summary.js";
import { sayCosts } from "./sweep-check.js";
import { chosen, stepped, toConfig } from "./values.js";

/** @import { Estimate } from "../../types/api" */
/** @import { Study } from "./study.js" */
/** @import { Node, Values } from "./values.js" */

/**
 * What dashboard/pages/new_run.py hands over.
 * @typedef {object} Form
 * @property {Node[]} plan
 * @property {Values} initial
 * @property {Values} defaults
 * @property {Record<string, Values>} presets
 * @property {Record<string, string>} titles of the presets.
 * @property {Record<string, Study & {values: Values, title: string, runs: number, estimate: Estimate}>} studies by name and scale.
 * @property {string} draft where what is typed is kept in this tab.
 * @property {string | null} [base] the run that the settings were taken from.
 * @property {{run: string, epoch: number} | null} [fork]
 */

/** @typedef {{id: {path: string}, value: any}} Entry one of the inputs that Dash hands to a callback with wildcard ids. */

/** @type {Form | null} */
let form = null;
/** @type {Values} by path, as last collected. */
let held = {};
let visit = new Scope(); // ends when the form is left
/** @type {Scope | null} the visit in which a launch is under way. */
let launching = null;
let pasted = 0;

// ---------------------------------------------------------------- keeping what is typed

/** @param {Form} form @returns {Values | null} */
function draft({ draft }) {
  try {
    return JSON.parse(window.sessionStorage.getItem(draft) ?? "null");
  } catch {
    return null; // unreadable, or forbidden
  }
}

/** @param {string} draft where it is kept. @param {Values | null} values null: it is kept no longer. */
function store(draft, values) {
  try {
    if (values) window.sessionStorage.setItem(draft, JSON.stringify(values));
    else window.sessionStorage.removeItem(draft);
  } catch {
    // Storage is full or forbidden: only a reload would lose what is typed.
  }
}

/** @param {Form} form @param {Values} values */
const keepDraft = ({ draft, initial }, values) => store(draft, JSON.stringify(values) === JSON.stringify(initial) ? null : values);

/** Dash tells of a keystroke a moment later; a reload in between would lose it. @param {Event} event */
function typed(event) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (!form || !input.closest("#run-form") || !input.id.startsWith('{"form":')) return;
  const { form: kind, path } = JSON.parse(input.id);
  if (kind === "checked") held = { ...held, [path]: input.checked };
  else if (input.getAttribute("aria-haspopup") === "listbox")
    return; // a search among options is no value yet
  else if (typeof held[path] === "string") held = { ...held, [path]: input.value };
  keepDraft(form, held);
}

/**
 * A description that is pasted is read by the server, by the schema. A space more or less lets the same text be read again
 * after a change of the form. @param {Event} event
 */
function usePasted(event) {
  if (/** @type {HTMLElement} */ (event.target).id !== "form-paste-use") return;
  pasted += 1;
  const { value } = /** @type {HTMLTextAreaElement} */ (document.getElementById("form-paste"));
  setProps("form-pasted", { data: value + " ".repeat(pasted % 2) });
}

/** Arrow keys on a number. @param {KeyboardEvent} event */
function arrowed(event) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const step = /** @type {HTMLElement | null | undefined} */ (input.dataset && input.closest("[data-step]"))?.dataset.step;
  if (!step || !input.id || !(event.key === "ArrowUp" || event.key === "ArrowDown")) return;
  const next = stepped(input.value, step, event.key === "ArrowUp");
  if (next === null || next === undefined) return;
  event.preventDefault();
  setProps(JSON.parse(input.id), { value: String(next).replace("e+", "e") });
}

/** Listens for what Dash does not tell, or tells late. */
export function start() {
  document.addEventListener("input", typed);
  document.addEventListener("click", usePasted);
  document.addEventListener("keydown", arrowed);
}

// ---------------------------------------------------------------- what is checked while it is typed

/** The inputs' values, with several where several are picked. */
const values = () => (form?.fork ? held : study.merged(held));

/** The form as the checks see it; null: it is not there. */
function now() {
  if (!form || !document.getElementById("run-form")) return null;
  return described(form, values());
}

/** @param {Form} form @param {Values} values */
function described({ plan, fork }, values) {
  const sweep = fork ? null : study.sweep(plan, values);
  return { plan, values, config: toConfig(plan, values), fork, sweep };
}

/** The form says something else. */
function retell() {
  if (!form) return;
  showVariants(form.plan, values());
  summarise(form, values());
  sayRuns(form);
  checks.changed();
}

/** How many runs the button launches. @param {Form} form */
function sayRuns({ plan, fork }) {
  const runs = (!fork && study.sweep(plan, values())?.runs) || 1;
  setProps("form-launch", { children: runs > 1 ? `Launch ${counted(runs, "run")}` : "Launch run" });
}

// ---------------------------------------------------------------- what Dash calls

/** @param {Entry[][]} lists @returns {Values} */
function valuesOf(lists) {
  /** @type {Values} */
  const values = {};
  for (const entry of lists.flat()) if (entry?.id?.path) values[entry.id.path] = entry.value;
  return values;
}

/** Shows the chosen variants' inputs, and hides the others'. @param {Node[]} plan @param {Values} values */
function showVariants(plan, values) {
  for (const part of plan) {
    if (part.is === "group") showVariants(part.parts, values);
    if (part.is !== "choice") continue;
    for (const variant of part.variants) {
      const id = { form: "variant", path: variant.path };
      const frame = document.getElementById(JSON.stringify(id));
      const hidden = !chosen(values[part.path]).includes(variant.key);
      if (frame && frame.hidden !== hidden) setProps(id, { hidden });
      frame?.toggleAttribute("data-several", chosen(values[part.path]).length > 1);
      showVariants(variant.parts, values);
    }
  }
}

/** The form is drawn: its draft, if there is one, fills it. @param {Form | null} drawn */
export function begin(drawn) {
  if (!drawn) return noUpdate();
  const scope = new Scope();
  visit.end();
  visit = scope;
  onLeave(() => scope.end());
  form = drawn;
  held = drawn.initial;
  messages.begin();
  if (!drawn.fork) study.begin(drawn, () => held, retell);
  showVariants(form.plan, values());
  summarise(form, values());
  sayRuns(form);
  sayCosts(form.studies);
  sayWorkers();
  checks.begin(scope, now);
  const kept = draft(form);
  return kept ? { ...drawn.initial, ...kept } : noUpdate();
}

/** The inputs, filled with these values. @param {Values | null} values */
export function fill(values) {
  return callbackContext().outputs_list.map((/** @type {{id: {path: string}}[]} */ outputs) =>
    outputs.map(({ id }) => (values && id.path in values ? values[id.path] : noUpdate())),
  );
}

/** An input changed. */
export function collect() {
  if (!form) return noUpdate();
  held = valuesOf(callbackContext().inputs_list);
  messages.unmarkChanged(held);
  keepDraft(form, held);
  retell();
  return noUpdate();
}

/** @param {Values} values @param {string} words what was done. @param {Study} [asked] beyond what the fields say. */
function refill(values, words, asked) {
  const before = { values: { ...held }, study: study.current() };
  const put = (/** @type {Study | undefined} */ next) => form && !form.fork && study.put(form, () => held, next);
  put(asked);
  messages.unmarkAll();
  messages.tell(words, () => {
    put(before.study);
    setProps("form-fill", { data: before.values });
  });
  return { ...values };
}

/** A preset was chosen. */
export function preset() {
  const { triggered, triggered_id: cause } = callbackContext();
  const clicked = triggered.some((/** @type {{value: unknown}} */ trigger) => trigger.value);
  if (!form || !clicked || !cause) return noUpdate();
  return refill(form.presets[cause.path], `Loaded the preset “${form.titles[cause.path]}”.`);
}

/** A study is to be launched: the form shows its runs first. */
export function fromStudy() {
  const { triggered, triggered_id: cause } = callbackContext();
  const clicked = triggered.some((/** @type {{value: unknown}} */ trigger) => trigger.value);
  if (!form || !clicked || !cause) return noUpdate();
  const { values, title, runs, picks, seeds, group } = form.studies[cause.path];
  const words = `Filled in ${counted(runs, "run")} of the study “${title}”. Change what you like, then launch them.`;
  const filled = refill(values, words, { picks: { ...picks }, seeds, group });
  document.getElementById("form-alert")?.scrollIntoView({ block: "start" });
  return filled;
}

/** The form is reset. @param {number | null} clicks */
export function restart(clicks) {
  return form && clicks ? refill(form.initial, "The form was reset.") : noUpdate();
}

/** The run is launched. @param {number | null} clicks @returns whether the button goes on waiting. */
export async function launch(clicks) {
  if (!form || !clicks || launching === visit) return noUpdate();
  const [scope, { plan }] = [visit, form];
  launching = scope;
  const typedValues = valuesOf(callbackContext().states_list);
  const values = form.fork ? typedValues : study.merged(typedValues);
  setProps("form-launch", { loading: true });
  document.getElementById("form-alert")?.classList.remove("form-note", "form-doubt");
  messages.unmarkAll();
  try {
    await send(scope, form, values);
  } catch (problem) {
    if (scope.ended) notice(messages.problemWords(problem), "bad");
    else messages.showProblem(problem, plan, values);
  } finally {
    if (launching === scope) launching = null;
  }
  return scope.ended ? noUpdate() : false; // the button may be another form's by now
}

/** Who has left the form meanwhile stays where they are, and is told. @param {Scope} scope @param {Form} form @param {Values} values */
async function send(scope, form, values) {
  const { plan, fork, draft } = form;
  const now = described(form, values);
  const { errors, doubts } = await checks.before(now);
  if ((errors || doubts) && scope.ended) throw new Error("The form was left before its errors and warnings could be shown.");
  if (errors) return messages.markErrors(errors, plan, values);
  if (doubts)
    return messages.askFirst(
      doubts.map((each) => checks.item(each, "warning")),
      () => checks.accept(doubts),
    );
  if (now.sweep) return sendSweep(scope, draft, now.sweep.body);
  const run = await (fork ? api.fork(fork.run, fork.epoch, now.config) : api.launch(now.config)).catch(messages.doubt);
  store(draft, null);
  if (scope.ended) return notice(`“${run.name}” was launched.`, "good");
  return go(run.url);
}

/** @param {Scope} scope @param {string} draft @param {object} body */
async function sendSweep(scope, draft, body) {
  const { group, runs } = await api.queueSweep(body).catch(messages.doubt);
  store(draft, null);
  study.forget();
  const words = `${counted(runs.length, "run")} of “${group}” ${runs.length === 1 ? "was" : "were"} launched.`;
  notice(words, "good");
  if (!scope.ended) go(tableAddress(ofGroup(group)));
}
