/*
 * What a run said when it started. No answer has it alone: it is the first of the run's events, which are a stream.
 */

import { at } from "../ui/routes.js";

/** @import { RunStarted } from "../../types/live" */

const MOST_CHARACTERS = 200_000; // it comes first, or it is not there

/**
 * What the run said when it started; null: it did not yet, or it is not the first that it said.
 * @param {string} id @param {AbortSignal} signal @returns {Promise<RunStarted | null>}
 */
export async function started(id, signal) {
  const enough = new AbortController();
  const end = () => enough.abort();
  signal.addEventListener("abort", end, { once: true });
  try {
    const response = await fetch(at(`/api/v1/runs/${encodeURIComponent(id)}/events`), { signal: enough.signal });
    return response.ok && response.body ? await firstOf(response.body.getReader()) : null;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @returns {Promise<RunStarted | null>} */
async function firstOf(reader) {
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MOST_CHARACTERS) {
    const piece = await reader.read();
    if (piece.done) return null;
    text += decoder.decode(piece.value, { stream: true });
    const [, data] = /^data: (\{"kind":\s*"run_started".*)\n/m.exec(text) ?? [];
    if (data) return JSON.parse(data);
  }
  return null;
}
