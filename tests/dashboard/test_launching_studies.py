"""Launching many runs from the form, in a real browser against the real API and store."""

from itertools import product
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, expect

from contract.config import RunConfig
from contract.sweeps import cells
from db import Store
from tests.dashboard.test_launching import control, open_form

EPSILONS = (1e-4, 1e-3, 1e-2)


def several(page: Page, path: str) -> Locator:
    return control(page, path, "several")


def launch(page: Page) -> Locator:
    return page.locator("#form-launch")


def stored(store: Store) -> set[tuple[float, str, int]]:
    runs = [store.run(run).config for run in store.queue()]
    return {(run["neq"]["epsilon"], run["optimizer"]["kind"], run["training"]["seed"]) for run in runs}


def go_through(page: Page) -> None:
    """Presses the button, and again where warnings are shown first."""
    launch(page).click()
    anyway = page.get_by_role("button", name="Launch anyway")
    page.wait_for_function("() => location.pathname === '/' || document.querySelector('#form-alert.form-doubt')")
    if anyway.is_visible():
        anyway.click()
    page.wait_for_url("**/?where=*")


def test_a_study_is_launched_by_mouse_and_its_group_opens(page: Page, address: str, store: Store) -> None:
    open_form(page, address, "?preset=quick-look")
    control(page, "neq.epsilon").fill("1e-4, 1e-3, 1e-2")
    several(page, "optimizer.kind").get_by_text("Several").click()
    expect(several(page, "optimizer.kind").get_by_label("SGD")).to_be_checked()
    several(page, "optimizer.kind").get_by_label("Adam", exact=True).check()
    expect(control(page, "optimizer.adam.learning_rate")).to_be_visible()
    expect(control(page, "optimizer.sgd.momentum")).to_be_visible()
    page.locator("#form-seeds").fill("2")
    page.locator("#form-group").fill("a study")
    expect(launch(page)).to_have_text("Launch 12 runs")
    expect(page.locator("#form-check")).to_contain_text("12 runs. How long they take is unknown")
    go_through(page)
    assert parse_qs(urlsplit(page.url).query) == {"where": ['group = "a study"']}
    assert stored(store) == set(product(EPSILONS, ("sgd", "adam"), (0, 1)))
    assert [(group.name, group.runs) for group in store.groups()] == [("a study", 12)]


def test_a_study_is_launched_by_keyboard_alone(page: Page, address: str, store: Store) -> None:
    open_form(page, address, "?preset=quick-look")
    control(page, "neq.epsilon").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("1e-4, 1e-3")
    several(page, "optimizer.kind").locator("summary").focus()
    page.keyboard.press("Enter")
    expect(several(page, "optimizer.kind").get_by_label("SGD")).to_be_checked()
    page.keyboard.press("Tab")  # SGD, which is chosen
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("#form-seeds").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    expect(launch(page)).to_have_text("Launch 8 runs")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.pathname === '/' || document.querySelector('#form-alert.form-doubt')")
    if page.get_by_role("button", name="Launch anyway").is_visible():
        page.keyboard.press("Enter")  # it has the focus
    page.wait_for_url("**/?where=*")
    assert stored(store) == set(product((1e-4, 1e-3), ("sgd", "adam"), (0, 1)))


def test_what_is_wrong_with_some_runs_is_marked_and_nothing_is_queued(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    control(page, "neq.epsilon").fill("1e-3, 9")
    expect(page.get_by_text("Must be at most 4 (1 of 2 runs, such as epsilon 9)")).to_be_visible()
    launch(page).click()
    expect(control(page, "neq.epsilon")).to_be_focused()
    assert store.queue() == []


def test_too_many_runs_are_refused_in_words(page: Page, address: str, store: Store) -> None:
    open_form(page, address)
    control(page, "training.seed").fill("0..999")
    control(page, "neq.mu").fill("0, 0.5")
    launch(page).click()
    expect(page.locator("#form-alert")).to_contain_text("2,000 runs, and 1,000 are queued at once at most")
    assert store.queue() == []


def test_a_study_that_is_not_launched_yet_survives_a_reload_and_a_reset_ends_it(
    page: Page, address: str, store: Store
) -> None:
    open_form(page, address)
    several(page, "neq.pinning").locator("summary").evaluate(
        "summary => summary.closest('details.form-more').open = true"
    )
    several(page, "neq.pinning").locator("summary").click()
    several(page, "neq.pinning").get_by_label("On", exact=True).check()
    several(page, "neq.pinning").get_by_label("Off", exact=True).check()
    page.locator("#form-seeds").fill("3")
    expect(launch(page)).to_have_text("Launch 6 runs")
    page.reload()
    expect(launch(page)).to_have_text("Launch 6 runs")
    expect(page.locator("#form-seeds")).to_have_value("3")
    page.get_by_role("button", name="Reset form").click()
    expect(launch(page)).to_have_text("Launch run")


def test_a_decimal_comma_is_one_value_and_the_server_says_how_to_write_it(page: Page, address: str) -> None:
    open_form(page, address)
    control(page, "optimizer.sgd.learning_rate").fill("0,05")
    expect(page.get_by_text("Use a point: 0.05")).to_be_visible()
    expect(launch(page)).to_have_text("Launch run")


def test_a_study_from_the_paper_fills_in_the_form_and_is_launched_as_it_is_told(
    page: Page, address: str, store: Store
) -> None:
    open_form(page, address)
    control(page, "neq.mu").fill("0.25")
    card = page.locator(".study", has_text="SGD against Adam")
    expect(card).to_contain_text("here a small CNN")
    expect(card).to_contain_text("6 runs. How long they take is unknown")
    page.get_by_role("button", name="Launch study… Threshold ε").click()
    expect(control(page, "neq.epsilon")).to_have_value("0, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5")
    expect(launch(page)).to_have_text("Launch 9 runs")
    page.get_by_role("button", name="Undo").click()
    expect(control(page, "neq.mu")).to_have_value("0.25")
    expect(page.locator("#form-group")).to_have_value("")
    page.get_by_role("button", name="Launch study… SGD against Adam").focus()
    page.keyboard.press("Enter")
    expect(launch(page)).to_have_text("Launch 6 runs")
    expect(page.locator("#form-alert")).to_be_in_viewport()
    expect(page.locator("#form-group")).to_have_value("study optimizer, scaled")
    go_through(page)
    runs = [store.run(run) for run in store.queue()]
    assert {run.group for run in runs} == {"study optimizer, scaled"}
    told = httpx.get(f"{address}/api/v1/studies").json()["studies"][0]["scales"][0]["sweep"]
    wanted = [cell.description for cell in cells(told["base"], told["grid"], told["seeds"])]
    assert [run.config | {"name": ""} for run in runs] == [
        RunConfig.model_validate(each).model_dump(mode="json") for each in wanted
    ]
