/*
 * One way to ask the server over HTTP, and what may come of it other than an answer.
 */

import { at } from "../ui/routes.js";

const ROOT = "/api/v1";
const PATIENCE_MS = 60_000; // with silence: a long history may take a slow line longer than that, but something comes

/** Asks for renamed fields of descriptions under today's names alone. */
export const TODAYS = "former_names=false";

/** Nothing came that could be used; the message is fit for a person. */
export class ApiError extends Error {}

/** The server did not answer, or its answer broke off. */
export class Unreachable extends ApiError {}

/** Something answered in a way that is not the server's, such as a proxy with a page of its own. */
export class Unreadable extends ApiError {
  constructor(message = "The answer did not come from the server: a proxy may be in front of it.") {
    super(message);
  }
}

/** The server answered, and refused: `status`, and `detail` as it said it. */
export class Refused extends ApiError {
  /** @param {number} status @param {unknown} detail */
  constructor(status, detail) {
    super(typeof detail === "string" ? detail : `The server responded with ${status}.`);
    this.status = status;
    this.detail = detail;
  }
}

/**
 * @typedef {object} Question
 * @property {string} [method] without it GET.
 * @property {object} [body] sent as JSON.
 * @property {boolean} [keepalive] it is asked though the page is left; its body then has 64 KB at most.
 * @property {AbortSignal} [signal] gives the question up: it then throws what `fetch` throws, and no ApiError.
 */

/**
 * Asks, and waits for the whole of the answer.
 * @param {string} path below the API's root. @param {Question} [question]
 * @returns {Promise<{headers: Headers, bytes: ArrayBuffer}>}
 */
export async function ask(path, { method = "GET", body, keepalive, signal } = {}) {
  const headers = body === undefined ? undefined : { "content-type": "application/json" };
  const request = { method, headers, keepalive, body: body === undefined ? undefined : JSON.stringify(body) };
  const patience = patienceUntil(signal);
  let response;
  let bytes;
  try {
    response = await fetch(at(ROOT + path), { ...request, signal: patience.signal });
    bytes = await bytesOf(response, patience.renew);
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new Unreachable("The server cannot be reached.");
  } finally {
    patience.end();
  }
  if (!response.ok) throw new Refused(response.status, parsed(bytes)?.detail);
  return { headers: response.headers, bytes };
}

/**
 * Asks for JSON; null: the answer is empty.
 * @param {string} path @param {Question} [question] @returns {Promise<any>}
 */
export async function askJson(path, question) {
  const { bytes } = await ask(path, question);
  const answer = parsed(bytes);
  if (answer === undefined) throw new Unreadable();
  return answer;
}

/**
 * A signal that aborts when patience runs out, which each `renew` begins anew, or when the reader's own does.
 * (Not AbortSignal.any, which only browsers since 2024 have.)
 * @param {AbortSignal} [signal]
 */
function patienceUntil(signal) {
  const control = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const left = () => control.abort(signal?.reason);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", left);
  };
  const renew = () => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(), PATIENCE_MS);
  };
  renew();
  if (signal?.aborted) left();
  else signal?.addEventListener("abort", left);
  return { signal: control.signal, renew, end };
}

/** All that a response holds. @param {Response} response @param {() => void} heard called whenever some of it came. */
async function bytesOf(response, heard) {
  const reader = response.body?.getReader();
  if (!reader) return new ArrayBuffer(0);
  /** @type {Uint8Array[]} */
  const pieces = [];
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    heard();
    pieces.push(piece.value);
  }
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
  }
  return whole.buffer;
}

/** What JSON says; null: it is empty; undefined: it is none. @param {ArrayBuffer} bytes */
function parsed(bytes) {
  if (!bytes.byteLength) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
