/*
 * By what the table's runs are grouped: a field that is typed or picked, several between commas.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/runs.js";
import { element } from "../ui/dom.js";

/** @import { Scope } from "../ui/page-scope.js" */

/** Fields that a group seldom has in common. */
const ALONE = ["id", "name", "notes", "accuracy", "best_accuracy", "test_loss", "best_test_loss", "frozen"];

export class GroupBox {
  /**
   * @param {Scope} scope @param {HTMLElement} place what it is put into.
   * @param {(by: string) => Promise<Error | null>} apply groups the runs; why that was refused.
   */
  constructor(scope, place, apply) {
    this.scope = scope;
    this.apply = apply;
    this.list = element("datalist", { id: "runs-by-fields" });
    this.problem = element("span.filter-problem", { id: "runs-by-problem", role: "alert" });
    this.input = element("input", {
      ...{ type: "text", id: "runs-by", list: "runs-by-fields", autocomplete: "off", spellcheck: "false", placeholder: "Group by" },
      ...{ "aria-label": "Group by", "aria-describedby": "runs-by-problem", maxlength: "1000", title: "Fields, comma-separated (g)" },
    });
    this.clearButton = element(
      "button.filter-clear",
      { type: "button", "aria-label": "Do not group", title: "Do not group", hidden: true, onclick: () => this.#clear() },
      "×",
    );
    place.replaceChildren(element("div.group-field", {}, this.input, this.clearButton), this.list, this.problem);
    this.applied = "";
    scope.on(this.input, "focus", () => this.#offer());
    scope.on(this.input, "change", () => this.#take());
    scope.on(this.input, "input", (event) => /** @type {InputEvent} */ (event).inputType === "insertReplacementText" && this.#take());
    scope.on(this.input, "keydown", (event) => event.key === "Escape" && this.show(this.applied));
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  /** Says what the runs are grouped by. @param {string} by */
  show(by) {
    this.applied = by;
    this.input.value = by;
    this.clearButton.hidden = !by;
    this.wrong(null);
  }

  /** @param {Error | null} problem */
  wrong(problem) {
    const entries = problem instanceof Refused && Array.isArray(problem.detail) ? problem.detail : [];
    this.problem.textContent = problem ? (entries.find(({ field }) => field === "by")?.message ?? problem.message) : "";
    this.input.setAttribute("aria-invalid", String(Boolean(problem)));
  }

  #clear() {
    this.input.value = "";
    this.input.focus();
    this.#take();
  }

  async #take() {
    const by = this.input.value.trim();
    if (by === this.applied) return this.wrong(null);
    const problem = await this.apply(by);
    if (this.scope.ended || this.input.value.trim() !== by) return undefined;
    return problem ? this.wrong(problem) : this.show(by);
  }

  async #offer() {
    const answer = await api.fields({ limit: "500" }).catch(() => null);
    if (!answer || this.scope.ended) return;
    const offered = answer.fields.filter(({ field, kind }) => kind !== "metric" && !ALONE.includes(field));
    this.list.replaceChildren(...offered.map(({ field }) => element("option", { value: field })));
  }
}
