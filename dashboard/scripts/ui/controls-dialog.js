/*
 * Which controls of runs are to be launched, and what came of it in words.
 */

import { open } from "./dialog.js";
import { element, say } from "./dom.js";
import * as format from "./format.js";

/** @import { ControlsQueued } from "../../types/api" */
/** @import { Scope } from "./page-scope.js" */

const MOST_NAMED = 3;
/** @type {[control: string, title: string, words: string][]} */
const CONTROLS = [
  ["dense", "Dense", "nobody is frozen: what the same training reaches, and how long it takes"],
  ["random", "Random neurons", "as many in each layer as the rule would freeze, drawn anew in every epoch"],
  ["prefix", "Static prefix", "the first layers, holding about as many neurons, frozen before the first step"],
  ["replay", "Replayed masks", "the masks of the run without its signal"],
  ["shorter", "Dense, as long", "nobody is frozen, and it ends where it has trained for as long as the run"],
];

/**
 * Asks which controls are to be launched.
 * @param {Scope} scope
 * @param {{title: string, legend: string, tell?: (kinds: number) => string}} question `tell`: what so many of them come to.
 * @returns {Promise<string[] | null>} null: the reader cancelled.
 */
export const askControls = (scope, { title, legend, tell = () => "" }) =>
  new Promise((resolve) => {
    const boxes = CONTROLS.map(([control]) => element("input", { type: "checkbox", value: control, checked: true }));
    const rows = CONTROLS.map(([, name, words], at) =>
      element("label.controls-choice", {}, boxes[at], element("span", {}, element("strong", {}, name), `: ${words}.`)),
    );
    const chosen = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
    const send = element("button.button.button-primary", { value: "launch" }, "Launch");
    const count = element("p.controls-count", { role: "status" });
    const dialog = element(
      "dialog.question",
      { "aria-labelledby": "controls-title" },
      element("h2", { id: "controls-title" }, title),
      element("fieldset.controls-choices", {}, element("legend", {}, legend), ...rows),
      count,
      element("form.question-buttons", { method: "dialog" }, element("button.button", { value: "no" }, "Cancel"), send),
    );
    const draw = () => {
      send.disabled = !chosen().length;
      say(count, tell(chosen().length));
    };
    for (const box of boxes) box.addEventListener("change", draw);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "launch" ? chosen() : null));
    draw();
    open(scope, dialog);
  });

/** What came of it. @param {ControlsQueued} told @param {(id: string) => string} [nameOf] names runs, where there are several. */
export function controlsWords({ runs, left_out: left }, nameOf) {
  const title = (/** @type {string} */ control) => CONTROLS.find(([name]) => name === control)?.[1] ?? control;
  const done = runs.length ? [`${format.counted(runs.length, "control")} ${runs.length === 1 ? "was" : "were"} launched.`] : [];
  const named = nameOf ? left.slice(0, MOST_NAMED) : left;
  const words = named.map(({ run, control, message }) => `${nameOf ? `“${nameOf(run)}”, ` : ""}${title(control)}: ${message}`);
  const more = left.length - named.length;
  return [...done, ...words, ...(more ? [`And ${format.counted(more, "other")}.`] : [])].join(" ");
}
