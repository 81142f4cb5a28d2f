"""The table of runs, grouped: by mouse, by keyboard, and as the address and views keep it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from contract.config import RunConfig
from db import Store
from tests.dashboard.test_bulk import bar
from tests.dashboard.test_runs_table import make, open_table, row


def sweep(store: Store) -> None:
    """Three seeds of two thresholds; of one seed the first has ended."""
    for epsilon in (0.01, 0.1):
        for seed in (1, 2, 6):
            config = RunConfig.model_validate({"neq": {"epsilon": epsilon}, "training": {"seed": seed}})
            name = f"at {epsilon}, {seed}"
            run = store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=1)
    store.request_stop(run.id)


def group(page: Page, value: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=value, exact=True))


def test_runs_are_grouped_ticked_sorted_and_listed(page: Page, address: str, store: Store) -> None:
    sweep(store)
    open_table(page, f"{address}/?cols=training.seed")
    expect(row(page, "at 0.1, 6")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.type("neq.epsilon")
    page.keyboard.press("Enter")
    # The seeds 1, 2 and 6 have the mean 3 and, from squares of 4, 1 and 9 over two, the deviation √7.
    for value in ("0.01", "0.1"):
        expect(group(page, value).locator("[col-id='field:training.seed']")).to_have_text("3.0 ± 2.6")
    expect(group(page, "0.1").locator("[col-id=runs]")).to_have_text("3")
    expect(group(page, "0.1").locator("[col-id=states]")).to_have_text("2 queued1 stopped")
    expect(page).to_have_url(re.compile(r"by=neq\.epsilon"))
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("dialog", name="Save table").get_by_role("button", name="CSV").click()
    header, *lines = (line.split(",") for line in saved.value.path().read_text().splitlines())
    assert saved.value.suggested_filename == "groups.csv" and header[-3:-1] == [
        "training.seed mean",
        "training.seed std",
    ]
    assert {line[0]: (line[-3], float(line[-2]) ** 2, line[-1]) for line in lines} == {
        value: ("3", pytest.approx(7), "3") for value in ("0.01", "0.1")
    }

    group(page, "0.1").get_by_role("checkbox").click()
    expect(bar(page)).to_contain_text("3 selected")
    expect(group(page, "0.1").get_by_role("checkbox")).to_be_checked()
    page.get_by_role("columnheader", name="epsilon").click()
    page.get_by_role("columnheader", name="epsilon").click()
    first = page.locator("#runs-table .ag-center-cols-container [row-index='0']")
    expect(first).to_contain_text("0.1")
    expect(first.get_by_role("checkbox")).to_be_checked()
    page.reload()
    expect(first).to_contain_text("0.1")  # the order and the grouping are the address's

    # A run that comes joins its group.
    store.create_run(
        config=RunConfig.model_validate({"neq": {"epsilon": 0.1}}).model_dump(mode="json"), epochs_planned=1
    )
    expect(group(page, "0.1").locator("[col-id=runs]")).to_have_text("4")

    first.locator("[col-id=runs]").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(bar(page)).to_contain_text("3 selected")
    page.keyboard.press("Enter")
    expect(row(page, "at 0.01, 6")).to_be_visible()
    expect(row(page, "at 0.1, 6")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value("neq.epsilon = 0.01")
    expect(row(page, "at 0.01, 6").get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_label("Group by")).to_have_value("")


def test_what_cannot_be_grouped_by_is_said_and_the_rows_stay(page: Page, address: str, store: Store) -> None:
    make(store, "mine")
    open_table(page, f"{address}/?by=-x")
    expect(row(page, "mine")).to_be_visible()  # a link that cannot be read shows all runs
    said = page.locator("#runs-by-problem")
    expect(said).to_contain_text("without a minus")
    page.get_by_label("Group by").fill("state")
    page.keyboard.press("Enter")
    expect(group(page, "queued")).to_be_visible()
    expect(said).to_be_empty()
    page.get_by_label("Group by").fill("a,b,c,d,e")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("4 fields at most")
    expect(group(page, "queued")).to_be_visible()
    expect(page).to_have_url(re.compile("by=state"))
    page.get_by_role("button", name="Do not group").click()
    expect(row(page, "mine")).to_be_visible()
    expect(page).not_to_have_url(re.compile("by="))
