/*
 * The keys of a run's page.
 */

import { SECTION_KEY } from "../ui/sections.js";

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
    { keys: ["ArrowLeft"], shown: "←", words: "previous epoch; with Shift, ten back", act: (event) => cursor.by(-step(event)) },
    { keys: ["ArrowRight"], shown: "→", words: "next epoch; with Shift, ten forward", act: (event) => cursor.by(step(event)) },
    { keys: ["Home"], shown: "Home", words: "first epoch", act: () => cursor.move(0) },
    { keys: ["End"], shown: "End", words: "latest epoch, and follow the run", act: () => cursor.move(null) },
    { keys: [" "], shown: "Space", words: "replay from the cursor, or pause", act: () => cursor.play() },
    {
      keys: ["l"],
      shown: "l · Shift+L",
      words: "next layer, previous layer",
      act: (event) => page.open(Number(page.index) + (event.shiftKey ? -1 : 1)),
    },
    {
      keys: ["/"],
      shown: "/",
      words: "search layers",
      act: () => {
        parts.filter.focus();
        parts.filter.scrollIntoView({ block: "center" });
      },
    },
    SECTION_KEY,
    { keys: ["?"], shown: "?", words: "show these shortcuts", act: () => page.keys.help() },
    { keys: ["Escape"], shown: "Esc", words: "close the neuron; show all epochs", act: () => page.escape() },
  ];
}
