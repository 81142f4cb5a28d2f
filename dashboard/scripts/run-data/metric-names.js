/*
 * What metrics are called, and how their values are written; what a script logs keeps its own name.
 */

import * as format from "../ui/format.js";

/** @type {Record<string, string>} the figures of an epoch. */
const TITLES = {
  ...{ test_accuracy: "Test accuracy", train_accuracy: "Training accuracy", test_loss: "Test loss", train_loss: "Training loss" },
  ...{ frozen_fraction: "Frozen next epoch", applied_fraction: "Frozen during epoch", learning_rate: "Learning rate" },
  ...{ dead_fraction: "Dead neurons", churning_fraction: "Churning neurons" },
};
const FRACTIONS = new Set(["test_accuracy", "train_accuracy", "frozen_fraction", "applied_fraction", "dead_fraction", "churning_fraction"]);
/** Those that say most of a run, in this order. */
export const HEADLINES = ["test_accuracy", "test_loss", "train_loss", "frozen_fraction", "learning_rate"];

/** @param {string} name */
export const title = (name) => TITLES[name] ?? name;

/** Whether its values are written in percent. @param {string} name */
export const isFraction = (name) => FRACTIONS.has(name);

/** What tells how a run goes, and of which neither more nor less is better. */
const NEUTRAL = new Set(["learning_rate", "frozen_fraction", "applied_fraction", "dead_fraction", "churning_fraction"]);

/** @param {string} name */
export const hasBest = (name) => !NEUTRAL.has(name);

/** A value in words. @param {string} name @param {number | null | undefined} value */
export function words(name, value) {
  if (isFraction(name)) return format.percent(value);
  return name === "learning_rate" ? format.rate(value) : format.number(value);
}
