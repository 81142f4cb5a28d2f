/*
 * A saved figure as the bytes of an SVG or a PNG.
 */

import { densityOf } from "./paper.js";

/** @import { Figure } from "./area.js" */
/** @import { Sheet } from "./paper.js" */

/** One pixel of an image is one cell: a viewer that smoothed them would mix neighbours. */
const SHARP = 'style="image-rendering: optimizeSpeed; image-rendering: pixelated" ';
const METRE_INCHES = 39.3701;
const SIGNATURE = 8; // bytes before the first chunk of a PNG
const HEADER = 25; // the chunk IHDR, which comes first

/** Plotly's SVG with cells that stay sharp. @param {any} Plotly @param {Figure} figure @returns {Promise<string>} */
export async function svgOf(Plotly, figure) {
  const { width, height } = figure.layout;
  const svg = await Plotly.toImage(figure, { format: "svg", width, height, imageDataOnly: true });
  return svg.replaceAll("<image ", `<image ${SHARP}`);
}

/** @param {string} svg @param {{width: number, height: number}} size in CSS pixels. @param {Sheet} sheet @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function pngOf(svg, { width, height }, sheet) {
  const density = densityOf(sheet);
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(width * density),
    height: Math.round(height * density),
  });
  const pen = canvas.getContext("2d");
  const image = await loaded(svg);
  pen?.drawImage(image, 0, 0, canvas.width, canvas.height);
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a PNG of this size.");
  return withDensity(new Uint8Array(await blob.arrayBuffer()), sheet.dpi);
}

/** @param {string} svg @returns {Promise<HTMLImageElement>} */
async function loaded(svg) {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
  } finally {
    URL.revokeObjectURL(address);
  }
  return image;
}

/** The CRC-32 that ends a chunk. @param {Uint8Array} bytes */
function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** A PNG that says how many pixels an inch has, so that it is put into a paper in its size. @param {Uint8Array} png @param {number} dpi @returns {Uint8Array<ArrayBuffer>} */
export function withDensity(png, dpi) {
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  const perMetre = Math.round(dpi * METRE_INCHES);
  view.setUint32(0, 9);
  chunk.set(new TextEncoder().encode("pHYs"), 4);
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  view.setUint8(16, 1); // the unit is the metre
  view.setUint32(17, crc(chunk.subarray(4, 17)));
  const start = SIGNATURE + HEADER;
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, start));
  whole.set(chunk, start);
  whole.set(png.subarray(start), start + chunk.length);
  return whole;
}
