/*
 * The lifetime of a page's scripts.
 *
 * Everything that would outlive a page (listeners, timers, subscriptions, observers, requests) is made through a scope
 * and ends with it, so that leaving a page leaves nothing behind.
 */

/** @import { EventOf } from "../../types/pages" */

/** What is to be drawn in the next frame, all scopes' together. */
const waiting = /** @type {Set<() => void>} */ (new Set());
/** @type {Set<() => void> | null} what this drawing has drawn; null: none is under way. */
let drawn = null;
let asked = false;

/** @param {() => void} job */
function askFor(job) {
  waiting.add(job);
  if (asked || (drawn && !drawn.has(job))) return;
  asked = true;
  requestAnimationFrame(drawNow);
}

/**
 * Draws what waits, and what is asked for meanwhile: a frame costs the browser milliseconds whatever changes in it, so
 * what one drawing sets off is not left to the next. What asks for itself again is.
 */
export function drawNow() {
  asked = false;
  drawn = new Set();
  for (const job of waiting) {
    if (drawn.has(job)) continue;
    waiting.delete(job);
    drawn.add(job);
    try {
      job();
    } catch (error) {
      reportError(error);
    }
  }
  drawn = null;
}

/** What a page opened, and one call that closes all of it. */
export class Scope {
  /** @type {(() => void)[]} */
  #undo = [];
  #abort = new AbortController();

  /** Aborts when the scope ends; for fetch. */
  get signal() {
    return this.#abort.signal;
  }

  /** Whether the page is gone. */
  get ended() {
    return this.#abort.signal.aborted;
  }

  /**
   * Listens until the scope ends.
   *
   * @template {string} Type
   * @param {EventTarget} target
   * @param {Type} type
   * @param {(event: EventOf<Type>) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  on(target, type, listener, options = {}) {
    target.addEventListener(type, /** @type {EventListener} */ (listener), { ...options, signal: this.signal });
  }

  /** Calls `tick` every `ms` milliseconds until the scope ends. @param {number} ms @param {() => void} tick */
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    this.finally(() => clearInterval(timer));
  }

  /** Calls `undo` when the scope ends; the last given comes first. At once if it has ended. @param {() => void} undo */
  finally(undo) {
    if (this.ended) undo();
    else this.#undo.push(undo);
  }

  /** Anything with `close()`, closed with the scope. @template {{close: () => void}} T @param {T} closable */
  keep(closable) {
    this.finally(() => closable.close());
    return closable;
  }

  /** Observes an element's size until the scope ends. @param {Element} element @param {ResizeObserverCallback} changed */
  watchSize(element, changed) {
    const observer = new ResizeObserver(changed);
    observer.observe(element);
    this.finally(() => observer.disconnect());
  }

  /** A scope that ends with this one, or earlier by itself. */
  child() {
    const child = new Scope();
    this.finally(() => child.end());
    return child;
  }

  /**
   * Makes a function that runs `draw` once in the next animation frame, however often it is called before; within a
   * frame, in that one. A hidden tab draws nothing and catches up when it is seen.
   * @param {() => void} draw
   */
  once(draw) {
    const job = () => draw();
    this.finally(() => waiting.delete(job));
    return () => this.ended || askFor(job);
  }

  /** Ends it: aborts requests, removes listeners, closes what was kept. A second call does nothing. */
  end() {
    if (this.ended) return;
    this.#abort.abort();
    while (this.#undo.length) {
      try {
        this.#undo.pop()?.();
      } catch (error) {
        reportError(error);
      }
    }
  }
}
