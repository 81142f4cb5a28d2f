/*
 * Metrics by the prefix of their names: `val/loss` and `val/accuracy` belong to `val`. Pure.
 */

/** @template T @typedef {{prefix: string, metrics: T[]}} Group */

/** What recorders measure of the machine, and nobody's training. */
const MACHINE = "system";

/** What the store makes of the layers' counts of each epoch. */
export const OF_COUNTS = ["churning_fraction", "dead_fraction"];

/** The prefix of a name; empty: it has none. @param {string} name */
export const prefixOf = (name) => name.slice(0, Math.max(0, name.indexOf("/")));

/** The name within its group. @param {string} name */
export const shortOf = (name) => name.slice(name.indexOf("/") + 1) || name;

/**
 * The groups in the order of their names: those without a prefix first, the machine last.
 * @template {{name: string}} T @param {T[]} metrics @returns {Group<T>[]}
 */
export function groupsOf(metrics) {
  /** @type {Map<string, T[]>} */
  const found = new Map();
  for (const metric of metrics) {
    const prefix = prefixOf(metric.name);
    found.set(prefix, [...(found.get(prefix) ?? []), metric]);
  }
  const rank = (/** @type {string} */ prefix) => (prefix === MACHINE ? 1 : 0);
  return [...found]
    .map(([prefix, members]) => ({ prefix, metrics: members }))
    .sort((a, b) => rank(a.prefix) - rank(b.prefix) || (a.prefix < b.prefix ? -1 : 1));
}

const SAYS_MUCH = [/(^|[/_.])(acc|accuracy|top1|f1|miou|bleu|score)$/i, /loss/i];

/**
 * Up to `most` metrics that say how a training stands: an accuracy and a loss first, then others of these, then the rest,
 * without the machine and what is counted of the neurons.
 * @template {{name: string}} T @param {T[]} metrics @param {number} most @returns {T[]}
 */
export function headlines(metrics, most) {
  const training = metrics.filter(({ name }) => prefixOf(name) !== MACHINE && !OF_COUNTS.includes(name));
  const kinds = SAYS_MUCH.map((kind) => training.filter(({ name }) => kind.test(name)));
  const first = kinds.flatMap(([one]) => (one ? [one] : []));
  return [...new Set([...first, ...kinds.flat(), ...training])].slice(0, most);
}
