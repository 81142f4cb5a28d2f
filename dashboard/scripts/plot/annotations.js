/*
 * Lines and labels that pictures share, as Plotly shapes and annotations.
 */

import { velocityPlace } from "./velocity-scale.js";

/** @param {number} x @param {object} line */
const upright = (x, line) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line });
/** @param {number} y @param {object} line */
const level = (y, line) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line });

/** Dotted vertical lines where an epoch began with another learning rate. @param {{epoch: number}[]} changes */
export const drops = (changes) => ({
  annotations: [],
  shapes: changes.map(({ epoch }) => upright(epoch - 0.5, { color: "var(--neq-text)", width: 1, dash: "dot" })),
});

/** A frame around one row. @param {number} row */
export const row = (row) => ({
  type: "rect",
  xref: "paper",
  x0: 0,
  x1: 1,
  y0: row - 0.5,
  y1: row + 0.5,
  line: { color: "var(--neq-text)", width: 1.5 },
});

/** A thin line between two blocks of layers. @param {number} y */
export const border = (y) => level(y, { color: "var(--neq-surface)", width: 1 });

/** Triangles above the epochs in which many neurons thawed at once. @param {{epoch: number}[]} bursts */
export const bursts = (bursts) =>
  bursts.map(({ epoch }) => ({
    x: epoch,
    y: 1,
    yref: "paper",
    yanchor: "bottom",
    text: "▼",
    showarrow: false,
    borderpad: 0,
    font: { size: 8, color: "var(--neq-just-thawed)" },
  }));

/** Horizontal lines at ±ε on the axis of velocity bins. @param {number} epsilon */
export function epsilon(epsilon) {
  if (!(epsilon > 0)) return { shapes: [], annotations: [] };
  const ink = { color: "var(--neq-just-thawed)", width: 1.5 };
  /** @param {number} y @param {string} text @param {"top" | "bottom"} yanchor */
  const label = (y, text, yanchor) => ({
    xref: "paper",
    x: 1,
    xanchor: "right",
    y,
    yanchor,
    text,
    showarrow: false,
    font: { size: 11, color: "var(--neq-just-thawed)" },
    bgcolor: "var(--neq-surface)",
    borderpad: 1,
  });
  const places = [velocityPlace(epsilon), velocityPlace(-epsilon)];
  return {
    shapes: places.map((place) => level(place, ink)),
    annotations: [label(places[0], "+ε", "bottom"), label(places[1], "−ε", "top")],
  };
}
