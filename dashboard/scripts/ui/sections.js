/*
 * From section to section of a long page by key, past all that stands between.
 */

/** @import { Key } from "./keys.js" */

const HEADINGS = "main h2";

/** Takes the focus to the next section's heading that is shown, or to the one before. @param {1 | -1} by */
function toSection(by) {
  const headings = [...document.querySelectorAll(HEADINGS)].filter((heading) => heading.checkVisibility());
  const at = document.activeElement ?? document.body;
  const where = by > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const inside = Node.DOCUMENT_POSITION_CONTAINS | Node.DOCUMENT_POSITION_CONTAINED_BY;
  const there = headings.filter((heading) => {
    const place = at.compareDocumentPosition(heading);
    return place & where && !(place & inside);
  });
  const heading = at === document.body ? headings.at(by > 0 ? 0 : -1) : there.at(by > 0 ? 0 : -1);
  const taking = /** @type {HTMLElement | null | undefined} */ (heading?.closest("summary") ?? heading);
  if (!taking) return;
  if (!taking.matches("summary")) taking.tabIndex = -1;
  taking.focus({ preventScroll: true });
  taking.scrollIntoView({ block: "start" });
}

/** @type {Key} */
export const SECTION_KEY = {
  keys: ["s"],
  shown: "s · Shift+S",
  words: "next section, previous section",
  act: (event) => toSection(event.shiftKey ? -1 : 1),
};
