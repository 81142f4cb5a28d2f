"""axe-core finds nothing serious on any page, light and dark, and the keyboard reaches everything."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from db import Store
from tests.chromium import tab
from tests.pictures.costs import costs
from tests.server.recording import Recording
from trainer.config import RunConfig

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SERIOUS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
}"""

CONTROLS = """() => {
  // What can be pressed, chosen or written into, and was not reached yet.
  const found = document.querySelectorAll("#run-page :is(button, select, input, a[href]):not(:disabled)");
  return [...found].filter((each) => each.checkVisibility() && !window.reached?.has(each))
    .map((each) => each.outerHTML.slice(0, 120));
}"""


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run with five epochs, inside its sixth."""
    recording = Recording(store, (6, 40, 40), epochs=30, costs=costs)
    recording.start()
    for _ in range(5):
        recording.epoch()
    recording.progress(4)
    recording.log("a line")
    return recording


@pytest.fixture
def addresses(store: Store, recording: Recording) -> dict[str, str]:
    """Every page, and a run's page in its states."""
    config = RunConfig().model_dump(mode="json")
    queued = store.create_run(name="waits", config=config, epochs_planned=24)
    stopped = store.create_run(name="stopped", config=config, epochs_planned=24)
    store.request_stop(stopped.id)
    return {
        "runs": "/",
        "new run": "/new",
        "compare": f"/compare?runs={recording.id},{queued.id}",
        "compare nothing": "/compare",
        "missing": "/nowhere",
        "running": f"/runs/{recording.id}",
        "looked at": f"/runs/{recording.id}?layer=1&neuron=3&colour=delta&pair=1&epoch=2&overview=speed&values=phi",
        "queued": f"/runs/{queued.id}",
        "stopped": f"/runs/{stopped.id}",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    chromium: Browser, address: str, addresses: dict[str, str], scheme: str
) -> None:
    found: dict[str, Any] = {}
    # Its script is put in by the test: the page's own policy would refuse it.
    options: Any = {"color_scheme": scheme, "bypass_csp": True}
    with tab(chromium, **options) as page:
        for name, path in addresses.items():
            page.goto(address + path)
            expect(page.locator("main h1").first).to_be_visible()
            if "/runs/" in path:
                page.wait_for_function("() => neq.run.present()?.drawn")
            page.wait_for_timeout(250)
            page.evaluate(AXE)
            if problems := page.evaluate(SERIOUS):
                found[name] = problems
    assert found == {}


def test_every_control_of_the_run_page_is_reached_with_tab(page: Page, address: str, recording: Recording) -> None:
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    page.wait_for_function("() => neq.run.present()?.drawn && neq.run.present().heatmap.layer")
    wanted = len(page.evaluate(CONTROLS))
    page.evaluate("""() => {
      window.reached = new Set();
      document.addEventListener("focusin", ({ target }) => window.reached.add(target));
      document.querySelector("#page").focus();
    }""")
    for _ in range(wanted + 60):
        page.keyboard.press("Tab")
    assert page.evaluate(CONTROLS) == []
    assert page.evaluate("() => window.reached.has(neq.run.present().heatmap.host)")


def test_the_pictures_say_in_words_what_they_show(page: Page, address: str, recording: Recording) -> None:
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    page.wait_for_function("() => neq.run.present()?.drawn && neq.run.present().heatmap.layer?.cells.epochs === 5")
    frozen = [int(masks[-1].sum()) for masks in recording.frozen]
    label = page.locator("[data-part=neurons]").get_attribute("aria-label")
    assert label and f"After epoch 4: {frozen[1]} frozen" in label
    share = max(count / neurons for count, neurons in zip(frozen, recording.neurons, strict=True))
    spoken = page.locator("[data-part=overview] canvas").get_attribute("aria-label")
    assert spoken and f"{100 * share:.1f} %" in spoken
    expect(page.locator("[data-part=accuracy] canvas")).to_have_attribute(
        "aria-label", "Accuracy over the epochs. train 50.0 % at epoch 4; test 25.4 % at epoch 4"
    )
    buttons = page.locator(".multiple")
    buttons.nth(2).scroll_into_view_if_needed()
    expect(buttons.nth(2)).to_have_attribute(
        "aria-label",
        f"conv2, Conv2d, 40 neurons, {int(100 * float(np.float32(frozen[2] / 40)) + 0.5)} % frozen",
    )
