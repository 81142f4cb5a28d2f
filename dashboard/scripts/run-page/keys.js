/*
 * The keys of a run's page.
 */

/** @import { Parts } from "../../types/pages" */
/** @import { Cursor } from "../plot/epoch-cursor.js" */
/** @import { Key, Keys } from "../ui/keys.js" */

/**
 * @typedef {object} Steered what the keys act on: the page.
 * @property {Cursor} cursor
 * @property {Parts} parts
 * @property {number | null} index the layer that is open.
 * @property {Keys} keys
 * @property {(index: number) => void} open opens a layer.
 * @property {() => void} escape
 */

const FAR = 10;

/** The keys of a run's page. @param {Steered} page @returns {Key[]} */
export function runKeys(page) {
  const { cursor, parts } = page;
  /** @param {KeyboardEvent} event */
  const step = (event) => (event.shiftKey ? FAR : 1);
  return [
    { keys: ["ArrowLeft"], shown: "←", words: "one epoch back; with Shift ten", act: (event) => cursor.by(-step(event)) },
    { keys: ["ArrowRight"], shown: "→", words: "one epoch on; with Shift ten", act: (event) => cursor.by(step(event)) },
    { keys: ["Home"], shown: "Home", words: "the first epoch", act: () => cursor.move(0) },
    { keys: ["End"], shown: "End", words: "the newest epoch, and follow it", act: () => cursor.move(null) },
    { keys: [" "], shown: "Space", words: "replay from the cursor, or halt", act: () => cursor.play() },
    {
      keys: ["l"],
      shown: "l · Shift+L",
      words: "the next layer, the one before",
      act: (event) => page.open(Number(page.index) + (event.shiftKey ? -1 : 1)),
    },
    {
      keys: ["/"],
      shown: "/",
      words: "search for a layer",
      act: () => {
        parts.filter.focus();
        parts.filter.scrollIntoView({ block: "center" });
      },
    },
    { keys: ["?"], shown: "?", words: "this help", act: () => page.keys.help() },
    { keys: ["Escape"], shown: "Esc", words: "close the neuron; show all epochs", act: () => page.escape() },
  ];
}
