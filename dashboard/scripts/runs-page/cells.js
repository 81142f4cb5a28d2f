// How the table of runs shows and sorts a run: its columns' values, and React cells for them.

import { accuracyOf } from "../run-data/accuracy.js";
import { queuedWords } from "../run-data/queue.js";
import { settings, settingWords } from "../run-data/settings.js";
import * as timing from "../run-data/timing.js";
import * as format from "../ui/format.js";
import { at } from "../ui/routes.js";
import { go } from "../ui/shell.js";
import { act } from "./actions.js";
import { GROUP_CELLS, GroupTick } from "./group-cells.js";
import { icon, ORDER, WORDS } from "./states.js";
import * as tableKeys from "./table-keys.js";
import * as ticks from "./ticks.js";

/** @import { Run } from "../../types/pages" */

/** @type {(...args: any[]) => any} */
const h = (...args) => window.React.createElement(...args);
const ACTIVE = new Set(["queued", "running"]);
// ---------------------------------------------------------------- a run in numbers and words

/** @param {number} fraction @param {number} digits */
const percent = (fraction, digits) => `${(fraction * 100).toFixed(digits)} %`;

/** @param {Run} run */
function progressWords(run) {
  const { estimate, duration } = format;
  if (run.state === "queued") return queuedWords(run.queue, run.held);
  // A run that watches no network has no epochs to count.
  const count = run.epochs_planned === null && !run.epochs_done ? duration(timing.elapsed(run)) : timing.doneWords(run);
  const left = timing.left(run);
  if (run.source === "launched" && run.state === "running" && run.epochs_done === 0 && !run.progress) return "starting";
  return left === null || run.stop_requested ? count : `${count} · ${estimate(left)} left`;
}

const MOST_SETTINGS = 4;
const TAIL = 22; // signs of a name that are always seen

/** What tells a run from others: of a launched one what is trained on what, of an external one its first settings. @param {Run} run */
function setupOf(run) {
  if (run.source === "launched") {
    return ["optimizer", "model", "data"].map((part) => /** @type {Record<string, any>} */ (run.config)?.[part]?.kind ?? "");
  }
  const told = settings(run.config).filter(([, value]) => value !== null && typeof value !== "object");
  return told.slice(0, MOST_SETTINGS).map(([path, value]) => `${path.split(".").at(-1)} ${settingWords(value)}`);
}

/** @param {string} column @param {Run | undefined} run */
function columnValue(column, run) {
  if (!run || "grouped" in run) return null;
  switch (column) {
    case "state":
      return ORDER.indexOf(run.state);
    case "name":
      return run.name.toLowerCase();
    case "progress":
      return timing.fraction(run);
    case "frozen":
      return run.frozen_fraction;
    case "accuracy":
      return accuracyOf(run);
    case "setup":
      return setupOf(run).join(" ");
    case "age":
      return Date.parse(run.created_at);
    default:
      return null;
  }
}

// ---------------------------------------------------------------- cells

/** @param {{data: Run}} row */
function TickCell({ data: run }) {
  const onChange = (/** @type {{nativeEvent: MouseEvent}} */ { nativeEvent }) => ticks.toggle(run, nativeEvent.shiftKey);
  const attributes = { type: "checkbox", tabIndex: -1, checked: ticks.has(run.id), "aria-label": `Select ${run.name}`, onChange };
  if (ticks.isLeaving(run.id)) return null;
  return h("label", { className: "runs-tick" }, h("input", attributes));
}

/** @param {{data: Run}} row */
function StateCell({ data: run }) {
  const stopping = run.stop_requested && run.state === "running";
  if (ticks.isLeaving(run.id)) return h("span", { className: "runs-state runs-leaving" }, icon("remove"), "Deleting");
  const words = stopping ? "Stopping" : WORDS[run.state] || run.state;
  return h("span", { className: "runs-state", "data-state": run.state }, icon(run.state), words);
}

