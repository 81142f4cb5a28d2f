"""Dialogs, links, selects and the login form are used without a mouse, and give the focus back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.pictures.pages import come_to
from tests.pictures.test_keyboard import at, press_tab_to, to_the_rows
from tests.pictures.test_run_besides import Measured
from tests.server.serving import serving

TOKEN = "a-token-of-twenty-signs"


@pytest.fixture
def closed(store: Store, tmp_path: Path) -> Iterator[str]:
    """The whole system where it asks for a token."""
    settings = ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}", token=SecretStr(TOKEN))
    with serving(assemble(store, settings), settings) as address:
        yield address.split("?")[0].rstrip("/")


def test_the_login_form_is_filled_by_keyboard_and_a_wrong_token_is_told(page: Page, closed: str) -> None:
    page.goto(f"{closed}/compare")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the token of this server.")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Tab")
    assert at(page) == "Open"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Compare runs")).to_be_visible()


@pytest.mark.parametrize(("button", "state"), [("Stop", "queued"), ("Delete", "stopped")])
def test_escape_closes_a_question_of_a_run_and_gives_the_focus_back(
    page: Page, address: str, store: Store, runs: dict[str, str], button: str, state: str
) -> None:
    come_to(page, f"{address}/runs/{runs[state]}")
    press_tab_to(page, button)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert at(page) == button
    assert store.run(runs[state]).state == state


@pytest.mark.parametrize("key", ["e", "Delete"])
def test_escape_closes_a_dialog_of_the_table_unsaved_and_gives_the_focus_back(
    page: Page, address: str, store: Store, runs: dict[str, str], key: str
) -> None:
    come_to(page, f"{address}/")
    to_the_rows(page)
    before = at(page)
    page.keyboard.press(key)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    if key == "e":
        expect(dialog.get_by_label("Name")).to_be_focused()
        page.keyboard.type("not to be kept")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.wait_for_function("() => document.activeElement.getAttribute('role') === 'gridcell'")
    assert at(page) == before
    assert store.run(runs["stopped"]).name == "was stopped"


def test_a_run_is_forked_by_keyboard(page: Page, address: str, store: Store) -> None:
    run = Measured(store, (4,), epochs=2)  # keeps checkpoints
    run.start()
    run.epoch()
    come_to(page, f"{address}/runs/{run.id}")
    press_tab_to(page, "Fork…")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/new\?fork={run.id}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Fork")


def test_a_select_of_the_form_is_chosen_by_keyboard(page: Page, address: str) -> None:
    come_to(page, f"{address}/new")
    select = page.get_by_role("textbox", name="Optimizer", exact=True)
    expect(select).to_have_value("SGD")
    select.focus()
    page.keyboard.press("Enter")
    listbox = page.get_by_role("listbox").filter(visible=True)
    expect(listbox).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = listbox.get_by_role("option").nth(1).text_content()
    page.keyboard.press("Enter")
    expect(listbox).to_be_hidden()
    expect(select).to_have_value(str(chosen))
    expect(select).to_be_focused()
    select.press("Enter")
    expect(listbox).to_be_visible()
    page.keyboard.press("Escape")
    expect(listbox).to_be_hidden()
    expect(select).to_be_focused()
    expect(select).to_have_value(str(chosen))


def test_keys_lead_from_section_to_section_and_the_table_of_compared_runs_to_them(
    page: Page, address: str, runs: dict[str, str]
) -> None:
    come_to(page, f"{address}/compare?runs={runs['running']},{runs['queued']}")
    table = page.locator("[data-part=numbers]")
    link = table.get_by_role("link", name="waits")
    page.locator("main").focus()  # as after a link within the pages
    for key, heading in (("s", "Runs"), ("s", "Metrics"), ("Shift+S", "Runs")):
        page.keyboard.press(key)
        expect(page.locator("h2:focus")).to_contain_text(heading)
    for _ in range(60):  # the table's headings sort it
        page.keyboard.press("Tab")
        if link.evaluate("(link) => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/runs/{runs['queued']}"))
