/*
 * What the server says about a configuration, put where the reader looks: at the input, or on top of the form.
 */

import { ApiError, Refused, Unreachable } from "../api/client.js";
import { settingWords } from "../run-data/settings.js";
import { setProps } from "../ui/dash.js";
import { element } from "../ui/dom.js";
import { count } from "../ui/format.js";
import { inForce, placeOf } from "./values.js";

/** @import { Node, Values } from "./values.js" */
/** @typedef {{field: string, message: string}} Finding */
/** @typedef {{form: string, path: string}} InputId Dash's id of an input. */

/** @type {Map<InputId, string>} an input with a message, and what it held then. */
let marked = new Map();

/** @param {Node} part @returns {InputId} */
const idOf = (part) => ({ form: part.widget === "switch" ? "checked" : "value", path: part.path });
/** @param {Node} part */
const elementOf = (part) => document.getElementById(JSON.stringify(idOf(part)));
const alertBox = () => /** @type {HTMLElement} */ (document.getElementById("form-alert"));

/** A form that is there anew has no messages. */
export const begin = () => {
  marked = new Map();
};

/** @param {string} message */
export const sentence = (message) => message.charAt(0).toUpperCase() + message.slice(1);

/** Takes away the messages at inputs that hold something else by now. @param {Values} values */
export function unmarkChanged(values) {
  for (const [id, was] of marked) {
    if (JSON.stringify(values[id.path]) === was) continue;
    setProps(id, { error: null });
    marked.delete(id);
  }
}

export function unmarkAll() {
  for (const id of marked.keys()) setProps(id, { error: null });
  marked = new Map();
  sayOnTop([]);
}

/** @param {string[]} messages */
function sayOnTop(messages) {
  const alert = alertBox();
  alert.replaceChildren(...messages.map((message) => element("p", {}, message)));
  alert.hidden = messages.length === 0;
  if (messages.length) alert.scrollIntoView({ block: "center", behavior: "smooth" });
}

/** The message as it stands at an input; of a list, with the entry that it is about. @param {Finding} error @param {Node} part */
function wording(error, part) {
  const entry = error.field.slice(part.field.length + 1);
  const nth = part.is === "field" && /^\d+$/.test(entry) ? `Entry ${Number(entry) + 1}: ` : "";
  return nth + sentence(error.message);
}

/** What is said of some runs of a sweep, and of which. @param {{message: string, runs: number, cells: Record<string, unknown>[]}} finding @param {number} all runs. */
export function ofCells({ message, runs, cells }, all) {
  if (!cells.length || runs === all) return message;
  const named = Object.entries(cells[0]).map(([path, value]) => `${path.split(".").at(-1)} ${settingWords(value)}`);
  return `${message} (${count(runs)} of ${count(all)} runs, such as ${named.join(", ")})`;
}

/** The findings by the input they belong to, and those that belong to none. @param {Finding[]} findings @param {Node[]} plan @param {Values} values */
function sorted(findings, plan, values) {
  /** @type {Map<Node, string[]>} */
  const byPart = new Map();
  /** @type {Finding[]} */
  const whole = [];
  for (const finding of findings) {
    const part = finding.field ? placeOf(finding.field, plan, values) : undefined;
    if (part) byPart.set(part, [...(byPart.get(part) || []), wording(finding, part)]);
    else whole.push(finding);
  }
  return { byPart, whole };
}

/** @param {Map<Node, string[]>} byPart @param {Values} values */
function mark(byPart, values) {
  for (const [part, messages] of byPart) {
    marked.set(idOf(part), JSON.stringify(values[part.path]));
    setProps(idOf(part), { error: [...new Set(messages)].join(". ") });
  }
}

/** Marks these errors and leads the reader to the first. @param {Finding[]} errors @param {Node[]} plan @param {Values} values */
export function markErrors(errors, plan, values) {
  const { byPart, whole } = sorted(errors, plan, values);
  mark(byPart, values);
  sayOnTop(whole.map(({ field, message }) => (field ? `${field}: ${message}` : sentence(message))));
  const first = inForce(plan, values).find((part) => byPart.has(part));
  if (first) bringToReader(elementOf(first));
}

