"""Named views of the table of runs, in a real browser."""

import re

from playwright.sync_api import Page, expect

from db import Store
from tests.dashboard.test_runs_table import make, open_table, row

QUERY = "where=name+%3D+apple&cols=group&sort=-name"


def test_a_view_is_saved_opened_and_deleted_by_keyboard(page: Page, address: str, store: Store) -> None:
    make(store, "apple")
    make(store, "pear")
    open_table(page, f"{address}/?{QUERY}")
    expect(row(page, "apple")).to_be_visible()
    page.keyboard.press("v")
    dialog = page.get_by_role("dialog", name="Views")
    expect(dialog.get_by_text("No view is saved yet.")).to_be_visible()
    page.keyboard.type("apples")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="apples")).to_be_visible()
    page.keyboard.press("Escape")
    assert [(view.name, view.query) for view in store.views("runs")] == [("apples", QUERY)]

    page.goto(address)
    expect(row(page, "pear")).to_be_visible()
    page.keyboard.press("v")
    dialog.get_by_role("link", name="apples").press("Enter")
    expect(row(page, "pear")).to_be_hidden()
    expect(row(page, "apple")).to_be_visible()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value("name = apple")
    expect(page.get_by_role("columnheader", name="Group")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile(re.escape(QUERY)))

    page.get_by_role("button", name="Views").click()
    dialog.get_by_role("button", name="Delete the view apples").click()
    expect(dialog.get_by_text("No view is saved yet.")).to_be_visible()
    assert store.views("runs") == []


def test_a_view_of_the_same_name_is_replaced_after_a_question(page: Page, address: str, store: Store) -> None:
    make(store, "apple")
    store.save_view("runs", "mine", "sort=name")
    open_table(page, f"{address}/?state=queued")
    expect(row(page, "apple")).to_be_visible()
    page.get_by_role("button", name="Views").click()
    dialog = page.get_by_role("dialog", name="Views")
    expect(dialog.get_by_role("link", name="mine")).to_be_visible()
    for answer, query in (("Cancel", "sort=name"), ("Replace", "state=queued")):
        dialog.get_by_label("Save this view as").fill("mine")
        dialog.get_by_role("button", name="Save").click()
        page.get_by_role("dialog", name="Replace this view?").get_by_role("button", name=answer).click()
        expect(dialog.get_by_role("link", name="mine")).to_have_attribute("href", re.compile(re.escape(query)))
