"""The card that tells what a run found in its data: its table, what was passed over, and that names are no markup."""

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording
from tests.server.test_run_data import FOUND, Told


def test_the_card_tells_what_was_found_before_the_first_epoch(page: Page, address: str, store: Store) -> None:
    run = Told(store, epochs=30)
    page.goto(f"{address}/runs/{run.id}")
    card = page.locator("[data-part=data-found]")
    expect(card).to_contain_text("is scanning its data")
    run.start()
    expect(card.locator(".data-total")).to_have_text("All 24 classes96024040")
    rows = card.locator(".data-table tbody tr:not(.data-total)")
    expect(rows.locator("visible=true")).to_have_count(20)
    expect(rows.nth(3)).to_have_text("<b>class 34002")
    more = card.get_by_role("button", name="Show 4 more classes")
    more.focus()
    page.keyboard.press("Enter")
    expect(rows.locator("visible=true")).to_have_count(24)
    expect(card.get_by_role("button", name="Show fewer classes")).to_have_attribute("aria-expanded", "true")
    for words in (
        "mine/train",
        "24 × 20–22 px (in 500 of 1,200 images)",
        "0 to 4,000; white is 4,095 (in 32 of 1,200 images)",
        "Skipped (5)",
        "5 × left by macOS mine/.DS_Store, mine/train/._a.png, …",
        "Not used of mine: test.",
        "No test image shows <b>class 3",
    ):
        expect(card).to_contain_text(words)


def test_one_more_class_is_not_classes(page: Page, address: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = FOUND.model_copy(update={"class_count": 21, "classes": FOUND.classes[:21]})
    monkeypatch.setattr("tests.server.test_run_data.FOUND", found)
    run = Told(store, epochs=30)
    run.start()
    page.goto(f"{address}/runs/{run.id}")
    expect(page.get_by_role("button", name="Show 1 more class", exact=True)).to_be_visible()


def test_the_card_of_a_stored_run_is_there_after_a_reload(page: Page, address: str, store: Store) -> None:
    run = Told(store, epochs=30)
    run.start()
    run.epoch()
    page.goto(f"{address}/runs/{run.id}")
    expect(page.locator(".data-total")).to_contain_text("All 24 classes")


def test_a_run_of_an_older_program_says_that_it_did_not_look(page: Page, address: str, store: Store) -> None:
    run = Recording(store, epochs=30)
    run.start()
    page.goto(f"{address}/runs/{run.id}")
    expect(page.locator("[data-part=data-found]")).to_contain_text("did not record data statistics")
