/*
 * Named views: what the address asks for, saved under a name for whoever opens it.
 */

import { Refused } from "../api/client.js";
import * as api from "../api/views.js";
import { confirm, open } from "./dialog.js";
import { element } from "./dom.js";

/** @import { Scope } from "./page-scope.js" */
/** @import { View } from "../../types/api" */

/**
 * @typedef {object} Viewed
 * @property {View["page"]} page
 * @property {string} home its address without a query.
 * @property {string} what a view of it is.
 * @property {(query: string) => void} show
 */

/** @param {string} home @param {View} view @param {() => void} show @param {() => void} remove */
function viewRow(home, { name, query }, show, remove) {
  const follow = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show();
  };
  return element(
    "li.views-row",
    {},
    element("a.columns-path", { href: query ? `${home}?${query}` : home, onclick: follow }, name),
    element("button.columns-button", { type: "button", "aria-label": `Delete the view ${name}`, title: "Delete", onclick: remove }, "×"),
  );
}

/**
 * Lets the reader open, save and delete views.
 * @param {Scope} scope @param {Viewed} viewed
 */
export function choose(scope, { page, home, what, show }) {
  const dialogScope = scope.child();
  const list = element("ul.views-list", { "aria-label": "Views" });
  const none = element("p.muted", { role: "status" }, "Loading …");
  const problem = element("p.dialog-problem", { role: "alert" });
  const name = element("input", { type: "text", maxlength: "100", autocomplete: "off", required: true });
  const form = element("form.views-form", {}, element("label", {}, "Save this view as", name), element("button.button", {}, "Save"));
  const dialog = element(
    "dialog.question.text-question.columns-dialog",
    { "aria-labelledby": "views-title" },
    element("h2", { id: "views-title" }, "Views"),
    element("p.muted", {}, `A view is ${what}. Everybody who uses this server has them.`),
    list,
    none,
    form,
    problem,
    element("form.question-buttons", { method: "dialog" }, element("button.button.button-primary", { value: "done" }, "Done")),
  );
  /** @type {View[]} */
  let known = [];
  /** @param {() => Promise<unknown>} work */
  const attempt = async (work) => {
    problem.textContent = "";
    try {
      await work();
      known = await api.views(page);
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
    if (!dialogScope.ended) draw();
  };
  const draw = () => {
    none.textContent = known.length ? "" : "No view is saved yet.";
    const showView = (/** @type {View} */ view) => {
      dialog.close();
      show(view.query);
    };
    list.replaceChildren(
      ...known.map((view) =>
        viewRow(
          home,
          view,
          () => showView(view),
          () => attempt(() => removed(view)),
        ),
      ),
    );
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = name.value.trim();
    if (!wanted || !(await mayReplace(scope, known, wanted))) return;
    await attempt(() => api.save(page, wanted, location.search.replace(/^\?/, "")));
    if (!problem.textContent) name.value = "";
  });
  dialog.addEventListener("close", () => dialogScope.end());
  open(scope, dialog);
  name.focus();
  attempt(async () => {});
}

/** Deletes a view, which somebody else may have done. @param {View} view */
const removed = ({ id }) =>
  api.remove(id).catch((/** @type {Error} */ error) => {
    if (!(error instanceof Refused && error.status === 404)) throw error;
  });

/** @param {Scope} scope @param {View[]} known @param {string} wanted */
async function mayReplace(scope, known, wanted) {
  if (!known.some((view) => view.name === wanted)) return true;
  return confirm(scope, { title: "Replace this view?", words: `“${wanted}” will show what this page shows now.`, action: "Replace" });
}
