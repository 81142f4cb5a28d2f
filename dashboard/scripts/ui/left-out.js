/*
 * What an address asks for that its page cannot follow: somebody wrote it by hand, or what it named is gone.
 */

/** @typedef {{words: string[], changes: Record<string, string | null>}} LeftOut what is left out, in words, and what the address becomes. */

export const quoted = (/** @type {string} */ text) => `“${text}”`;

/** @param {Record<string, string>} query the address's. @param {string[]} keys that the page knows. @returns {LeftOut} */
export function unknownKeys(query, keys) {
  const unknown = Object.keys(query).filter((key) => !keys.includes(key));
  return { words: unknown.map(quoted), changes: Object.fromEntries(unknown.map((key) => [key, null])) };
}

/** @param {LeftOut[]} found @returns {LeftOut} */
export const together = (found) => ({
  words: found.flatMap(({ words }) => words),
  changes: Object.assign({}, ...found.map(({ changes }) => changes)),
});

/** @param {string[]} words @returns {string} empty: nothing is left out. */
export const leftOutWords = (words) =>
  words.length ? `Left out of the address, as it cannot be followed: ${[...new Set(words)].join("; ")}.` : "";