/** @param {{data: Run}} row */
function NameCell({ data: run }) {
  const follow = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(run.url);
  };
  const opens = { href: at(run.url), onClick: follow, title: run.name, className: "runs-name", tabIndex: -1 };
  const [head, tail] = format.parted(run.name, TAIL);
  const parts = [
    h("span", { key: "head", className: "runs-name-head" }, head),
    tail && h("span", { key: "tail", className: "runs-name-tail" }, tail),
  ];
  const link = h("a", { ...opens, "aria-label": tail ? run.name : undefined }, tail ? parts : run.name);
  const external = run.source === "external" ? [h("span", { key: "external mark", className: "external-mark" }, "external")] : [];
  const tags = [...external, ...(run.tags || []).map((tag) => h("span", { key: tag, className: "runs-tag" }, tag))];
  return h("div", { className: "runs-cell" }, link, tags.length ? h("div", { className: "runs-tags" }, tags) : null);
}

/** @param {{data: Run}} row */
function ProgressCell({ data: run }) {
  const part = timing.fraction(run);
  const fraction = Math.round((part ?? 0) * 1000) / 10;
  const bar =
    part !== null &&
    h(
      "div",
      {
        className: "runs-bar",
        "data-state": run.state,
        role: "progressbar",
        "aria-valuenow": fraction,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-label": "Progress",
      },
      h("div", { style: { width: `${fraction}%` } }),
    );
  const failed = run.state === "failed" && run.reason;
  const words = failed ? run.reason : progressWords(run);
  return h(
    "div",
    { className: "runs-cell" },
    bar || null,
    h("span", { className: `runs-words numeric${failed ? " runs-reason" : ""}`, title: words }, words),
  );
}

/** @param {number[]} trail */
function sparkline(trail) {
  const width = 84;
  const height = 26;
  const x = (/** @type {number} */ index) => (trail.length < 2 ? width : (index / (trail.length - 1)) * width);
  const y = (/** @type {number} */ fraction) => height - 1 - fraction * (height - 2);
  const points = trail.map((fraction, index) => `${x(index).toFixed(1)},${y(fraction).toFixed(1)}`);
  const area = `M0,${height} L${points.join(" L")} L${width},${height} Z`;
  return h(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, className: "runs-sparkline", "aria-hidden": true },
    h("path", { d: area, className: "runs-sparkline-area" }),
    h("polyline", { points: points.join(" "), className: "runs-sparkline-line" }),
  );
}

/** @param {{data: Run}} row */
function FrozenCell({ data: run }) {
  if (run.frozen_fraction === null || run.frozen_fraction === undefined) return h("span", { className: "muted" }, "–");
  const words = h("span", { className: "numeric runs-fraction" }, percent(run.frozen_fraction, 1));
  return h(
    "span",
    { className: "runs-frozen", title: "Fraction of neurons frozen, per epoch" },
    sparkline(run.frozen_sparkline || []),
    words,
  );
}

/**
 * What a script logged as its accuracy: as a percentage only where it can be a fraction.
 * @param {NonNullable<Run["logged_accuracy"]>} logged
 */
function loggedAccuracy({ name, last, max }) {
  const words = (/** @type {number} */ value, /** @type {number} */ digits) =>
    max !== null && max <= 1 && value >= 0 ? percent(value, digits) : format.number(value);
  if (last === null) return h("span", { className: "muted" }, "–");
  const title = `${name}, as the script logged it${max === null ? "" : `; highest: ${words(max, 2)}`}`;
  return h("span", { className: "numeric", title }, words(last, 1));
}

/** @param {{data: Run}} row */
function AccuracyCell({ data: run }) {
  if (run.logged_accuracy && (run.test_accuracy ?? null) === null) return loggedAccuracy(run.logged_accuracy);
  if (run.test_accuracy === null || run.test_accuracy === undefined) return h("span", { className: "muted" }, "–");
  const best = run.best_test_accuracy;
  const title = best === null || best === undefined ? undefined : `Best so far: ${percent(best, 2)}`;
  return h("span", { className: "numeric", title }, percent(run.test_accuracy, 1));
}

