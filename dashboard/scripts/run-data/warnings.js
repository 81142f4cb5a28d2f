/*
 * Of all that a run warned of in its log, what holds now.
 *
 * Why a run went back to the queue is over when it has been continued, and the run's turns tell that better than its log. Each
 * beginning of a training says anew what it warns of at first; what an earlier one said then is over too. What was said of
 * an epoch stays, for the epoch does.
 */

const BEGINNINGS = new Set(["run_started", "run_continued"]);

/**
 * @param {{seq: number, kind: string, reason: string|null}[]} turns of the run, oldest first.
 * @param {{seq: number, level: string, text: string}[]} log
 * @param {{seq: number}[]} epochs that are finished; holes where one is not known.
 * @returns {string[]} the newest first, each once.
 */
export function warnings(turns, log, epochs) {
  const requeued = new Set(turns.map(({ reason }) => reason).filter(Boolean));
  const beginnings = turns.filter(({ kind }) => BEGINNINGS.has(kind)).map(({ seq }) => seq);
  const newest = beginnings.at(-1) ?? 0;
  const ended = epochs.filter(Boolean).map(({ seq }) => seq);
  const ofBeginning = (/** @type {number} */ seq) => {
    const begun = beginnings.findLast((each) => each < seq) ?? 0;
    return !ended.some((end) => end > begun && end < seq);
  };
  /** @param {{seq: number, level: string, text: string}} line */
  const holds = ({ level, text, seq }) => level === "warning" && !requeued.has(text) && (seq > newest || !ofBeginning(seq));
  return [
    ...new Set(
      log
        .filter(holds)
        .map(({ text }) => text)
        .reverse(),
    ),
  ];
}
