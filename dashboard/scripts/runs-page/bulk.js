/*
 * What is done to the ticked runs, all at once.
 */

import * as api from "../api/runs.js";
import { ofIds, tableAddress } from "../run-data/filters.js";
import { askText, open } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import { count, counted } from "../ui/format.js";
import { notice, noticeWithLink } from "../ui/shell.js";
import { FORMATS } from "../ui/table-buttons.js";
import { launchControls } from "./bulk-controls.js";
import { DelayedDeletion } from "./deletion.js";
import { rowsQuery } from "./query.js";
import * as rows from "./rows.js";
import { IDS_A_FILTER } from "./runs-by-id.js";
import { saveRuns } from "./table-file.js";
import * as ticks from "./ticks.js";

/** @import { Scope } from "../ui/page-scope.js" */
/** @import { ActionsDone } from "../../types/api" */

export const AT_ONCE = 1_000; // runs of one request, the server's bound
const A_PAGE = 500;
const MOST_FILES = 10;
const MOST_NAMED = 3;

const MOST_EPOCHS = 100_000;

/** @typedef {{action: string, tags?: string[], name?: string | null, epochs?: number}} Action */
/** What was done, in words, by the action. @type {Record<string, [verb: string, done: string]>} */
const WORDS = {
  stop: ["stop", "Asked to stop"],
  resume: ["resume", "Resumed"],
  extend: ["extend", "Extended"],
  hold: ["hold", "Held"],
  release: ["release", "Released"],
  archive: ["archive", "Archived"],
  restore: ["restore", "Restored"],
  tag: ["tag", "Tagged"],
  untag: ["untag", "Untagged"],
  group: ["group", "Grouped"],
  delete: ["delete", "Deleted"],
};

/** Does one thing to many runs. @param {string[]} ids @param {Action} action @param {boolean} [keepalive] @returns {Promise<ActionsDone>} */
async function actOn(ids, action, keepalive = false) {
  const all = /** @type {ActionsDone} */ ({ done: [], refused: [], made: [] });
  for (let first = 0; first < ids.length; first += AT_ONCE) {
    const told = await api.act({ ...action, ids: ids.slice(first, first + AT_ONCE) }, keepalive);
    all.done.push(...told.done);
    all.refused.push(...told.refused);
    all.made.push(...told.made);
  }
  return all;
}

/** What was refused, by name. @param {ActionsDone["refused"]} refused @param {(id: string) => string} nameOf */
export function refusedWords(refused, nameOf) {
  const named = refused.slice(0, MOST_NAMED).map(({ id, message }) => `“${nameOf(id)}”: ${message.replace(/\.?$/, ".")}`);
  const more = refused.length - named.length;
  return [...named, ...(more > 0 ? [`And ${counted(more, "other")}.`] : [])].join(" ");
}

/** Says what came of it: in one notice, as another would take its place. @param {string} action @param {ActionsDone} told @param {(id: string) => string} nameOf */
function tell(action, { done, refused, made }, nameOf) {
  const [verb, words] = WORDS[action];
  const said = [...(done.length ? [`${words}: ${counted(done.length, "run")}.`] : []), refusedWords(refused, nameOf)].join(" ").trim();
  const title = refused.length ? `Could not ${verb} ${counted(refused.length, "run")}` : undefined;
  const kind = refused.length ? "bad" : "good";
  if (made.length) noticeWithLink(said, { href: listAddress(made.map(({ id }) => id)), words: "Show in the table" }, kind, title);
  else if (said) notice(said, kind, title);
}

/** The table of runs that were made; of more than a filter can name, of all. @param {string[]} ids */
const listAddress = (ids) => (ids.length > IDS_A_FILTER ? "/" : tableAddress(ofIds(ids)));

