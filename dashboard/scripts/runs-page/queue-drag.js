/*
 * Lines of a list that are dragged to another place by their handles, by mouse, pen or finger.
 */

/** @import { Scope } from "../ui/page-scope.js" */

const EDGE_PX = 32;
const SCROLL_PX = 12;

/** How many lines lie above a height: the place of what is dropped there, itself not counted. @param {{top: number, height: number}[]} lines @param {number} y */
export const placeAt = (lines, y) => lines.filter(({ top, height }) => top + height / 2 < y).length;

/**
 * @param {Scope} scope @param {HTMLElement} list of lines with `data-id`. @param {string} handle selects what they are dragged by.
 * @param {(id: string, place: number) => void} drop
 * @returns {() => boolean} whether one is being dragged.
 */
export function dragLines(scope, list, handle, drop) {
  /** @type {{line: HTMLElement, pointer: number} | null} */
  let dragged = null;
  const others = () => /** @type {HTMLElement[]} */ ([...list.children].filter((line) => line !== dragged?.line));
  const placeOf = (/** @type {PointerEvent} */ event) =>
    placeAt(
      others().map((line) => line.getBoundingClientRect()),
      event.clientY,
    );
  const mark = (/** @type {number | null} */ place) => {
    const lines = others();
    for (const [at, line] of lines.entries()) {
      line.classList.toggle("queue-drop-before", at === place);
      line.classList.toggle("queue-drop-behind", place === lines.length && at === place - 1);
    }
  };
  const end = () => {
    mark(null);
    dragged?.line.classList.remove("queue-dragged");
    dragged = null;
  };
  scope.on(list, "pointerdown", (event) => {
    const held = /** @type {Element} */ (event.target).closest(handle);
    const line = /** @type {HTMLElement | null | undefined} */ (held?.closest("[data-id]"));
    if (!line || event.button) return;
    event.preventDefault(); // no text is selected
    dragged = { line, pointer: event.pointerId };
    list.setPointerCapture(event.pointerId);
    line.classList.add("queue-dragged");
  });
  scope.on(list, "pointermove", (event) => {
    if (event.pointerId !== dragged?.pointer) return;
    const { top, bottom } = list.getBoundingClientRect();
    if (event.clientY < top + EDGE_PX) list.scrollTop -= SCROLL_PX;
    if (event.clientY > bottom - EDGE_PX) list.scrollTop += SCROLL_PX;
    mark(placeOf(event));
  });
  scope.on(list, "pointerup", (event) => {
    if (event.pointerId !== dragged?.pointer) return;
    const [id, place] = [/** @type {string} */ (dragged.line.dataset.id), placeOf(event)];
    end();
    drop(id, place);
  });
  scope.on(list, "pointercancel", end);
  /** Escape ends the drag alone: what the list lies in would close. @param {KeyboardEvent} event */
  const giveUp = (event) => {
    if (!dragged || event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    list.releasePointerCapture(dragged.pointer);
    end();
  };
  scope.on(document, "keydown", giveUp, { capture: true });
  return () => dragged !== null;
}
