"""Every page is walked with Tab, both ways, and does what it is for without a mouse."""

import re

from playwright.sync_api import Page, expect

from db import Store
from tests.pictures.pages import PAGES, TWICE, come_to
from tests.pictures.walking import walk
from tests.server.recording import Recording


def test_tab_reaches_every_control_of_every_page_and_leaves_it_both_ways(
    page: Page, address: str, runs: dict[str, str], scripts: dict[str, str]
) -> None:
    found: dict[str, object] = {}
    for name, path in PAGES.items():
        if name == "running":
            continue  # "looked at" has all its controls, and more
        come_to(page, address + path.format(**runs, **scripts))
        if name == "looked at":  # what is asked for once it is seen, and a walk is quicker than a person's
            page.locator("[data-part=plans]").scroll_into_view_if_needed()
            expect(page.locator("[data-part=plans] table")).to_be_visible()
        there, back = walk(page), walk(page, "Shift+Tab")
        for way, met in (("forward", there), ("backward", back)):
            if not met.left:
                found[f"{name}, {way}: caught"] = met.stops[-3:]
            if met.missed or met.ringless:
                found[f"{name}, {way}: missed, without a ring"] = (met.missed, met.ringless)
    assert found == {}


def test_help_is_a_description_and_not_a_name(page: Page, address: str, runs: dict[str, str]) -> None:
    come_to(page, f"{address}/runs/{runs['running']}")
    button = page.get_by_role("button", name="Help: φ", exact=True)
    expect(button).to_have_accessible_description(re.compile("how similar a neuron's output is"))
    legend = page.get_by_role("note").filter(has_text="just thawed")
    expect(legend).to_have_accessible_description(re.compile("updated again"))
    tile = page.locator(".tile").filter(has_text="Frozen during")
    expect(tile).to_have_accessible_description(re.compile("not updated during"))


# ------------------------------------------------------------ the table of runs


def at(page: Page) -> str:
    """What has the focus: the column and the first words of a cell, or what a screen reader says."""
    return str(
        page.evaluate(
            """() => {
              const on = document.activeElement;
              const cell = on.matches("[role=gridcell], [role=columnheader]");
              const name = on.getAttribute("aria-label") || on.textContent;
              return cell ? `${on.getAttribute("role")} ${on.getAttribute("col-id")}` : name;
            }"""
        )
    )


def to_the_rows(page: Page) -> None:
    """From the toolbar into the table's first row, as Tab goes."""
    page.get_by_role("button", name="Shortcuts").focus()
    page.keyboard.press("Tab")
    assert at(page).startswith("columnheader")
    page.keyboard.press("Tab")
    assert at(page).startswith("gridcell")


def to_column(page: Page, column: str) -> None:
    for _ in range(12):
        if at(page) == f"gridcell {column}":
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"{column} is not reached")


def test_the_table_is_two_stops_and_the_arrows_move_within(page: Page, address: str, runs: dict[str, str]) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("Shift+Tab")
    assert at(page).startswith("columnheader")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert at(page) == "columnheader name"
    page.keyboard.press("Enter")  # sorts by name
    expect(page.locator("[role=columnheader][col-id=name]")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("[row-index='2'] [col-id=name]")).to_contain_text(
        "was stopped"
    )  # rows that come take the focus
    page.keyboard.press("ArrowDown")
    assert at(page) == "gridcell name"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement === document.body")


def test_a_run_is_opened_and_two_are_compared_by_keyboard(page: Page, address: str, runs: dict[str, str]) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    compare = page.get_by_role("button", name="Compare 2")
    expect(compare).to_be_enabled()
    compare.press("Enter")
    page.wait_for_url(re.compile(f"runs={runs['stopped']},{runs['queued']}"))
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/runs/{runs['stopped']}"))


def test_name_tags_and_notes_are_edited_by_keyboard(
    page: Page, address: str, store: Store, runs: dict[str, str]
) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_role("button", name="Close")).to_be_visible()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("renamed")
    page.keyboard.press("Tab")
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("a note")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="renamed")).to_be_visible()
    expect(dialog).to_be_hidden()
    changed = store.run(runs["stopped"])
    assert (changed.name, changed.tags, changed.notes) == ("renamed", ("first",), "a note")
    page.wait_for_function("() => document.activeElement.getAttribute('role') === 'gridcell'")


def test_a_run_is_deleted_by_keyboard_after_a_question(
    page: Page, address: str, store: Store, runs: dict[str, str]
) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("was stopped")
    for _ in range(3):
        if at(page) == "Delete":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="was stopped")).to_be_hidden()
    assert runs["stopped"] not in {run.id for run in store.runs().items}


