"""The table of runs in a real browser: complete, live, and able to act."""

import re
from datetime import UTC, datetime

from playwright.sync_api import APIResponse, Locator, Page, Route, WebSocketRoute, expect

from contract.config import RunConfig
from db import EventRecord, Run, Store
from tests.trainer.worker.conftest import eventually


def make(store: Store, name: str) -> Run:
    config = RunConfig.model_validate({"name": name, "tags": ["seen"]})
    return store.create_run(name=name, tags=("seen",), config=config.model_dump(mode="json"), epochs_planned=24)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


TABLES_LIBRARY = re.compile("dash_ag_grid/async")


def open_table(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


def all_count(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^All"))


def test_without_runs_it_explains_and_offers_the_presets(page: Page, address: str) -> None:
    open_table(page, address)
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    page.get_by_role("link", name=re.compile("Fashion-MNIST with Adam")).click()
    expect(page.get_by_role("textbox", name="Optimizer")).to_have_value("Adam")


def release(held: list[Route]) -> None:
    """Lets the table's library come: the document asks for it, and Dash once more where it is not there yet."""
    assert held
    for route in held:
        route.continue_()


def test_all_runs_are_there_and_a_button_pressed_before_them_is_not_lost(
    page: Page, address: str, store: Store
) -> None:
    make(store, "the oldest")
    for number in range(229):
        make(store, f"run {number}")
    late: list[Route] = []
    page.route(TABLES_LIBRARY, lambda route: late.append(route))
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_role("button", name="Shortcuts").click()
    release(late)
    help_dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    help_dialog.get_by_role("button", name="Close").click()
    expect(help_dialog).to_be_hidden()
    expect(all_count(page)).to_contain_text("230")
    page.get_by_label("Search runs").fill("oldest")
    expect(row(page, "the oldest")).to_be_visible()


def test_changes_appear_without_losing_the_selection(page: Page, address: str, store: Store) -> None:
    worker = store.register_worker(name="w", host="h", pid=1, device="CPU", slots=2)
    make(store, "first")
    make(store, "second")
    open_table(page, address)
    for name in ("first", "second"):
        row(page, name).get_by_role("checkbox").click()
    expect(page.get_by_role("button", name="Compare 2")).to_be_enabled()

    make(store, "third")
    expect(row(page, "third")).to_be_visible()
    running = store.claim(worker.id)
    assert running is not None
    expect(row(page, running.name)).to_contain_text("Running")
    reason = "the data are not there"
    store.append(
        running.id,
        worker.id,
        EventRecord(
            kind="run_failed", payload={"kind": "run_failed"}, at=datetime.now(UTC), ends="failed", reason=reason
        ),
    )
    expect(row(page, running.name)).to_contain_text(reason)

    page.get_by_role("button", name="Compare 2").click()
    page.wait_for_url(re.compile(r"/compare\?runs=\w+,\w+"))


class Cuttable:
    """The page's line to the server, which a test may cut and let come back."""

    def __init__(self, page: Page) -> None:
        self._open: list[WebSocketRoute] = []
        self._cut = False
        page.route_web_socket("**/api/v1/live", self._serve)

    def _serve(self, line: WebSocketRoute) -> None:
        if self._cut:
            line.close()
            return
        line.connect_to_server()
        self._open.append(line)

    def cut(self) -> None:
        self._cut = True
        while self._open:
            self._open.pop().close()

    def mend(self) -> None:
        self._cut = False


def test_a_run_that_came_live_and_was_deleted_unheard_leaves_the_table(page: Page, address: str, store: Store) -> None:
    line = Cuttable(page)
    make(store, "stays")
    open_table(page, address)
    expect(row(page, "stays")).to_be_visible()
    ghost = make(store, "ghost")
    expect(row(page, "ghost")).to_be_visible()
    line.cut()
    expect(page.locator("#live-status")).to_have_attribute("data-status", "lost")
    store.request_stop(ghost.id)
    store.delete_run(ghost.id)
    make(store, "new")
    line.mend()
    expect(row(page, "new")).to_be_visible()
    expect(row(page, "ghost")).to_be_hidden()
    expect(row(page, "stays")).to_be_visible()


def test_a_run_that_comes_live_while_the_list_is_read_is_in_it(page: Page, address: str, store: Store) -> None:
    make(store, "first")
    held: list[Route] = []
    answers: list[APIResponse] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
            return
        answers.append(route.fetch())
        held.append(route)

    page.route("**/api/v1/runs?*", hold)
    open_table(page, address)
    eventually(lambda: page.wait_for_timeout(20) or held)
    make(store, "meanwhile")
    expect(page.locator("#live-status")).to_have_attribute("data-status", "live")
    held[0].fulfill(response=answers[0])
    expect(row(page, "meanwhile")).to_be_visible()
    expect(row(page, "first")).to_be_visible()
    expect(all_count(page)).to_contain_text("2")
    expect(page.locator("#runs-loading")).to_be_empty()


def test_a_run_is_renamed_stopped_and_deleted_from_its_row(page: Page, address: str, store: Store) -> None:
    run = make(store, "before")
    open_table(page, address)
    row(page, "before").get_by_role("button", name="Edit name, tags and notes").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("after")
    dialog.get_by_label("Name").press("Enter")
    expect(dialog).to_be_hidden()
    expect(row(page, "after")).to_be_visible()
    assert (store.run(run.id).name, store.run(run.id).tags) == ("after", ("seen",))

    row(page, "after").get_by_role("button", name="Stop").click()
    expect(row(page, "after")).to_contain_text("Stopped")

    row(page, "after").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    assert store.runs().items == []


def test_runs_are_filtered_by_state_and_words(page: Page, address: str, store: Store) -> None:
    stopped = make(store, "apple")
    make(store, "pear")
    store.request_stop(stopped.id)
    open_table(page, address)
    page.get_by_role("button", name=re.compile("^Stopped")).click()
    expect(row(page, "apple")).to_be_visible()
    expect(row(page, "pear")).to_be_hidden()
    all_count(page).click()
    page.get_by_label("Search runs").fill("pear")
    expect(row(page, "pear")).to_be_visible()
    expect(row(page, "apple")).to_be_hidden()
    page.get_by_label("Search runs").fill("plum")
    expect(page.get_by_text("No runs match.")).to_be_visible()
    expect(page.get_by_text("No runs match.")).to_have_count(1)
    page.get_by_role("button", name="Show all runs").click()
    expect(row(page, "apple")).to_be_visible()
    expect(page.get_by_label("Search runs")).to_have_value("")


def test_what_was_chosen_before_the_table_was_there_holds(page: Page, address: str, store: Store) -> None:
    for name in ("apple", "plum"):
        store.request_stop(make(store, name).id)
    make(store, "appletree")
    held: list[Route] = []
    page.route(TABLES_LIBRARY, lambda route: held.append(route))
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_role("button", name=re.compile("^Stopped")).click()
    page.get_by_label("Search runs").fill("apple")
    expect(page.get_by_role("grid")).to_have_count(0)
    release(held)
    expect(row(page, "apple")).to_be_visible()
    expect(row(page, "plum")).to_be_hidden()
    expect(row(page, "appletree")).to_be_hidden()


def test_light_and_dark_follow_the_system_and_are_remembered(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    open_table(page, address)
    html = page.locator("html")
    expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    page.reload()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    expect(html).to_have_attribute("data-mantine-color-scheme", "light")


def test_the_last_rows_are_there_when_they_are_scrolled_to(page: Page, address: str, store: Store) -> None:
    make(store, "the oldest")
    for number in range(349):
        make(store, f"run {number}")
    open_table(page, address)
    expect(row(page, "run 348")).to_be_visible()
    page.locator("#runs-table .ag-body-viewport").evaluate("(viewport) => { viewport.scrollTop = 1e6; }")
    expect(row(page, "the oldest")).to_be_visible()
    expect(page.locator("#runs-table .ag-row .runs-unloaded")).to_have_count(0)


def test_headers_sort_all_runs_and_the_address_keeps_it(page: Page, address: str, store: Store) -> None:
    for name in ("b", "z", "a", *(f"m {number}" for number in range(150))):
        make(store, name)
    open_table(page, address)
    page.get_by_role("columnheader", name="Name").click()
    first = page.locator("#runs-table .ag-center-cols-container [row-index='0'] .runs-name")
    expect(first).to_have_text("a")
    page.get_by_role("columnheader", name="Name").click()
    expect(first).to_have_text("z")
    expect(page).to_have_url(re.compile("sort=-name"))
    page.reload()
    expect(first).to_have_text("z")


def test_rows_that_move_keep_the_focus_and_the_tick_of_their_run(page: Page, address: str, store: Store) -> None:
    make(store, "mine")
    open_table(page, address)
    row(page, "mine").get_by_role("checkbox").check()
    row(page, "mine").locator("[col-id=frozen]").click()
    make(store, "newer")
    expect(row(page, "newer")).to_be_visible()
    expect(row(page, "mine").get_by_role("checkbox")).to_be_checked()
    expect(row(page, "mine").locator("[col-id=frozen]")).to_be_focused()


def test_a_range_is_ticked_with_shift(page: Page, address: str, store: Store) -> None:
    for name in ("d", "c", "b", "a"):
        make(store, name)
    open_table(page, address)
    row(page, "a").get_by_role("checkbox").click()
    row(page, "c").get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.get_by_role("button", name="Compare 3")).to_be_enabled()
    row(page, "c").locator("[col-id=frozen]").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    expect(page.get_by_role("button", name="Compare 4")).to_be_enabled()


def test_a_setting_is_chosen_as_a_column_moved_sorted_by_and_kept(page: Page, address: str, store: Store) -> None:
    for epsilon in (0.01, 0.1):
        config = RunConfig.model_validate({"name": f"at {epsilon}", "neq": {"epsilon": epsilon}})
        store.create_run(name=f"at {epsilon}", config=config.model_dump(mode="json"), epochs_planned=1)
    open_table(page, address)
    expect(row(page, "at 0.1")).to_be_visible()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Columns")
    dialog.get_by_label("Search settings and metrics").fill("neq.epsilon")
    dialog.get_by_role("checkbox", name="neq.epsilon").check()
    expect(page.get_by_role("columnheader", name="epsilon")).to_be_visible()
    move = dialog.get_by_role("button", name="Move left: epsilon")
    for _ in range(6):
        move.press("Enter")
    expect(dialog.get_by_role("button", name="Move right: epsilon")).to_be_focused()  # it is the first
    dialog.get_by_role("button", name="Done").click()
    header = page.get_by_role("columnheader", name="epsilon")
    header.click()
    cells = page.locator("#runs-table .ag-center-cols-container [col-id='field:neq.epsilon']")
    expect(cells.first).to_have_text("0.01")
    page.reload()
    expect(header).to_have_attribute("aria-colindex", "2")  # behind the boxes
    expect(cells.first).to_have_text("0.01")
    expect(header).to_have_attribute("aria-sort", "ascending")
