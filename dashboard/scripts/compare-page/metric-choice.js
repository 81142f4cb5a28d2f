/*
 * Which metrics are drawn: those that say most, or those that the reader ticks.
 */

import * as metricNames from "../run-data/metric-names.js";
import { open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import * as format from "../ui/format.js";

/** @import { ComparedMetric } from "../../types/api" */
/** @import { Scope } from "../ui/page-scope.js" */

const USUAL = 6;
export const MOST_CHARTS = 12;

/** How many runs have a metric. @param {ComparedMetric} metric */
const told = ({ last, least }) => last.filter((value, place) => value !== null || least[place] !== null).length;

/** The metrics to begin with: an epoch's own figures, then what most runs logged. @param {ComparedMetric[]} metrics */
export function usualMetrics(metrics) {
  const known = metrics.filter((metric) => told(metric) > 0);
  const own = metricNames.HEADLINES.filter((name) => known.some((metric) => metric.name === name));
  const rest = known.filter(({ name }) => !metricNames.HEADLINES.includes(name) && metricNames.title(name) === name);
  const common = rest.sort((a, b) => told(b) - told(a)).map(({ name }) => name);
  return [...own, ...common].slice(0, USUAL);
}

/**
 * Lets the reader tick metrics.
 * @param {Scope} scope @param {ComparedMetric[]} metrics @param {string[]} chosen
 * @param {(names: string[] | null) => void} done null: those that say most.
 */
export function chooseMetrics(scope, metrics, chosen, done) {
  const ticked = new Set(chosen);
  const counted = element("p.muted", { role: "status" });
  const boxes = metrics.map((metric) => {
    const box = element("input", { type: "checkbox", checked: ticked.has(metric.name) });
    box.addEventListener("change", () => {
      ticked[box.checked ? "add" : "delete"](metric.name);
      count();
    });
    const runs = element("span.muted", {}, ` ${format.counted(told(metric), "run")}`);
    return {
      box,
      line: element("label.metric-choice", { "data-name": metric.name.toLowerCase() }, box, metricNames.title(metric.name), runs),
    };
  });
  const count = () => {
    const full = ticked.size >= MOST_CHARTS;
    for (const { box } of boxes) box.disabled = full && !box.checked;
    counted.textContent = `${ticked.size} of at most ${MOST_CHARTS} charts${full ? ": untick one to tick another" : ""}.`;
  };
  const search = element("input", { type: "search", "aria-label": "Search metrics", placeholder: "Search metrics…" });
  search.addEventListener("input", () => {
    for (const { line } of boxes) line.hidden = !(line.dataset.name ?? "").includes(search.value.trim().toLowerCase());
  });
  const usual = element("button.button", { type: "button", onclick: () => finish(null) }, "Usual ones");
  const dialog = element(
    "dialog.question.text-question.metric-dialog",
    { "aria-labelledby": "metrics-title" },
    element("h2", { id: "metrics-title" }, "Metrics"),
    search,
    element("div.metric-choices", { tabindex: "0", role: "group", "aria-label": "Metrics" }, ...boxes.map(({ line }) => line)),
    counted,
    element(
      "div.question-buttons",
      {},
      usual,
      element("button.button.button-primary", { type: "button", onclick: () => finish([...ticked]) }, "Show"),
    ),
  );
  const finish = (/** @type {string[] | null} */ names) => {
    dialog.close();
    done(names?.length && names.join("\n") !== usualMetrics(metrics).join("\n") ? names : null);
  };
  count();
  open(scope, dialog);
}