def test_the_actions_of_a_row_are_chosen_with_the_arrows(page: Page, address: str, runs: dict[str, str]) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    to_column(page, "actions")
    page.keyboard.press("Enter")
    seen = [at(page)]
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        seen.append(at(page))
    assert [words.split(":")[0] for words in seen] == ["Clone run", "Edit name, tags and notes", "Delete"]
    page.keyboard.press("Escape")
    assert at(page) == "gridcell actions"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement === document.body")


def test_a_change_of_a_run_takes_no_focus_away(page: Page, address: str, store: Store, live_run: Recording) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    to_column(page, "actions")
    page.keyboard.press("Enter")
    assert at(page) == "Stop: recorded"
    live_run.epoch()
    expect(page.get_by_role("row").filter(has_text="recorded")).to_contain_text("6 of 30")
    assert at(page) == "Stop: recorded"


def test_the_help_of_the_runs_page_opens_and_closes_by_keyboard(page: Page, address: str, runs: dict[str, str]) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("for comparison and other actions")
    page.keyboard.press("Escape")
    assert at(page).startswith("gridcell")


# ------------------------------------------------------------ a run's page


def press_tab_to(page: Page, name: str) -> None:
    """Tab until a control of this name has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if at(page).startswith(name):
            return
    raise AssertionError(f"{name} is not reached")


def test_layer_cursor_and_replay_are_worked_by_keyboard(page: Page, address: str, live_run: Recording) -> None:
    come_to(page, f"{address}/runs/{live_run.id}?layer=1")
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("layer=2"))
    page.keyboard.press("Home")
    expect(page.locator("[data-part=cursor-words]")).to_have_text("epoch 0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-part=cursor-words]")).to_have_text("epoch 1")
    press_tab_to(page, "Replay the epochs")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=cursor-newest]")).to_have_attribute("aria-pressed", "true")  # the replay is over
    press_tab_to(page, "Layer")
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile("layer=1"))


def test_a_run_is_stopped_by_keyboard_after_a_question(page: Page, address: str, live_run: Recording) -> None:
    come_to(page, f"{address}/runs/{live_run.id}")
    page.evaluate("() => document.activeElement.blur()")
    press_tab_to(page, "Stop")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press_tab_to(page, "Stop the run")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=stop]")).to_have_text("Stopping…")
    assert live_run.run.stop_requested


def test_a_run_is_deleted_from_its_page_by_keyboard(
    page: Page, address: str, store: Store, runs: dict[str, str]
) -> None:
    come_to(page, f"{address}/runs/{runs['stopped']}")
    press_tab_to(page, "Delete")
    page.keyboard.press("Enter")
    press_tab_to(page, "Delete the run")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    assert runs["stopped"] not in {run.id for run in store.runs().items}


# ------------------------------------------------------------ the comparison


def test_runs_of_one_name_are_added_and_taken_away_by_keyboard(
    page: Page, address: str, store: Store, live_run: Recording
) -> None:
    twin, other = Recording(store, (6, 40, 40)), store.create_run(name="other", config={}, epochs_planned=1)
    come_to(page, f"{address}/compare?runs={live_run.id}")
    press_tab_to(page, "Add a run")
    expect(page.locator(".compare-choice")).to_have_count(2)  # the newest first
    page.keyboard.type(twin.id)
    page.keyboard.press("Enter")  # before the search has answered
    expect(page).to_have_url(re.compile(f"runs={live_run.id},{twin.id}"))
    expect(page.locator(".compare-numbers tbody th").last).to_have_text(f"recorded ({twin.id})×")
    assert page.evaluate(TWICE) == []
    press_tab_to(page, f"Remove recorded ({live_run.id})")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"runs={twin.id}(&|$)"))
    expect(page.get_by_role("button", name="Remove recorded")).to_have_count(1)
    assert other.id not in page.url


def test_an_open_select_scrolls_by_key(page: Page, address: str) -> None:
    come_to(page, f"{address}/new")
    select = page.get_by_role("textbox", name="Data", exact=True)
    select.press("Enter")
    listbox = page.get_by_role("listbox").filter(visible=True)
    expect(listbox).to_be_visible()
    for _ in range(listbox.get_by_role("option").count() - 1):
        page.keyboard.press("ArrowDown")
    last = listbox.get_by_role("option").last
    expect(last).to_be_in_viewport(ratio=0.9)
