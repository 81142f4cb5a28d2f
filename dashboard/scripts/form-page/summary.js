/*
 * What will run: the choices, what differs from where the form began, and the workers that may take it.
 */

import { health } from "../api/runs.js";
import { element } from "../ui/dom.js";
import { counted } from "../ui/format.js";
import { whenThere } from "../ui/shell.js";
import { chosen, inForce, variantsOf } from "./values.js";

/** @import { Node, Values } from "./values.js" */

const LONGEST = 80;

/** @param {string} term @param {string} words @param {string} [before] what it was. */
function line(term, words, before) {
  const was = before === undefined ? null : element("span.muted", {}, ` instead of ${before}`);
  return element("div", {}, element("dt", {}, term), element("dd", {}, words, was));
}

/** @param {Node} part @param {any} value */
function shown(part, value) {
  if (part.widget === "switch")
    return chosen(value)
      .map((/** @type {unknown} */ each) => (each ? "on" : "off"))
      .join(", ");
  const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  if (text === "") return "none";
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return part.unit ? `${short} ${part.unit}` : short;
}

/** @param {string | null | undefined} base the run that the settings were taken from; without one, the defaults. @param {number} count */
function differences(base, count) {
  if (base) return count ? `Changed from ${base}` : `Same as ${base}`;
  return count ? "Changed from the defaults" : "Everything else: default";
}

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => JSON.stringify(a ?? "") === JSON.stringify(b ?? "");

/** Draws the summary. @param {{plan: Node[], defaults: Values, base?: string | null}} form @param {Values} values */
export function summarise({ plan, defaults, base }, values) {
  const target = document.getElementById("form-summary");
  if (!target) return;
  const parts = inForce(plan, values);
  const chosen = parts
    .filter((part) => part.is === "choice")
    .map((part) =>
      line(
        part.title,
        variantsOf(part, values)
          .map(({ title }) => title)
          .join(", ") || String(values[part.path]),
      ),
    );
  const changed = parts
    .filter((part) => part.is === "field" && !same(values[part.path], defaults[part.path]))
    .map((part) => line(part.title, shown(part, values[part.path]), shown(part, defaults[part.path])));
  target.replaceChildren(element("dl", {}, ...chosen), element("h3", {}, differences(base, changed.length)), element("dl", {}, ...changed));
}

/** Says who is there to train it. */
export async function sayWorkers() {
  const place = await whenThere("form-workers");
  try {
    const alive = (await health()).workers.filter((/** @type {{alive: boolean}} */ worker) => worker.alive);
    const devices = alive.map((/** @type {{device?: string}} */ worker) => worker.device).filter(Boolean);
    const words = [...new Set(devices)].join(", ");
    place.textContent = alive.length
      ? `${counted(alive.length, "worker")} online${words ? ` (${words})` : ""}.`
      : "No worker is running: the run will wait in the queue until one starts.";
    place.classList.toggle("form-workers-none", alive.length === 0);
    place.hidden = false;
  } catch {
    place.hidden = true; // not known
  }
}