/** @param {{data: Run}} row */
function SetupCell({ data: run }) {
  if (run.source === "external") return h(ToldCell, { run });
  const [optimizer, model, data] = setupOf(run);
  return h(
    "div",
    { className: "runs-cell", title: `${optimizer}, ${model} on ${data}` },
    h("span", { className: "runs-line" }, `${optimizer} · ${model}`),
    h("span", { className: "runs-words" }, data),
  );
}

/** @param {{run: Run}} of an external run's first settings. */
function ToldCell({ run }) {
  const told = setupOf(run);
  return h(
    "div",
    { className: "runs-cell", title: told.join(", ") },
    h("span", { className: "runs-line" }, told.slice(0, 2).join(" · ") || "–"),
    told.length > 2 ? h("span", { className: "runs-words" }, told.slice(2).join(" · ")) : null,
  );
}

/** @param {number} seconds */
function age(seconds) {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** @param {{data: Run}} row */
function AgeCell({ data: run }) {
  const seconds = Math.max(0, (Date.now() - Date.parse(run.created_at)) / 1000);
  const words = seconds < 10 ? "just now" : `${age(seconds)} ago`;
  return h("time", { className: "numeric", dateTime: run.created_at, title: format.moment(run.created_at) }, words);
}

/** @param {string} name @param {string} words @param {Run} run @param {boolean} disabled @param {string} [why] */
function action(name, words, run, disabled, why) {
  const click = (/** @type {MouseEvent} */ event) => {
    event.stopPropagation();
    act(name, run);
  };
  return h(
    "button",
    {
      key: name,
      type: "button",
      tabIndex: -1,
      className: "runs-icon-button",
      disabled,
      title: disabled ? why : words,
      "aria-label": `${words}: ${run.name}`,
      onClick: click,
    },
    icon(name),
  );
}

/** @param {{data: Run}} row */
function ActionsCell({ data: run }) {
  const active = ACTIVE.has(run.state);
  const external = run.source === "external";
  return h(
    "div",
    { className: "runs-actions" },
    action(
      "stop",
      external ? "Ask the script to stop" : "Stop",
      run,
      !active || run.stop_requested,
      active ? "Already stopping" : "Already ended",
    ),
    action("again", "Clone run", run, external, "Recorded by a script: nothing to clone"),
    action("edit", "Edit name, tags and notes", run, false),
    action("remove", "Delete", run, run.state === "running", "Stop it first"),
  );
}

/** What the columns' definitions in dashboard/pages/runs.py call, by these names. */
export const FUNCTIONS = {
  neqRunValue: columnValue,
  neqTabFromHeader: tableKeys.fromHeader,
  neqTabFromCell: tableKeys.fromCell,
};

/** A cell of a row that may not be loaded yet, or be a group's when the table has just changed. @param {(row: {data: Run}) => unknown} Cell */
const whenLoaded =
  (Cell) =>
  (/** @type {{data?: any}} */ { data }) => {
    if (!data) return h("span", { className: "runs-unloaded" });
    return "grouped" in data ? null : Cell({ data });
  };

/** @param {{data?: any}} row */
const Tick = ({ data }) => (data?.grouped ? h(GroupTick, { group: data.grouped }) : whenLoaded(TickCell)({ data }));

/** The React cells that they name. */
export const CELLS = {
  ...GROUP_CELLS,
  NeqRunTick: Tick,
  NeqRunState: whenLoaded(StateCell),
  NeqRunName: whenLoaded(NameCell),
  NeqRunProgress: whenLoaded(ProgressCell),
  NeqRunFrozen: whenLoaded(FrozenCell),
  NeqRunAccuracy: whenLoaded(AccuracyCell),
  NeqRunSetup: whenLoaded(SetupCell),
  NeqRunAge: whenLoaded(AgeCell),
  NeqRunActions: whenLoaded(ActionsCell),
};
