"""What is done to the runs of a study as one, from the table: their controls, and more epochs."""

import re

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.dashboard.test_bulk import bar, tick
from tests.dashboard.test_runs_table import make, open_table, row
from tests.server.test_going_on import Keeping


@pytest.fixture
def ended(store: Store) -> Keeping:
    """A run of a study that was stopped after four epochs, with a checkpoint."""
    keeping = Keeping(store)
    keeping.start()
    for _ in range(4):
        keeping.epoch()
    keeping.stop()
    store.put_in_group(keeping.id, "study")
    return keeping


def test_controls_and_extensions_are_queued_and_listed(page: Page, address: str, store: Store, ended: Keeping) -> None:
    waits = make(store, "waits")
    open_table(page, address)
    tick(page, "recorded", "waits")
    bar(page).get_by_role("button", name="Controls").press("Enter")
    dialog = page.get_by_role("dialog", name="Launch controls of 2 runs")
    expect(dialog.get_by_role("status")).to_have_text("Up to 10 runs will be queued: 5 controls for each of 2 runs.")
    for name in ("Random neurons", "Replayed masks", re.compile("^Dense, as long")):
        dialog.get_by_label(name).uncheck()
    expect(dialog.get_by_role("status")).to_contain_text("Up to 4 runs")
    dialog.get_by_role("button", name="Launch").click()
    # A run that has not begun has no prefix.
    expect(page.get_by_text("3 controls were launched. “waits”, Static prefix")).to_be_visible()
    assert len(store.queue()) == 4

    bar(page).get_by_role("button", name="Extend").press("Enter")
    page.keyboard.type("700")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“waits”: Run")).to_be_visible()
    link = page.get_by_role("link", name="Show in the table").last
    expect(link).to_have_attribute("href", re.compile(store.queue()[-1]))
    link.click()
    expect(row(page, "recorded · 700 epochs")).to_be_visible()
    expect(row(page, "waits")).to_be_hidden()
    made = store.run(store.queue()[-1])
    assert (made.group, made.parent_id, made.epochs_planned) == ("study", ended.id, 700)
    assert store.run(waits.id).state == "queued"