/** Marks exactly these errors, and leaves focus and scroll where they are. @param {Finding[]} errors @param {Node[]} plan @param {Values} values */
export function markQuietly(errors, plan, values) {
  const { byPart } = sorted(errors, plan, values);
  const keys = new Set([...byPart.keys()].map((part) => JSON.stringify(idOf(part))));
  for (const id of [...marked.keys()]) {
    marked.delete(id);
    if (!keys.has(JSON.stringify(id))) setProps(id, { error: null });
  }
  mark(byPart, values);
}

/** Says these warnings, and no others, below their inputs. @param {Finding[]} warnings @param {Node[]} plan @param {Values} values */
export function warn(warnings, plan, values) {
  /** @type {Map<string, string[]>} */
  const byPath = new Map();
  for (const warning of warnings) {
    const part = warning.field ? placeOf(warning.field, plan, values) : undefined;
    if (part) byPath.set(part.path, [...(byPath.get(part.path) || []), sentence(warning.message)]);
  }
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#run-form .form-warning"))) {
    const messages = byPath.get(JSON.parse(place.id).path) || [];
    place.textContent = messages.join(". ");
    place.hidden = messages.length === 0;
  }
}

/** Leads the reader to the input of a field. @param {string} field @param {Node[]} plan @param {Values} values */
export function goTo(field, plan, values) {
  const part = placeOf(field, plan, values);
  if (part) bringToReader(elementOf(part));
}

/** @param {HTMLElement | null} input */
function bringToReader(input) {
  if (!input) return;
  const folded = input.closest("details");
  if (folded) folded.open = true;
  input.scrollIntoView({ block: "center" });
  input.focus({ preventScroll: true });
}

/** Asks once whether to launch in spite of what is doubtful. @param {HTMLElement[]} items lines of a list. @param {() => void} accept */
export function askFirst(items, accept) {
  const alert = alertBox();
  const launch = () => {
    accept();
    document.getElementById("form-launch")?.click();
  };
  const anyway = element("button.button", { type: "button", onclick: launch }, "Launch anyway");
  alert.replaceChildren(element("p", {}, "Before you launch:"), element("ul.form-check-list", {}, ...items), anyway);
  alert.classList.add("form-doubt");
  alert.hidden = false;
  alert.scrollIntoView({ block: "center" });
  anyway.focus({ preventScroll: true });
}

/** Says what was done to the form, with a button that undoes it. @param {string} words @param {() => void} undo */
export function tell(words, undo) {
  const alert = alertBox();
  const back = () => {
    sayOnTop([]);
    alert.classList.remove("form-note");
    undo();
  };
  alert.replaceChildren(element("span", {}, words), element("button.link-button", { type: "button", onclick: back }, "Undo"));
  alert.classList.add("form-note");
  alert.hidden = false;
}

/** A run was asked for, and no answer tells whether there is one now. */
class Doubt extends Error {}

/** Throws what went wrong after a run was asked for: unless the server itself refused it, it may be there. @param {unknown} problem @returns {never} */
export function doubt(problem) {
  const refused = problem instanceof Refused && problem.detail !== undefined;
  throw problem instanceof ApiError && !refused ? new Doubt(problem.message) : problem;
}

/** The fields that the server refused, if that is what went wrong. @param {unknown} problem @returns {Finding[] | null} */
const refusedFields = (problem) =>
  problem instanceof Refused && problem.status === 422 && Array.isArray(problem.detail) ? problem.detail : null;

/** What kept a launch from happening, in words. @param {unknown} problem */
export function problemWords(problem) {
  const fields = refusedFields(problem);
  const message = fields ? fields.map(({ field, message }) => `${field}: ${message}`).join(". ") : /** @type {Error} */ (problem).message;
  if (problem instanceof Doubt)
    return `${message} It is not known whether the run was launched: look at the table of runs before you launch it again. Your entries are kept.`;
  if (problem instanceof Unreachable) return `${message} Nothing was launched. Your entries are kept; try again when it is back.`;
  return `The run was not launched. ${message}`;
}

/** What kept a launch from happening. @param {unknown} problem @param {Node[]} plan @param {Values} values */
export function showProblem(problem, plan, values) {
  const fields = refusedFields(problem);
  if (fields) markErrors(fields, plan, values);
  else sayOnTop([problemWords(problem)]);
}
