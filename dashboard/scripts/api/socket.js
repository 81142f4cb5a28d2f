/*
 * The line under api/live.js: the one WebSocket of a tab. It opens while somebody wants it, comes back by itself after it
 * broke, and says how it is.
 */

import { at } from "../ui/routes.js";

/** @import { FromBrowser } from "../../types/live" */

const PATH = "/api/v1/live";
const SILENCE_MS = 25_000; // the server pings every 10 s: two and a half of them missed means the line is dead
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const LINGER_MS = 1_000; // keeps the socket over a change of page
const PROBE_MS = 5_000;
const NOT_PASSED_ON =
  "The server responds, but live updates do not reach this page: a proxy in front of it may block WebSockets. " +
  "Reload the page to see what is new.";

/** @typedef {"connecting" | "live" | "lost" | "refused"} Status */

/**
 * @typedef {object} User of the line.
 * @property {() => boolean} wants whether anybody waits for what comes over it.
 * @property {() => void} opened it is there, and nothing has been asked over it.
 * @property {(data: string | ArrayBuffer) => void} heard one message.
 * @property {() => void} dropped it is given up: what it brought and was not passed on will be asked for again.
 */

/** @type {User} */
let user = { wants: () => false, opened() {}, heard() {}, dropped() {} };
const listeners = /** @type {Set<(status: Status, reason: string | null) => void>} */ (new Set());
/** @type {Record<"retry" | "silence" | "linger", number>} */
const timers = { retry: 0, silence: 0, linger: 0 };
/** @type {WebSocket | null} */
let socket = null;
/** @type {Status} */
let status = "connecting";
let attempt = 0;
let heardAt = 0;
let greeted = false;
/** @type {string | null} */
let reason = null;

/** Whose line it is. @param {User} next */
export function serve(next) {
  user = next;
}

/**
 * Calls a subscriber; its error is its own and stops nobody else.
 * @template {any[]} V @param {((...values: V) => void) | undefined} callback @param {V} values
 */
export function tell(callback, ...values) {
  if (!callback) return;
  try {
    callback(...values);
  } catch (error) {
    reportError(error);
  }
}

/** @param {Status} next @param {string | null} [why] */
function setStatus(next, why = null) {
  if (next === status && why === reason) return;
  status = next;
  reason = why;
  for (const listener of [...listeners]) tell(listener, status, reason);
}

function wanted() {
  return user.wants() || listeners.size > 0;
}

function address() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${at(PATH)}`;
}

/** Sends if the line is there; what is asked while it is not, `opened` asks. @param {FromBrowser} message */
export function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

// ---------------------------------------------------------------- coming and going

function connect() {
  clearTimeout(timers.retry);
  timers.retry = 0;
  if (socket || !wanted()) return;
  const opened = new WebSocket(address());
  opened.binaryType = "arraybuffer";
  opened.onopen = () => user.opened();
  opened.onmessage = (message) => socket === opened && hear(message.data);
  opened.onclose = () => socket === opened && lose();
  socket = opened;
  greeted = false;
  heardAt = performance.now();
  watchSilence();
}

/** @param {string | ArrayBuffer} data */
function hear(data) {
  heardAt = performance.now();
  attempt = 0;
  greeted = true;
  setStatus("live");
  user.heard(data);
}

/** Forgets a socket at once: closing a dead line politely may take minutes. */
function drop() {
  clearTimeout(timers.silence);
  user.dropped();
  const old = socket;
  socket = null;
  if (!old) return;
  old.onopen = old.onmessage = old.onclose = null;
  old.close();
}

function lose() {
  drop();
  if (!wanted()) return;
  if (greeted) setStatus("lost");
  else askWhyRefused();
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  attempt += 1;
  timers.retry = setTimeout(connect, wait * (0.75 + Math.random() / 2)); // not all tabs at once
}

/** Of a socket that did not open, a browser tells no reason: the same address, asked without a socket, does. */
async function askWhyRefused() {
  let answer;
  try {
    answer = await fetch(at(PATH), { method: "POST", signal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    return socket || setStatus("lost");
  }
  const { detail } = await answer.json().catch(() => ({}));
  if (greeted) return null;
  if (answer.ok) return setStatus("refused", NOT_PASSED_ON);
  return [400, 401, 403].includes(answer.status) ? setStatus("refused", detail || null) : setStatus("lost");
}

function watchSilence() {
  clearTimeout(timers.silence);
  timers.silence = setTimeout(
    () => {
      // A sleeping or hidden tab's clock jumps: only the time really measured counts.
      if (performance.now() - heardAt >= SILENCE_MS) lose();
      else watchSilence();
    },
    SILENCE_MS - (performance.now() - heardAt) + 10,
  );
}

/** Opens the socket when the first one asks, and closes it when nobody has asked for a while. */
export function settle() {
  clearTimeout(timers.linger);
  if (wanted()) {
    if (!timers.retry) connect();
    return;
  }
  timers.linger = setTimeout(() => {
    clearTimeout(timers.retry);
    timers.retry = 0;
    drop();
    attempt = 0;
    status = "connecting";
  }, LINGER_MS);
}

// ---------------------------------------------------------------- the tab

/** Tries at once when there is a new reason to hope: the tab is seen again, or the network is back. */
function hurry() {
  if (document.visibilityState === "hidden" || !wanted()) return;
  if (socket && performance.now() - heardAt >= SILENCE_MS) lose();
  if (socket) return;
  attempt = 0;
  connect();
}

/** Listens for what the tab goes through. */
export function start() {
  document.addEventListener("visibilitychange", hurry);
  window.addEventListener("online", hurry);
  window.addEventListener("pageshow", hurry);
  window.addEventListener("pagehide", drop); // else the page cannot rest in the browser's back-forward store
}

/**
 * Says how the connection is, at once and whenever that changes: "connecting", "live", "lost", or "refused" with the
 * reason for a person.
 *
 * @param {(status: Status, reason: string|null) => void} listener
 * @returns {() => void} stops listening.
 */
export function onStatus(listener) {
  listeners.add(listener);
  tell(listener, status, reason);
  settle();
  return () => {
    listeners.delete(listener);
    settle();
  };
}
