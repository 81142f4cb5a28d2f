/*
 * From section to section of a long page by key, past all that stands between.
 */

/** @import { Key } from "./keys.js" */

const HEADINGS = "main h2";

/** What takes the focus for a section: its heading, or what opens and closes it. @param {Element} heading */
const takerOf = (heading) => /** @type {HTMLElement} */ (heading.closest("summary") ?? heading);

/** Takes the focus to the next section's heading that is shown, or to the one before. @param {1 | -1} by */
function toSection(by) {
  const at = document.activeElement ?? document.body;
  const where = by > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const takers = [...document.querySelectorAll(HEADINGS)].filter((heading) => heading.checkVisibility()).map(takerOf);
  const there = takers.filter((taker) => taker !== at && at.compareDocumentPosition(taker) & where);
  const taker = there.at(by > 0 ? 0 : -1);
  if (!taker) return;
  if (!taker.matches("summary")) taker.tabIndex = -1;
  taker.focus({ preventScroll: true });
  taker.scrollIntoView({ block: "start" });
}

/** @type {Key} */
export const SECTION_KEY = {
  keys: ["s"],
  shown: "s · Shift+S",
  words: "next section, previous section",
  act: (event) => toSection(event.shiftKey ? -1 : 1),
};
