// How the table shows groups of runs: React cells for their columns.

import * as format from "../ui/format.js";
import { at } from "../ui/routes.js";
import { fieldWords } from "./columns.js";
import * as groups from "./groups.js";
import * as rows from "./rows.js";
import { icon, ORDER, WORDS } from "./states.js";

/** @import { RunGroup } from "../../types/api" */

/** @type {(...args: any[]) => any} */
const h = (...args) => window.React.createElement(...args);

/** @param {RunGroup} group */
function nameOf(group) {
  const by = groups.fieldsOf(rows.question().by);
  return groups.withControl(groups.nameOf(by, valuesOf(group, by)), group);
}

/** Its values in words. @param {RunGroup} group @param {string[]} by */
const valuesOf = (group, by) => group.values.map((value, place) => (value === null ? "none" : fieldWords(by[place] ?? "", value)));

/** @param {{group: RunGroup}} row */
export function GroupTick({ group }) {
  const ticked = groups.tickedOf(group);
  const label = `Select the ${format.counted(group.ids.length, "run")} of ${nameOf(group)}`;
  const show = (/** @type {HTMLInputElement | null} */ input) => input && Object.assign(input, { indeterminate: ticked === "some" });
  const attributes = { type: "checkbox", tabIndex: -1, checked: ticked === "all", "aria-label": label, ref: show };
  return h("label", { className: "runs-tick" }, h("input", { ...attributes, onChange: () => groups.toggle(group) }));
}

/** @param {{data: {grouped: RunGroup}}} row */
function ValueCell({ data: { grouped: group } }) {
  const name = nameOf(group);
  const first = groups.withControl(valuesOf(group, groups.fieldsOf(rows.question().by))[0], group);
  if (group.where === null) return h("span", { className: "runs-name", title: "Too long for a filter: its runs cannot be listed" }, first);
  const follow = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    groups.open(group);
  };
  const href = at(`/?${groups.queryOfRuns(new URLSearchParams(location.search), group)}`);
  const link = h("a", { href, onClick: follow, title: `Show the runs of ${name}`, className: "runs-name", tabIndex: -1 }, first);
  const left = groups.leftOutWords(group);
  return left ? h("div", { className: "runs-cell" }, link, h("div", { className: "runs-words" }, left)) : link;
}

/** @param {{data: {grouped: RunGroup}}} row */
function StatesCell({ data: { grouped: group } }) {
  const told = /** @type {Record<string, number>} */ (group.states);
  const states = ORDER.filter((state) => told[state]).map((state) =>
    h(
      "span",
      { key: state, className: "runs-state", "data-state": state, title: `${told[state]} ${WORDS[state].toLowerCase()}` },
      icon(state),
      h("span", { className: "numeric" }, format.count(told[state])),
      h("span", { className: "runs-unseen" }, ` ${WORDS[state].toLowerCase()}`),
    ),
  );
  return h("span", { className: "runs-states-of" }, states);
}

/** A cell of a group; of a run, as rows are when the table has just changed, nothing. @param {(row: any) => unknown} Cell */
const ofGroup =
  (Cell) =>
  (/** @type {{data?: any}} */ { data }) =>
    data?.grouped ? Cell({ data }) : h("span", { className: data ? "" : "runs-unloaded" });

export const GROUP_CELLS = { NeqGroupValue: ofGroup(ValueCell), NeqGroupStates: ofGroup(StatesCell) };
