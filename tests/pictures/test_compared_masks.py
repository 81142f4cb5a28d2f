"""The masks of two compared runs, as the page draws and words them."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording

CELLS = """() => {
  const { shape, values } = neq.compare.present().masks.cells;
  return { shape, values: [...values] };
}"""


@pytest.fixture
def pair(store: Store) -> list[Recording]:
    """Two runs of equal settings whose masks differ; the last layer of a third has another size."""
    runs = [Recording(store, neurons, seed=seed) for neurons, seed in (((6, 9), 1), ((6, 9), 2), ((6, 4), 3))]
    for run in runs:
        run.start()
        for _ in range(4):
            run.epoch()
    return runs


def opened(page: Page, address: str, runs: list[Recording], more: str = "") -> None:
    page.goto(f"{address}/compare?runs={','.join(run.id for run in runs)}{more}")
    page.wait_for_selector("#compare-page[data-drawn]")
    expect(page.locator("[data-part=mask-words]")).not_to_have_text("Loading…")


def test_cells_and_words_are_what_the_masks_say(page: Page, address: str, pair: list[Recording]) -> None:
    opened(page, address, pair[:2], "&layer=conv1")
    numbers = page.locator("[data-part=mask-numbers]")
    expect(numbers).to_contain_text("neurons froze in both runs")
    masks = [np.array(run.frozen[1]) for run in pair[:2]]
    drawn = page.evaluate(CELLS)
    assert drawn["shape"] == [4, 9]
    assert drawn["values"] == (masks[0] * 1 + masks[1] * 2).ravel().tolist()
    both = int((masks[0].any(0) & masks[1].any(0)).sum())
    expect(numbers).to_contain_text(f"{both} of 9 neurons froze in both runs")
    expect(page.locator("[data-part=mask-words]")).to_contain_text("single neurons can be compared")
    expect(page.locator("[data-part=mask-jaccard]")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("heading", name="First freeze in A against B, conv1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save…: first freezes of two runs").press("Enter")
        page.get_by_role("dialog", name="Save figure").get_by_label("Data").check()
        page.keyboard.press("Enter")
    assert "conv1" in download.value.suggested_filename, "files of two layers are two files"


def test_layers_of_another_size_are_compared_by_fractions(page: Page, address: str, pair: list[Recording]) -> None:
    opened(page, address, [pair[0], pair[2]], "&layer=conv1")
    card = page.locator("[data-part=masks-card]")
    expect(card).to_contain_text("9 and 4 neurons: single neurons cannot be compared, fractions can.")
    expect(page.locator("[data-part=mask-words]")).to_contain_text("another network")
    expect(page.locator("[data-part=mask-difference]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-part=mask-scale]")).to_contain_text("Frozen fraction, B − A")


def test_runs_are_chosen_and_layers_opened_by_keyboard(page: Page, address: str, pair: list[Recording]) -> None:
    opened(page, address, pair, "&layer=conv0")
    expect(page.locator("[data-part=mask-layer]")).to_have_text("conv0")
    page.keyboard.press("l")
    expect(page.locator("[data-part=mask-layer]")).to_have_text("conv1")
    page.locator("[data-part=mask-b]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-part=masks-card]")).to_contain_text("9 and 4 neurons")


def test_one_run_has_nothing_to_be_held_against(page: Page, address: str, pair: list[Recording]) -> None:
    page.goto(f"{address}/compare?runs={pair[0].id}")
    page.wait_for_selector("#compare-page[data-drawn]")
    expect(page.locator("[data-part=masks-card]")).to_be_hidden()
