/*
 * A box beside the pointer, and the help that elements carry.
 */

import { element } from "./dom.js";

/** @import { Scope } from "./page-scope.js" */

const GAP = 14;
const EDGE = 8;

/** A box beside the pointer. */
export class Tooltip {
  /** @param {Scope} scope it goes with it. */
  constructor(scope) {
    this.box = element("div.tooltip", { role: "tooltip", hidden: true });
    document.body.append(this.box);
    scope.finally(() => this.box.remove());
  }

  /**
   * Shows these nodes beside a point of the screen, on the side where there is room.
   * @param {Node[]} nodes @param {number} clientX @param {number} clientY
   */
  show(nodes, clientX, clientY) {
    this.box.replaceChildren(...nodes);
    this.box.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const right = clientX + GAP + width + EDGE < innerWidth;
    const left = right ? clientX + GAP : Math.max(EDGE, clientX - GAP - width);
    const top = Math.max(EDGE, Math.min(innerHeight - height - EDGE, clientY + GAP));
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide() {
    this.box.hidden = true;
  }
}

let explained = 0;

/**
 * Lets an element explain itself: `help` shows the text, and it is the element's description; empty: no longer.
 * @param {HTMLElement} target @param {string} text
 */
export function explain(target, text) {
  if ((target.dataset.help || "") === text) return;
  const described = target.getAttribute("aria-describedby");
  if (described) document.getElementById(described)?.remove();
  for (const name of ["data-help", "tabindex", "role", "aria-describedby"]) target.removeAttribute(name);
  if (!text) return;
  explained += 1;
  const id = `explained-${explained}`;
  target.append(element("span", { id, hidden: true }, text));
  Object.assign(target, { tabIndex: 0, role: "note" }).dataset.help = text;
  target.setAttribute("aria-describedby", id);
}

/**
 * Lets every `[data-help]` within `root` show its text: on hovering, on focus, on a touch.
 * @param {Scope} scope @param {HTMLElement} root
 */
export function help(scope, root) {
  const tooltip = new Tooltip(scope);
  tooltip.box.classList.add("tooltip-help");
  /** @param {Event} event */
  const show = (event) => {
    const asked = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-help]"));
    if (!asked) return tooltip.hide();
    const { left, bottom } = asked.getBoundingClientRect();
    return tooltip.show([document.createTextNode(asked.dataset.help ?? "")], left - GAP, bottom - GAP / 2);
  };
  for (const type of ["pointerover", "focusin", "click"]) scope.on(root, type, show);
  scope.on(root, "focusout", () => tooltip.hide());
  scope.on(root, "pointerleave", () => tooltip.hide());
  scope.on(document, "keydown", (event) => event.key === "Escape" && tooltip.hide());
  scope.on(document, "scroll", () => tooltip.hide(), { passive: true, capture: true });
}
