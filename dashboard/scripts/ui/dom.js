/*
 * What pages are built of: elements with their attributes, and the parts that a layout named.
 */

import { at } from "./routes.js";

/** @import { ElementOf, Missing, Parts } from "../../types/pages" */

/**
 * An element with its attributes and children; text is always text, never markup.
 *
 * @template {string} Name
 * @param {Name} name such as "div" or "button.quiet"; the dots add classes.
 * @param {Record<string, any>} [attributes] `on…` functions become listeners.
 * @param {...Missing<Node | string | number>} children null and empty text are left out.
 * @returns {ElementOf<Name>}
 */
export function element(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : key === "href" ? at(value) : value);
  }
  const there = children.filter((child) => child !== null && child !== undefined && child !== "");
  made.append(.../** @type {(Node | string)[]} */ (there));
  return /** @type {ElementOf<Name>} */ (made);
}

/** The parts of a page that its layout named with `data-part`. @param {HTMLElement} root @returns {Parts} */
export function parts(root) {
  const named = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-part]"));
  return Object.fromEntries([...named].map((part) => [part.dataset.part, part]));
}

/**
 * Puts an input in the place of the part of this name, which Dash's own components could not be; returns it.
 * @param {Parts} parts @param {string} name @param {Record<string, any>} attributes
 */
export function putInput(parts, name, attributes) {
  const input = element("input", { class: parts[name].className || null, autocomplete: "off", ...attributes, "data-part": name });
  parts[name].replaceWith(input);
  parts[name] = input;
  return input;
}

/**
 * Fills a list to choose from with named things, by their keys.
 * @param {HTMLSelectElement} select @param {Record<string, {name: string}>} choices @param {string} chosen
 */
export function fillChoice(select, choices, chosen) {
  select.replaceChildren(...Object.entries(choices).map(([key, { name }]) => element("option", { value: key }, name)));
  select.value = chosen;
}

/** Sets an element's text, unless it says so already: a selection in it survives. @param {Element} target @param {string} text */
export function say(target, text) {
  const only = target.childNodes.length === 1 && target.firstChild;
  if (!(only instanceof Text)) {
    if (target.textContent !== text) target.textContent = text;
  } else if (only.data !== text) only.data = text; // cheaper than another node, which is laid out from nothing
}

/**
 * Fills a bar up to a fraction. By its ground: a width would lay out the page anew, a transform its layers.
 * @param {HTMLElement} bar @param {number} fraction
 */
export function fill(bar, fraction) {
  bar.style.backgroundSize = `${(100 * fraction).toFixed(2)}% 100%`;
}

/**
 * Resolves when what was drawn until now has been shown; a hidden tab shows nothing and does not wait for long.
 * @returns {Promise<unknown>}
 */
export const frameShown = () =>
  new Promise((shown) => {
    requestAnimationFrame(() => setTimeout(shown));
    setTimeout(shown, 500);
  });