export class Bulk {
  /** @param {Scope} scope @param {HTMLElement} place what it is put into. @param {() => void} toTable puts the focus on a row. */
  constructor(scope, place, toTable) {
    this.scope = scope;
    this.toTable = toTable;
    this.place = place;
    this.matching = 0;
    this.acting = Promise.resolve(); // until what was asked for is done
    this.deletion = new DelayedDeletion(scope, (ids, names, keepalive) => this.#delete(ids, names, keepalive), toTable);
    const button = (/** @type {string} */ words, /** @type {() => void} */ act, more = "") =>
      element(`button.button${more}`, { type: "button", onclick: act }, words);
    const act = (/** @type {string} */ action) => () => this.#act({ action });
    this.said = element("span.bulk-count", { role: "status" });
    this.allButton = button("Select all", () => this.selectAll());
    place.replaceChildren(
      this.said,
      this.allButton,
      button("Clear selection", () => this.clear()),
      ...["Stop", "Resume"].map((words) => button(words, act(words.toLowerCase()))),
      button("Extend", () => this.#extend()),
      ...["Hold", "Release"].map((words) => button(words, act(words.toLowerCase()))),
      button("Tag", () => this.#tag()),
      button("Group", () => this.#group()),
      ...["Archive", "Restore"].map((words) => button(words, act(words.toLowerCase()))),
      button("Controls", () => launchControls(scope, ticks.names())),
      button("Export", () => this.#export()),
      button("Delete", () => this.deleteSoon(), ".button-danger"),
    );
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", "Selected runs");
    this.draw();
  }

  /** How many runs match what the table is narrowed to. @param {number} matching */
  setMatching(matching) {
    this.matching = matching;
    this.draw();
  }

  draw() {
    const number = ticks.size();
    const held = document.activeElement; // before it is hidden, which takes the focus from it
    this.place.hidden = number === 0;
    this.said.textContent = number ? `${count(number)} selected` : "";
    this.allButton.textContent = `Select all ${count(this.matching)}`;
    this.allButton.hidden = number >= this.matching;
    if (this.place.hidden && this.place.contains(held)) this.toTable();
    else if (this.allButton.hidden && held === this.allButton) this.focus();
  }

  /** Puts the focus on what can be done. */
  focus = () => /** @type {HTMLElement | null} */ (this.place.querySelector("button:not([hidden])"))?.focus();
  undo = () => this.deletion.undo();

  clear() {
    ticks.clear();
    this.toTable();
  }

  /** Ticks all runs that match, also those whose rows are not loaded. */
  async selectAll() {
    this.said.textContent = "Selecting …";
    const asked = { ...rows.question(), fields: [] };
    let total = 1;
    for (let first = 0; first < total; first += A_PAGE) {
      const page = await api.runs(rowsQuery(asked, "", first, first + A_PAGE)).catch((/** @type {Error} */ problem) => problem);
      if (this.scope.ended) return;
      if (page instanceof Error) {
        notice(page.message, "bad", "Could not select all");
        break;
      }
      total = page.total;
      ticks.add(page.runs);
    }
    this.draw();
  }

  /** Does one thing after the other. @param {Action} action */
  #act(action) {
    const [ids, names] = [ticks.ids(), ticks.names()];
    this.acting = this.acting.then(() => this.#actNow(action, ids, names));
  }

  /** @param {Action} action @param {string[]} ids @param {Map<string, string>} names */
  async #actNow(action, ids, names) {
    this.said.textContent = `Working on ${counted(ids.length, "run")} …`;
    const told = await actOn(ids, action).catch((/** @type {Error} */ problem) => problem);
    if (told instanceof Error) notice(told.message, "bad", `Could not ${WORDS[action.action][0]}`);
    else tell(action.action, told, (id) => names.get(id) ?? id);
    this.draw();
    rows.refresh();
  }

  async #extend() {
    const answer = await askText(this.scope, {
      title: "Extend",
      words:
        "Runs that have ended are trained on from their latest checkpoints, each as another run of its group. From there on their schedules are those of a training of that many epochs.",
      label: "Epochs in all",
      actions: [["extend", "Extend"]],
      input: { type: "number", min: "1", max: String(MOST_EPOCHS), step: "1", required: true },
    });
    if (answer) this.#act({ action: "extend", epochs: Number(answer.text) });
  }

  async #tag() {
    const answer = await askText(this.scope, {
      title: "Tag",
      label: "Tags, comma-separated",
      actions: [
        ["tag", "Add"],
        ["untag", "Remove"],
      ],
    });
    const tags = [...new Set((answer?.text ?? "").split(",").map((tag) => tag.trim()))].filter(Boolean);
    if (answer && tags.length) this.#act({ action: answer.action, tags });
  }

  async #group() {
    const answer = await askText(this.scope, { title: "Group", label: "Group; empty for none", actions: [["group", "Save"]] });
    if (answer) this.#act({ action: "group", name: answer.text.trim() || null });
  }

  deleteSoon() {
    this.deletion.begin(ticks.names());
    ticks.clear();
  }

  /** @param {string[]} ids @param {Map<string, string>} names @param {boolean} keepalive */
  async #delete(ids, names, keepalive) {
    const told = await actOn(ids, { action: "delete" }, keepalive).catch((/** @type {Error} */ problem) => problem);
    if (keepalive) return; // the page is gone
    if (told instanceof Error) notice(told.message, "bad", "Could not delete");
    else tell("delete", told, (id) => names.get(id) ?? id);
  }

  // ---------------------------------------------------------------- export

  #export() {
    const names = ticks.names();
    if (names.size > MOST_FILES) return saveRuns("CSV", ticks.ids());
    const links = [...names].map(([id, name]) =>
      element("li", {}, element("a", { href: `/api/v1/runs/${id}/file`, download: "" }, `${name} (${id}.neq)`)),
    );
    const tables = Object.keys(FORMATS).map((format) =>
      element("button.button", { type: "button", onclick: () => saveRuns(format, ticks.ids()) }, format),
    );
    const dialog = element(
      "dialog.question",
      { "aria-labelledby": "export-title" },
      element("h2", { id: "export-title" }, "Export"),
      element("p.muted", {}, "Run files hold everything that a run recorded."),
      element("ul.export-files", {}, ...links),
      element("div.export-tables", {}, element("span", {}, "Shown columns:"), ...tables),
      element("form.question-buttons", { method: "dialog" }, element("button.button.button-primary", { value: "done" }, "Done")),
    );
    return open(this.scope, dialog);
  }
}
