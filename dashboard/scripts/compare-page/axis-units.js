/*
 * In what unit an axis is written, so that its numbers are short.
 */

import * as format from "../ui/format.js";
import { AXES } from "./look.js";

/** @import { Axis } from "./look.js" */

/** @typedef {{factor: number, title: string}} Unit what a place is divided by, and what the axis is called. */

const SECONDS = /** @type {[number, string][]} */ ([
  [3600, "h"],
  [60, "min"],
  [1, "s"],
]);
const PREFIXES = /** @type {[number, string][]} */ ([
  [1e18, "E"],
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
]);
const FEW = 2; // of a unit, so that its numbers are not all below one
const IN_SECONDS = new Set(["elapsed", "seconds", "cpu_seconds", "device_seconds"]);

/** @param {Axis} axis @param {number} greatest place on it. @returns {Unit} */
export function unitOf(axis, greatest) {
  const { name } = AXES[axis];
  if (axis === "epoch" || axis === "step") return { factor: 1, title: name };
  const [factor, sign] = (IN_SECONDS.has(axis) ? SECONDS : PREFIXES).find(([size]) => greatest >= FEW * size) ?? [
    1,
    IN_SECONDS.has(axis) ? "s" : "",
  ];
  if (axis !== "flops") return { factor, title: sign ? `${name} (${IN_SECONDS.has(axis) ? sign : `${sign} samples`})` : name };
  return { factor, title: `${sign}FLOPs: forward, dX and dW` };
}

/** Where a value lies, in words. @param {Axis} axis @param {number} place */
export function placeWords(axis, place) {
  if (IN_SECONDS.has(axis)) return `${AXES[axis].name.toLowerCase()} ${format.duration(place)}`;
  if (axis === "flops") return flops(place);
  if (axis === "samples") return `${format.count(Math.round(place))} training samples`;
  return `${axis} ${format.count(Math.round(place))}`;
}

/** FLOPs with a prefix: `3.21 TFLOPs`. @param {number} number */
export function flops(number) {
  const [size, sign] = PREFIXES.find(([least]) => number >= least) ?? [1, ""];
  return `${format.number(number / size)} ${sign}FLOPs`;
}
