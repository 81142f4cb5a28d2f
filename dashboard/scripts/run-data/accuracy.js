/*
 * A run's accuracy: that of its epochs, else what its script logged (`accuracy` in docs/filters.md).
 */

import * as format from "../ui/format.js";

/** @typedef {{test_accuracy: number | null, best_test_accuracy: number | null, logged_accuracy: {last: number | null, max: number | null} | null}} Told */

/** Of the latest epoch, or logged last; null: there is none. @param {Told} run */
export const accuracyOf = ({ test_accuracy: told, logged_accuracy: logged }) => told ?? logged?.last ?? null;

/** The greatest so far; null: there is none. @param {Told} run */
export const bestAccuracyOf = ({ best_test_accuracy: told, logged_accuracy: logged }) => told ?? logged?.max ?? null;

/** The run's own fields that are fractions, but where a script logs percentages. */
export const FRACTIONS = ["accuracy", "best_accuracy", "frozen"];

/** Whether a number can be a fraction: scripts log percentages too. @param {number} value */
export const canBeFraction = (value) => value >= 0 && value <= 1;

/** As a percentage only where it can be a fraction. @param {number | null | undefined} value @param {number} [digits] */
export const fractionWords = (value, digits) =>
  typeof value === "number" && !canBeFraction(value) ? format.number(value) : format.percent(value, digits);
