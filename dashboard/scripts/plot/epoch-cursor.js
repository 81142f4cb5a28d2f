/*
 * The one epoch that the whole page is about. It follows the newest until the reader moves it.
 */

import { putInput, say } from "../ui/dom.js";

/** @import { Scope } from "../ui/page-scope.js" */

const FRAME_MS = 90;

export class Cursor {
  /**
   * @param {Scope} scope
   * @param {number|null} chosen the epoch to begin with; null: the newest.
   * @param {() => void} changed called after each move.
   */
  constructor(scope, chosen, changed) {
    this.chosen = chosen;
    this.changed = changed;
    this.newest = -1;
    /** @type {ReturnType<typeof setInterval> | undefined} of the replay; undefined: none is under way. */
    this.timer = undefined;
    scope.finally(() => clearInterval(this.timer));
  }

  /** The epoch; -1: none is finished. */
  get epoch() {
    return this.chosen === null ? this.newest : Math.min(this.chosen, this.newest);
  }

  get following() {
    return this.chosen === null;
  }

  get playing() {
    return this.timer !== undefined;
  }

  /** One more epoch, or many, are finished. @param {number} newest */
  reach(newest) {
    if (newest === this.newest) return;
    this.newest = newest;
    this.changed();
  }

  /** Goes to an epoch and stays; null: follows the newest. Ends a replay. @param {number | null} epoch */
  move(epoch) {
    this.pause();
    this.#set(epoch);
  }

  /** @param {number} epochs */
  by(epochs) {
    this.move(this.epoch + epochs);
  }

  /** @param {number | null} epoch */
  #set(epoch) {
    this.chosen = epoch === null ? null : Math.max(0, Math.min(this.newest, epoch));
    this.changed();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Replays from here, or from the first epoch where this is the last; at the end it follows again. */
  play() {
    if (this.playing) {
      this.pause();
      return this.changed();
    }
    if (this.newest < 0) return undefined;
    this.#set(this.epoch >= this.newest ? 0 : this.epoch);
    this.timer = setInterval(() => {
      if (this.epoch < this.newest) return this.#set(this.epoch + 1);
      return this.move(null);
    }, FRAME_MS);
    return this.changed();
  }
}

/** The bar that shows the cursor and moves it. */
export class CursorBar {
  /**
   * @param {Scope} scope
   * @param {Record<string, any>} parts of the page: cursor-….
   * @param {Cursor} cursor
   */
  constructor(scope, parts, cursor) {
    this.parts = parts;
    this.cursor = cursor;
    putInput(parts, "cursor-range", { type: "range", min: 0, max: 1, value: 0, step: 1, "aria-label": "Epoch" });
    scope.on(parts["cursor-back"], "click", () => cursor.by(-1));
    scope.on(parts["cursor-on"], "click", () => cursor.by(1));
    scope.on(parts["cursor-play"], "click", () => cursor.play());
    scope.on(parts["cursor-newest"], "click", () => cursor.move(null));
    scope.on(parts["cursor-range"], "input", () => cursor.move(Number(parts["cursor-range"].value)));
    this.draw();
  }

  draw() {
    const { parts, cursor } = this;
    const { epoch, newest, following } = cursor;
    const none = newest < 0;
    for (const name of ["back", "on", "play", "range", "newest"]) parts[`cursor-${name}`].disabled = none;
    parts["cursor-back"].disabled ||= epoch <= 0;
    parts["cursor-on"].disabled ||= epoch >= newest;
    Object.assign(parts["cursor-range"], { max: Math.max(1, newest), value: Math.max(0, epoch) });
    parts["cursor-range"].setAttribute("aria-valuetext", none ? "no epoch yet" : `epoch ${epoch} of ${newest}`);
    say(parts["cursor-words"], none ? "no epoch yet" : `epoch ${epoch}`);
    parts["cursor-play"].setAttribute("aria-pressed", String(cursor.playing));
    say(parts["cursor-play"], cursor.playing ? "❚❚" : "▶");
    parts["cursor-newest"].setAttribute("aria-pressed", String(following));
  }
}
