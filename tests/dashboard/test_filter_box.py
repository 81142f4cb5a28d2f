"""The filter above the table of runs, in a real browser."""

import re

from playwright.sync_api import Locator, Page, expect

from contract.config import RunConfig
from db import Store
from tests.dashboard.test_runs_table import open_table, row


def make(store: Store, name: str, epsilon: float) -> None:
    config = RunConfig.model_validate({"name": name, "neq": {"epsilon": epsilon}})
    store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=1, group="a b")


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Filter")


def test_a_filter_is_completed_by_keyboard_and_kept_in_the_address(page: Page, address: str, store: Store) -> None:
    make(store, "small", 0.001)
    make(store, "large", 0.1)
    open_table(page, address)
    expect(row(page, "small")).to_be_visible()
    page.keyboard.press("f")
    expect(box(page)).to_be_focused()
    page.keyboard.type("neq.eps")
    option = page.get_by_role("option", name=re.compile("^neq.epsilon"))
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute("aria-activedescendant", "runs-where-0")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("neq.epsilon ")
    page.keyboard.type("= ")
    expect(page.get_by_role("option", name=re.compile(r"^0\.001"))).to_contain_text("1 run")
    page.keyboard.type("0.0")
    page.keyboard.press("Tab")
    expect(box(page)).to_have_value("neq.epsilon = 0.001 ")
    expect(row(page, "large")).to_be_hidden()
    expect(row(page, "small")).to_be_visible()
    expect(page).to_have_url(re.compile("where=neq.epsilon"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Completions")).to_be_hidden()
    page.reload()
    expect(row(page, "small")).to_be_visible()
    expect(row(page, "large")).to_be_hidden()
    page.get_by_role("button", name="Clear the filter").click()
    expect(row(page, "large")).to_be_visible()
    expect(box(page)).to_be_focused()


def test_an_option_is_taken_with_the_mouse(page: Page, address: str, store: Store) -> None:
    make(store, "one", 0.1)
    open_table(page, address)
    box(page).click()
    box(page).press_sequentially("grou")
    page.get_by_role("option", name=re.compile("^group")).click()
    expect(box(page)).to_have_value("group ")
    page.get_by_role("option", name=re.compile("^=")).click()
    page.get_by_role("option", name=re.compile("a b")).click()
    expect(box(page)).to_have_value('group = "a b" ')
    expect(row(page, "one")).to_be_visible()


def test_an_error_is_marked_at_its_place_and_the_last_result_stays(page: Page, address: str, store: Store) -> None:
    make(store, "small", 0.001)
    make(store, "large", 0.1)
    open_table(page, f"{address}/?where=neq.epsilon+%3C+0.01")
    expect(row(page, "small")).to_be_visible()
    expect(row(page, "large")).to_be_hidden()
    box(page).fill('name = "😀" and state = runing and epochs < 1')
    expect(page.locator(".filter-mark span")).to_have_text("runing")
    expect(page.get_by_text("did you mean running?")).to_be_visible()
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    expect(row(page, "small")).to_be_visible()
    expect(row(page, "large")).to_be_hidden()
    box(page).fill("name =")  # it just goes on
    expect(box(page)).to_have_attribute("aria-invalid", "false")
    box(page).press("Enter")
    expect(page.get_by_text("A value must stand here")).to_be_visible()


def test_a_link_whose_filter_cannot_be_read_shows_all_runs_and_says_so(page: Page, address: str, store: Store) -> None:
    make(store, "small", 0.001)
    open_table(
        page, f"{address}/?where=state+%3D+runing&cols=neq.epsilon,nosuch(&sort=nosuch(,-neq.epsilon,gone&view=x"
    )
    expect(row(page, "small")).to_be_visible()
    expect(page.locator("#runs-left-out")).to_contain_text(re.compile("“view”.*“gone”.*“nosuch\\(”"))
    assert page.url.endswith("?cols=neq.epsilon&sort=-neq.epsilon")
    expect(box(page)).to_have_value("state = runing")
    expect(page.locator(".filter-mark span")).to_have_text("runing")
