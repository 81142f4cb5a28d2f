/*
 * What surrounds every page: navigation, titles, the connection's state, and the hooks that pages use.
 */

import * as live from "../api/live.js";
import { noUpdate, setProps } from "./dash.js";
import { at } from "./routes.js";

/** @import { Missing } from "../../types/pages" */

/** @type {(() => void)[]} */
const leaving = [];
const LOST_AFTER_MS = 1500;
const SHORT_MS = 4_000;
const LONG_MS = 10_000;

/** Call `undo` once, when the reader leaves the present page: close sockets, remove listeners. @param {() => void} undo */
export const onLeave = (undo) => leaving.push(undo);

/** Resolve with the element of this id as soon as it is in the page. @param {string} id @returns {Promise<HTMLElement>} */
export const whenThere = (id) =>
  new Promise((resolve) => {
    const found = document.getElementById(id);
    if (found) return resolve(found);
    const watch = new MutationObserver(() => {
      const now = document.getElementById(id);
      if (!now) return;
      watch.disconnect();
      resolve(now);
    });
    watch.observe(document.documentElement, { childList: true, subtree: true });
  });

/** A short notice at the edge of the screen. @param {string} message @param {"good" | "bad"} kind @param {string} [title] */
export const notice = (message, kind, title) => show(message, kind, title);

/**
 * One that leads on, and so stays for longer.
 * @param {string} message @param {{href: string, words: string}} link @param {"good" | "bad"} kind @param {string} [title]
 */
export function noticeWithLink(message, { href, words }, kind, title) {
  const html = (/** @type {string} */ type, /** @type {object} */ props) => ({ type, namespace: "dash_html_components", props });
  const children = [`${message} `, html("A", { href: at(href), children: words })];
  show(html("Span", { children }), kind, title, LONG_MS);
}

/** @param {string | object} message text, or one of Dash's components. @param {"good" | "bad"} kind @param {string} [title] */
const show = (message, kind, title, ms = kind === "bad" ? LONG_MS : SHORT_MS) =>
  setProps("notices", {
    sendNotifications: [
      {
        action: "show",
        id: `notice-${Date.now()}`,
        title: title || null,
        message,
        color: kind === "bad" ? "red" : "cyan",
        autoClose: ms,
      },
    ],
  });

/** Follow a link of our own without loading the document anew. @param {string} address */
export function go(address) {
  window.history.pushState({}, "", at(address));
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
}

/** Call `changed` whenever light turns dark or back. Returns what ends it. @param {() => void} changed */
export function onScheme(changed) {
  const watch = new MutationObserver(changed);
  watch.observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  return () => watch.disconnect();
}

/** @typedef {{path: string, title: string}} Page what dashboard/routing.py tells of a page. */

/** @type {Page | null} the page that Dash drew last. */
let drawn = null;

/** The reader goes to another page. @param {string} path */
export function leave(path) {
  while (leaving.length) {
    try {
      leaving.pop()?.();
    } catch (problem) {
      console.error("leaving the page:", problem);
    }
  }
  for (const link of document.querySelectorAll("#nav a")) {
    const here = [path, `${path}/`].includes(link.getAttribute("href") ?? ""); // a path prefix may come without its slash
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Called by Dash when a page is drawn. @param {Missing<Page>} page */
export function arrive(page) {
  if (!page) return noUpdate();
  document.title = page.title;
  if (drawn && drawn.path !== page.path) document.getElementById("page")?.focus({ preventScroll: true });
  drawn = page;
  return page.title;
}

/** @type {Record<string, string>} */
const WORDS = { live: "Live", connecting: "Connecting", lost: "Offline", refused: "Not live" };
/** @type {number | undefined} */
let lostTimer;
/** @type {string | null} what the banner says of a lost connection. */
let lostWords = null;

/** An element that every page has around it. @param {string} id */
const surrounding = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} status @param {Missing<string>} reason why the server refuses. */
function showStatus(status, reason) {
  surrounding("live-status").dataset.status = status;
  surrounding("live-word").textContent = WORDS[status] || status;
  window.clearTimeout(lostTimer);
  const banner = surrounding("lost-banner");
  if (status === "live") {
    banner.hidden = true;
    // A link followed while the server was away changed the address only.
    if (drawn && drawn.path !== window.location.pathname) window.location.reload();
  } else if (status !== "connecting") {
    lostWords ??= banner.textContent;
    const words = status === "refused" ? reason || "The server refuses live updates to this page." : lostWords;
    lostTimer = window.setTimeout(() => Object.assign(banner, { textContent: words, hidden: false }), LOST_AFTER_MS);
  }
}

/** Shows how the connection is, as soon as the frame is drawn. */
export function start() {
  whenThere("live-status").then(() => live.onStatus(showStatus));
  // Forms are answered by scripts, never by loading another document.
  const answered = (/** @type {SubmitEvent} */ event) => /** @type {HTMLFormElement} */ (event.target).method === "dialog";
  document.addEventListener("submit", (event) => answered(event) || event.preventDefault(), true);
}
