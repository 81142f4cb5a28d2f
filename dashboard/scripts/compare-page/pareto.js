/*
 * Which runs are beaten by none.
 */

/** @typedef {{x: number, y: number}} Point */

/**
 * The points of which no other is at least as good in both and better in one, from left to right. Of points at one
 * place all are kept.
 * @template {Point} P
 * @param {P[]} points whose numbers are finite. @param {{x: boolean, y: boolean}} less whether less is better.
 * @returns {P[]}
 */
export function front(points, less) {
  const worth = (/** @type {P} */ point) => [less.x ? -point.x : point.x, less.y ? -point.y : point.y];
  const ordered = points.map((point) => ({ point, at: worth(point) })).sort((a, b) => b.at[0] - a.at[0] || b.at[1] - a.at[1]);
  /** @type {P[]} */
  const kept = [];
  let [best, besides] = [-Infinity, Number.NaN]; // the best y so far, and the x that it is of
  for (const { point, at } of ordered) {
    if (at[1] > best) [best, besides] = [at[1], at[0]];
    else if (at[1] < best || at[0] !== besides) continue;
    kept.push(point);
  }
  return kept.sort((a, b) => a.x - b.x || a.y - b.y);
}
