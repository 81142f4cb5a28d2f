"""axe-core finds nothing serious on any page, light and dark, and the keyboard reaches everything."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
from playwright.sync_api import Page, expect

from tests.chromium import Chromium, tab
from tests.pictures.pages import PAGES, TWICE, come_to
from tests.server.recording import Recording

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SERIOUS = """async (options) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...options });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
}"""


COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""All of the rules that axe has switched on and that depend on colours."""


SMALL = """() => {
  // WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, or no other target within such a circle; links in text are exempt.
  const kinds = "a[href], button, input, select, textarea, summary, [role=note][tabindex]";
  const targets = [...document.querySelectorAll(kinds)]
    .filter((each) => !each.disabled && each.type !== "hidden" && !each.closest(".skip-link, [aria-hidden=true]"))
    .filter((each) => each.checkVisibility({ opacityProperty: false, visibilityProperty: true }));
  const boxes = targets.map((each) => {
    const box = each.getBoundingClientRect();
    return each.type === "checkbox" && box.width < 24 ? each.parentElement.getBoundingClientRect() : box;
  });
  const small = ({ width, height }) => width < 23.9 || height < 23.9;
  const near = (a, b) => {
    const [x, y] = [a.x + a.width / 2, a.y + a.height / 2];
    const across = Math.max(b.left - x, 0, x - b.right);
    const down = Math.max(b.top - y, 0, y - b.bottom);
    return Math.hypot(across, down) < 12;
  };
  return targets.flatMap((each, place) => {
    const box = boxes[place];
    if (!box.width || !small(box) || (each.matches("a") && each.closest("p, dd, td, li"))) return [];
    const crowded = boxes.some((other, at) => at !== place && other.width && near(box, other));
    const size = `${Math.round(box.width)} × ${Math.round(box.height)}`;
    return crowded ? [`small: ${size} ${each.outerHTML.slice(0, 120)}`] : [];
  });
}"""

UNNAMED = """() => [...document.querySelectorAll("button, a[href]")]
  .filter((each) => each.checkVisibility() && !each.getAttribute("aria-labelledby"))
  .filter((each) => !(each.ariaLabel || each.textContent || each.title).trim())
  .map((each) => `unnamed: ${each.outerHTML.slice(0, 120)}`)"""


def test_no_page_has_anything_serious_for_axe_small_targets_or_controls_without_a_name(
    chromium: Chromium, address: str, runs: dict[str, str], scripts: dict[str, str]
) -> None:
    """Targets are 24 pixels or stand apart; axe looks at each page in light and, for its colours, in dark."""
    found: dict[str, Any] = {}
    with tab(chromium, bypass_csp=True) as page:  # the page's own policy would refuse axe
        for name, path in PAGES.items():
            page.emulate_media(color_scheme="light")
            come_to(page, address + path.format(**runs, **scripts))
            page.wait_for_timeout(250)
            page.evaluate(AXE)
            problems = page.evaluate(SMALL) + page.evaluate(UNNAMED) + page.evaluate(TWICE) + page.evaluate(SERIOUS, {})
            page.emulate_media(color_scheme="dark")
            expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
            page.wait_for_timeout(250)
            if problems := problems + page.evaluate(SERIOUS, COLOURS):
                found[name] = problems
    assert found == {}


def test_the_pictures_say_in_words_what_they_show(page: Page, address: str, live_run: Recording) -> None:
    page.goto(f"{address}/runs/{live_run.id}?layer=1")
    page.wait_for_function("() => neq.run.present()?.drawn && neq.run.present().heatmap.layer?.cells.epochs === 5")
    frozen = [int(masks[-1].sum()) for masks in live_run.frozen]
    label = page.locator("[data-part=neurons]").get_attribute("aria-label")
    assert label and f"After epoch 4: {frozen[1]} frozen" in label
    share = max(count / neurons for count, neurons in zip(frozen, live_run.neurons, strict=True))
    spoken = page.locator("[data-part=overview] canvas").get_attribute("aria-label")
    assert spoken and f"{100 * share:.1f} %" in spoken
    expect(page.locator("[data-part=accuracy] canvas")).to_have_attribute(
        "aria-label", "Accuracy by epoch. train 50.0 % at epoch 4; test 25.4 % at epoch 4"
    )
    buttons = page.locator(".multiple")
    buttons.nth(2).scroll_into_view_if_needed()
    expect(buttons.nth(2)).to_have_attribute(
        "aria-label",
        f"conv2, Conv2d, 40 neurons, {int(100 * float(np.float32(frozen[2] / 40)) + 0.5)} % frozen",
    )
