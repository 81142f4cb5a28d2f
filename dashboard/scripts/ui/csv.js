/*
 * Tables as CSV (RFC 4180).
 */

/** @param {unknown} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // spreadsheets take such a text for a formula
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line with its end. @param {unknown[]} values */
const line = (values) => `${values.map(cell).join(",")}\r\n`;

/** @param {string[]} header @param {unknown[][]} lines */
export const csvOf = (header, lines) => [header, ...lines].map(line).join("");

/**
 * The same as a file's pieces: a million lines are more than one text should hold, and the page goes on between pieces.
 * @param {string[]} header @param {Iterable<unknown[]>} lines
 */
export async function csvPieces(header, lines) {
  const pieces = [line(header)];
  let piece = "";
  for (const values of lines) {
    piece += line(values);
    if (piece.length < PIECE) continue;
    pieces.push(piece);
    piece = "";
    await new Promise((resolve) => setTimeout(resolve));
  }
  return [...pieces, piece];
}

const PIECE = 1 << 19; // signs
