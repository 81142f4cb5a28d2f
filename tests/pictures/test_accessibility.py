"""axe-core finds nothing serious on any page, light and dark, and the keyboard reaches everything."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import tab
from tests.pictures.pages import PAGES, come_to
from tests.server.recording import Recording

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SERIOUS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    chromium: Browser, address: str, runs: dict[str, str], scheme: str
) -> None:
    found: dict[str, Any] = {}
    # Its script is put in by the test: the page's own policy would refuse it.
    options: Any = {"color_scheme": scheme, "bypass_csp": True}
    with tab(chromium, **options) as page:
        for name, path in PAGES.items():
            come_to(page, address + path.format(**runs))
            page.wait_for_timeout(250)
            page.evaluate(AXE)
            if problems := page.evaluate(SERIOUS):
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
