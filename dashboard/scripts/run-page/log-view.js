/*
 * A run's log.
 */

import { element } from "../ui/dom.js";

/** @import { LogLine } from "../../types/pages" */
/** @import { Scope } from "../ui/page-scope.js" */
/** @import { Feed } from "../run-data/feed.js" */

const NEAR_END = 24;

/** The log: follows the newest line unless the reader has scrolled up. */
export class LogView {
  /** @param {{scope: Scope, host: HTMLElement, follow: HTMLElement, feed: Feed}} options */
  constructor({ scope, host, follow, feed }) {
    this.host = host;
    this.follow = follow;
    this.feed = feed;
    this.drawn = 0; // lines
    this.following = true;
    this.draw = scope.once(() => this.#draw());
    scope.on(host, "scroll", () => this.#scrolled());
    scope.on(follow, "click", () => this.#toEnd());
    this.draw();
  }

  #draw() {
    const fresh = this.feed.log.slice(this.drawn);
    if (!this.drawn) this.host.replaceChildren();
    if (!this.feed.log.length) return this.host.replaceChildren(element("p.picture-empty", {}, this.#empty()));
    this.drawn = this.feed.log.length;
    this.host.append(...fresh.map(line));
    if (this.following) this.#toEnd();
    return undefined;
  }

  #empty() {
    if (!this.feed.loaded) return "Loading…";
    return this.feed.ended ? "The log is empty." : "No log lines yet.";
  }

  #toEnd() {
    this.host.scrollTop = this.host.scrollHeight;
    this.following = true;
    this.follow.hidden = true;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.host;
    this.following = scrollHeight - clientHeight - scrollTop < NEAR_END;
    this.follow.hidden = this.following;
  }
}

/** @param {LogLine} logged */
function line({ at, level, text }) {
  const time = new Date(at).toLocaleTimeString("en-GB");
  return element("div.log-line", { "data-level": level }, element("time", { datetime: at }, time), element("span", {}, text));
}
