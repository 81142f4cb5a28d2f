/*
 * How wide the texts of a saved figure are, and how they are broken into rows.
 */

/** Height of a line of text, of its size. */
export const LINE = 1.35;
/** What stands on every machine that a figure is looked at on. */
export const FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif";

/** Which places of an axis are seen: `epochs 0–39`; nothing where none is. @param {string} across @param {number} first @param {number} last */
export function spanWords(across, first, last) {
  if (!(first <= last)) return undefined;
  return first === last ? `${across} ${first}` : `${across}s ${first}–${last}`;
}

/** @typedef {(text: string, size: number, weight: number) => number} Measure the width of a text in pixels. */

/** Measures with a canvas. @returns {Measure} */
export function canvasMeasure() {
  const pen = document.createElement("canvas").getContext("2d");
  return (text, size, weight) => {
    if (!pen) return text.length * size * 0.55;
    pen.font = `${weight} ${size}px ${FONT}`;
    return pen.measureText(text).width;
  };
}

/**
 * Items into rows that are no wider than `room`; one that is wider by itself has a row of its own.
 *
 * @template T
 * @param {T[]} items @param {number} room @param {(item: T) => number} widthOf @param {number} gap between two of a row.
 * @returns {T[][]}
 */
export function flow(items, room, widthOf, gap) {
  /** @type {T[][]} */
  const rows = [];
  let filled = 0;
  for (const item of items) {
    const width = widthOf(item);
    const row = rows.at(-1);
    if (row && filled + gap + width <= room) row.push(item);
    else rows.push([item]);
    filled = row === rows.at(-1) ? filled + gap + width : width;
  }
  return rows;
}

/** Text in rows, broken between its parts; a part that is wider than a row loses its end. @param {string[]} parts @param {string} joint @param {number} room @param {(text: string) => number} widthOf */
export const textRows = (parts, joint, room, widthOf) =>
  flow(
    parts.map((part) => cut(part, room, widthOf)),
    room,
    widthOf,
    widthOf(joint),
  ).map((row) => row.join(joint));

/** Text that is no wider than `room`: what is too long loses its end. @param {string} text @param {number} room @param {(text: string) => number} widthOf */
export function cut(text, room, widthOf) {
  if (widthOf(text) <= room) return text;
  let kept = text.length - 1;
  while (kept > 1 && widthOf(`${text.slice(0, kept)}…`) > room) kept -= 1;
  return `${text.slice(0, kept)}…`;
}
