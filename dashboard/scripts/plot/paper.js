/*
 * How large a saved figure is: the columns of a paper, or the screen.
 */

const INCH_MM = 25.4;
const CSS_DPI = 96; // pixels of an inch, in SVG too
const PRINT_DPI = 300;
const POINT = CSS_DPI / 72;

/** @typedef {{width: number, font: number, dpi: number, paper: boolean}} Sheet pixels of the width and of the text; `dpi`: of a PNG. */

/** By the reader's choice: a width of paper in millimetres; null: as wide as on the screen. @type {Record<string, {name: string, mm: number | null}>} */
export const SIZES = {
  column: { name: "One column (85 mm)", mm: 85 },
  page: { name: "Two columns (178 mm)", mm: 178 },
  screen: { name: "As on screen", mm: null },
};

/** @param {string} size of SIZES. @param {number} onScreen the width there, in pixels. @returns {Sheet} */
export function sheetOf(size, onScreen) {
  const { mm } = SIZES[size];
  if (mm === null) return { width: onScreen, font: 12, dpi: 2 * CSS_DPI, paper: false };
  return { width: Math.round((mm / INCH_MM) * CSS_DPI), font: 8 * POINT, dpi: PRINT_DPI, paper: true };
}

/** How many of a PNG's pixels a CSS pixel is wide. @param {Sheet} sheet */
export const densityOf = ({ dpi }) => dpi / CSS_DPI;
