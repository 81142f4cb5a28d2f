/*
 * What makes many runs of one form: several picks where one is chosen from a list, the number of seeds, the group's name.
 */

import { element } from "../ui/dom.js";
import { runsOf, sweepOf } from "./sweep.js";
import { first } from "./values.js";

/** @import { Node, Values } from "./values.js" */

/**
 * @typedef {object} Study
 * @property {Record<string, any[]>} picks by the paths of inputs; where one has two or more, they count instead of the input.
 * @property {string} seeds
 * @property {string} group
 */

/** @typedef {{key: any, title: string}} Option */

const BOTH = [
  { key: true, title: "On" },
  { key: false, title: "Off" },
];
/** @returns {Study} */
const nothing = () => ({ picks: {}, seeds: "1", group: "" });

let study = nothing();
let kept = ""; // where it is kept in this tab
let changed = () => {};

/** @param {Node} part @returns {Option[]} that may be picked; none where a value is typed. */
function optionsOf(part) {
  if (part.is === "choice") return part.variants.map(({ key, title }) => ({ key, title }));
  if (part.widget === "switch") return BOTH;
  return part.widget === "options" ? Object.keys(part.options).map((key) => ({ key, title: key })) : [];
}

/** All parts of a plan, those of every variant included. @param {Node[]} plan @returns {Node[]} */
const all = (plan) => plan.flatMap((part) => [part, ...all(part.parts ?? []), ...(part.variants ?? []).flatMap(({ parts }) => all(parts))]);

/** @param {string} name */
const input = (name) => /** @type {HTMLInputElement | null} */ (document.getElementById(name));

function keep() {
  try {
    if (JSON.stringify(study) === JSON.stringify(nothing())) sessionStorage.removeItem(kept);
    else sessionStorage.setItem(kept, JSON.stringify(study));
  } catch {
    // Storage is full or forbidden: only a reload would lose it.
  }
}

/** @returns {Study} */
function restored() {
  try {
    return { ...nothing(), ...JSON.parse(sessionStorage.getItem(kept) ?? "{}") };
  } catch {
    return nothing();
  }
}

/**
 * The boxes of one input. @param {Node} part @param {HTMLElement} place @param {any[]} picked those that are ticked.
 */
function boxesOf(part, place, picked) {
  const options = optionsOf(part);
  const boxes = options.map(({ key }) => element("input", { type: "checkbox", checked: picked.includes(key) }));
  const many = () => {
    const keys = options.filter((_, at) => boxes[at].checked).map(({ key }) => key);
    if (keys.length) study.picks[part.path] = keys;
    else delete study.picks[part.path];
    place.toggleAttribute("data-many", keys.length > 1);
    changed();
  };
  for (const box of boxes) box.addEventListener("change", many);
  const labels = options.map(({ title }, at) => element("label", {}, boxes[at], title));
  return element("fieldset.form-picks", {}, element("legend", {}, `Values of ${part.title}`), ...labels);
}

/**
 * The fold below one input; its boxes are made once it is opened, for there may be a hundred of them.
 * @param {Node} part @param {HTMLElement} place @param {() => Values} held
 */
function drawPicks(part, place, held) {
  const fold = element("details", { open: place.hasAttribute("data-many") }, element("summary", {}, "Several"));
  const fill = () => {
    if (!fold.open || fold.querySelector("fieldset")) return;
    fold.append(boxesOf(part, place, study.picks[part.path] ?? [first(held()[part.path])]));
  };
  fold.addEventListener("toggle", fill);
  fill();
  place.replaceChildren(fold);
}

/** Draws what can be picked, as it is kept. @param {Node[]} plan @param {() => Values} held what the inputs hold. */
function draw(plan, held) {
  for (const part of all(plan)) {
    const place = document.getElementById(JSON.stringify({ form: "several", path: part.path }));
    if (!place || optionsOf(part).length < 2) continue;
    place.toggleAttribute("data-many", (study.picks[part.path] ?? []).length > 1);
    drawPicks(part, place, held);
  }
  for (const name of /** @type {const} */ (["seeds", "group"])) {
    const field = input(`form-${name}`);
    if (!field) continue;
    field.value = study[name];
    field.oninput = () => {
      study[name] = field.value;
      changed();
    };
  }
}

/**
 * A form is there: what was kept of it is drawn.
 * @param {{plan: Node[], draft: string}} form @param {() => Values} held what its inputs hold. @param {() => void} whenChanged
 */
export function begin({ plan, draft }, held, whenChanged) {
  kept = `${draft}:study`;
  study = restored();
  changed = () => {
    keep();
    whenChanged();
  };
  draw(plan, held);
}

/** One run again, or another study. @param {{plan: Node[]}} form @param {() => Values} held @param {Study} [next] */
export function put({ plan }, held, next = nothing()) {
  study = next;
  keep();
  draw(plan, held);
}

/** @returns {Study} a copy of what is asked for. */
export const current = () => structuredClone(study);

/** What it said was launched. */
export function forget() {
  study = nothing();
  keep();
}

/** The inputs' values, with several where several are picked. @param {Values} held @returns {Values} */
export function merged(held) {
  const many = Object.entries(study.picks).filter(([, keys]) => keys.length > 1);
  return { ...held, ...Object.fromEntries(many) };
}

/** How many seeds; NaN where that is no number. */
export const seeds = () => (/^\s*\d+\s*$/.test(study.seeds) && Number(study.seeds) >= 1 ? Number(study.seeds) : Number.NaN);

/**
 * The sweep that the form describes; null where it is one run of no group.
 * @param {Node[]} plan @param {Values} values as `merged` gives them.
 */
export function sweep(plan, values) {
  const { base, grid } = sweepOf(plan, values);
  const group = study.group.trim();
  const number = seeds();
  if (!group && number === 1 && !Object.keys(grid).length) return null;
  const body = { base, grid, seeds: Number.isNaN(number) ? study.seeds : number, ...(group ? { group } : {}) };
  return { body, runs: runsOf(grid, Number.isNaN(number) ? 1 : number) };
}
