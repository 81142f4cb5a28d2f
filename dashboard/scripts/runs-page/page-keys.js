/*
 * The keys of the page of runs, as its help tells of them; those of the table are in table-keys.js.
 */

/** @import { Key } from "../ui/keys.js" */

/** @typedef {"filter" | "group" | "selectAll" | "bulk" | "compare" | "undo" | "views" | "columns" | "queue" | "help"} Action */

/** @param {Record<Action, () => void>} act what each does. @returns {Key[]} */
export const pageKeys = (act) =>
  [
    { key: "/", words: "search runs", act: () => document.getElementById("runs-search")?.focus() },
    { key: "f", words: "filter runs: ↑ ↓ Enter or Tab take a completion, Escape closes them", act: act.filter },
    { key: "g", words: "group runs", act: act.group },
    { key: "a", words: "select all runs that match", act: act.selectAll },
    { key: "b", words: "to what can be done to the selected runs", act: act.bulk },
    { key: "x", words: "compare the selected runs", act: act.compare },
    { key: "u", words: "undo a deletion, for ten seconds", act: act.undo },
    { key: "v", words: "views: open, save, delete", act: act.views },
    { key: "c", words: "choose columns", act: act.columns },
    { key: "q", words: "the queue", act: act.queue },
    { key: "?", words: "show these shortcuts", act: act.help },
  ].map(({ key, words, act }) => ({ keys: [key], shown: key, words, act }));
