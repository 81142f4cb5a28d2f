/*
 * The keys of the page of runs side by side.
 */

import { SECTION_KEY } from "../ui/sections.js";

/** @import { Cursor } from "../plot/epoch-cursor.js" */
/** @import { Key } from "../ui/keys.js" */

const FAR = 10;

/** @param {{cursor: Cursor, step: (by: 1 | -1) => void, help: () => void}} page @returns {Key[]} */
export const compareKeys = ({ cursor, step, help }) => {
  const by = (/** @type {KeyboardEvent} */ event) => (event.shiftKey ? FAR : 1);
  return [
    { keys: ["ArrowLeft"], shown: "←", words: "previous epoch; with Shift, ten back", act: (event) => cursor.by(-by(event)) },
    { keys: ["ArrowRight"], shown: "→", words: "next epoch; with Shift, ten forward", act: (event) => cursor.by(by(event)) },
    { keys: ["Home"], shown: "Home", words: "first epoch", act: () => cursor.move(0) },
    { keys: ["End"], shown: "End", words: "latest epoch, and follow the runs", act: () => cursor.move(null) },
    { keys: [" "], shown: "Space", words: "replay all runs from the cursor, or pause", act: () => cursor.play() },
    { keys: ["l"], shown: "l · Shift+L", words: "next layer, previous layer", act: (event) => step(event.shiftKey ? -1 : 1) },
    SECTION_KEY,
    { keys: ["?"], shown: "?", words: "show these shortcuts", act: help },
  ];
};
