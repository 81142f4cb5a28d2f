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

/** @param {string[]} header @param {unknown[][]} lines */
export const csvOf = (header, lines) => [header, ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
