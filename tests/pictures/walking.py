"""Pages walked by the Tab key, as a person without a mouse walks them."""

from dataclasses import dataclass

from playwright.sync_api import Page

MOST_STOPS = 400
AT_ONCE = 8
"""Keys between two questions whether the page's end is reached."""

WATCH = """() => {
  // How an element looks, with what may be drawn around it: rings are outlines, borders, shadows or pseudo-elements.
  const KEYS = ["outlineStyle", "outlineWidth", "outlineColor", "borderColor", "boxShadow", "backgroundColor"];
  const style = (element, pseudo) => {
    const computed = getComputedStyle(element, pseudo);
    return KEYS.map((key) => computed[key]).join() + (pseudo ? computed.content : "");
  };
  const looks = (element) => {
    const around = [element, element.nextElementSibling];
    for (let each = element.parentElement; each && around.length < 6; each = each.parentElement) around.push(each);
    const seen = around.filter(Boolean).map((each) => style(each));
    return [...seen, style(element, "::before"), style(element, "::after")].join("|");
  };
  const still = document.createElement("style");
  still.textContent = "*, *::before, *::after { transition: none !important; animation: none !important; }";
  document.head.append(still);
  window.walk = { stops: [], ringless: [], left: false };
  const named = (element) => element.getAttribute("aria-label") || element.textContent || element.title || "";
  window.walk.describe = (element) =>
    `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""} ${named(element).trim().slice(0, 60)}`;
  // Once round, the page would begin again.
  document.addEventListener("keydown", (event) => window.walk.left && event.preventDefault(), { capture: true });
  document.addEventListener("focusin", ({ target }) => {
    window.walk.stops.push(target);
    window.walk.focused = looks(target);
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    // A dialog that closes, or an element that is taken away, loses the focus as well, and goes on from its place.
    window.walk.left = relatedTarget === null && target.isConnected;
    const focused = window.walk.focused;
    setTimeout(() => {
      if (target.isConnected && looks(target) === focused) window.walk.ringless.push(window.walk.describe(target));
    });
  });
}"""

BEGIN = """(key) => {
  // Where a walk goes on from is where the focus was last, even after it is gone: the page's first or last place here.
  const start = document.createElement("span");
  start.tabIndex = -1;
  if (key === "Tab") document.body.prepend(start);
  else document.body.append(start);
  start.focus();
  start.remove();
}"""

LEFT = """() => new Promise((done) => {
  // After the timer with which the element that lost the focus is looked at again: keys and questions may overtake it.
  setTimeout(() => done(window.walk.left));
})"""

MISSED = """() => {
  const stops = new Set(window.walk.stops);
  const kinds = "a[href], button, input, select, textarea, summary, [role=button], [role=switch], [tabindex='0']";
  const may = [...document.querySelectorAll(kinds)]
    .filter((each) => !each.disabled && each.type !== "hidden" && each.checkVisibility({ visibilityProperty: true }));
  const composite = (each) => each.closest("[role=grid], .ag-tab-guard, .modebar, [aria-hidden=true]");
  return may.filter((each) => !stops.has(each) && !composite(each)).map(window.walk.describe);
}"""

DESCRIBED = "() => window.walk.stops.map(window.walk.describe)"


@dataclass
class Walk:
    """What was met between the page's beginning and its end."""

    stops: list[str]
    missed: list[str]
    """Controls that are seen and were not met."""
    ringless: list[str]
    """Met, and looking the same with the focus as without it."""
    left: bool
    """Whether the focus came out of the page, to the browser's own controls."""


def walk(page: Page, key: str = "Tab") -> Walk:
    """Walks from one end of the page to the other; afterwards the page has no focus."""
    page.evaluate(BEGIN, key)
    page.evaluate(WATCH)
    left = False
    for _ in range(MOST_STOPS // AT_ONCE):
        for _ in range(AT_ONCE):
            page.keyboard.press(key)
        if left := page.evaluate(LEFT):
            break
    stops, missed = page.evaluate(DESCRIBED), page.evaluate(MISSED)
    return Walk(stops, missed, page.evaluate("() => window.walk.ringless"), left)
