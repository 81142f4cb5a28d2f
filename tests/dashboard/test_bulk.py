"""What is done to the ticked runs of the table, by mouse and by keyboard."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page, expect

from db import Store
from tests.dashboard.test_runs_table import all_count, make, open_table, row
from tests.trainer.worker.conftest import eventually


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Selected runs")


def tick(page: Page, *names: str) -> None:
    for name in names:
        row(page, name).get_by_role("checkbox").click()


def test_ticked_runs_are_stopped_and_what_is_refused_is_said_by_name(page: Page, address: str, store: Store) -> None:
    ended, waiting = make(store, "has ended"), make(store, "waits")
    store.request_stop(ended.id)
    open_table(page, address)
    expect(bar(page)).to_be_hidden()
    tick(page, "has ended", "waits")
    expect(bar(page)).to_contain_text("2 selected")
    bar(page).get_by_role("button", name="Stop", exact=True).click()
    expect(row(page, "waits")).to_contain_text("Stopped")
    expect(page.get_by_text("Could not stop 1 run")).to_be_visible()
    expect(page.get_by_text("“has ended”: ")).to_be_visible()
    assert store.run(waiting.id).state == "stopped"


def test_all_that_match_are_tagged_and_grouped_by_keyboard(page: Page, address: str, store: Store) -> None:
    ids = [make(store, f"yes {number}").id for number in range(130)]
    other = make(store, "no")
    open_table(page, f"{address}/?where=name+~+yes")
    expect(row(page, "yes 129")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    with page.expect_download() as saved:
        page.get_by_role("dialog", name="Save table").get_by_role("button", name="CSV").press("Enter")
    lines = saved.value.path().read_text().splitlines()  # of which the table has loaded a hundred
    assert [line.split(",")[0] for line in lines[1:]] == ids[::-1]
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    printed = page.locator(".paper-table tbody tr")  # what is loaded, where the grid has the rows in sight alone
    expect(printed).to_have_count(100)
    expect(printed.first).to_contain_text(re.compile("^queued ?yes 129"))
    page.emulate_media(media="print")
    expect(page.locator(".runs-group")).to_be_hidden()  # what can only be typed into is not printed
    page.emulate_media(media="screen")
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(printed).to_have_count(0)
    tick(page, "yes 129")
    bar(page).get_by_role("button", name="Select all 130").press("Enter")
    expect(bar(page).get_by_role("button", name="Clear selection")).to_be_focused()  # the other one is gone
    page.keyboard.press("Enter")
    expect(page.locator("[role=gridcell]:focus")).to_be_visible()
    page.keyboard.press("a")
    expect(bar(page)).to_contain_text("130 selected")
    page.keyboard.press("b")
    expect(bar(page).get_by_role("button", name="Clear selection")).to_be_focused()
    bar(page).get_by_role("button", name="Tag").press("Enter")
    page.keyboard.type("one, two")
    page.keyboard.press("Enter")
    expect(row(page, "yes 129")).to_contain_text("two")
    bar(page).get_by_role("button", name="Group").press("Enter")
    page.keyboard.type("of many")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Grouped: 130 runs.")).to_be_visible()
    runs = [store.run(each) for each in ids]
    assert {(run.tags, run.group) for run in runs} == {(("seen", "one", "two"), "of many")}
    assert (store.run(other.id).tags, store.run(other.id).group) == (("seen",), None)


def test_archived_runs_leave_the_table_and_are_restored(page: Page, address: str, store: Store) -> None:
    make(store, "mine")
    make(store, "stays")
    open_table(page, address)
    tick(page, "mine")
    bar(page).get_by_role("button", name="Archive").click()
    expect(row(page, "mine")).to_be_hidden()
    page.get_by_role("combobox", name="Filter").fill("archived = true")
    expect(row(page, "stays")).to_be_hidden()
    expect(row(page, "mine")).to_be_visible()
    expect(row(page, "mine").get_by_role("checkbox")).to_be_checked()
    bar(page).get_by_role("button", name="Restore").click()
    expect(row(page, "mine")).to_be_hidden()
    assert store.count_runs() == 2


def test_a_deletion_is_undone_within_ten_seconds(page: Page, address: str, store: Store) -> None:
    make(store, "stays")
    make(store, "mine")
    open_table(page, address)
    tick(page, "mine")
    page.clock.install()
    bar(page).get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 run will be deleted.")).to_be_visible()
    expect(row(page, "mine")).to_be_hidden()
    expect(all_count(page)).to_contain_text("1")
    page.clock.run_for(9_000)
    expect(page.locator(".undo")).to_contain_text("1 s")
    row(page, "stays").get_by_role("checkbox").focus()
    page.keyboard.press("u")
    expect(row(page, "mine")).to_be_visible()
    expect(all_count(page)).to_contain_text("2")
    page.clock.run_for(20_000)
    expect(page.locator(".undo")).to_be_hidden()
    tick(page, "stays", "mine")
    row(page, "mine").locator("[col-id=age]").focus()
    page.keyboard.press("Delete")  # means both, and can be undone as by the button
    expect(page.get_by_text("2 runs will be deleted.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    expect(page.get_by_text("No runs yet")).to_be_visible()  # so that there is no row that the focus could go to
    page.keyboard.press("u")
    expect(row(page, "stays")).to_be_visible()
    expect(page.locator(".undo")).to_be_hidden()
    expect(page.locator("#runs-table .ag-cell:focus")).to_have_count(1)
    page.clock.run_for(20_000)
    assert store.count_runs() == 2


def test_a_deletion_is_asked_for_after_ten_seconds(page: Page, address: str, store: Store) -> None:
    make(store, "mine")
    make(store, "stays")
    open_table(page, address)
    tick(page, "mine")
    page.clock.install()
    bar(page).get_by_role("button", name="Delete").click()
    page.clock.run_for(10_000)
    eventually(lambda: page.wait_for_timeout(20) or store.count_runs() == 1)
    page.clock.run_for(1_000)
    expect(row(page, "mine")).to_be_hidden()


def test_a_deletion_is_asked_for_when_another_page_is_opened_and_outlives_its_document(
    page: Page, address: str, store: Store
) -> None:
    for name in ("by a link", "outlives"):
        make(store, name)
    open_table(page, address)
    tick(page, "by a link")
    bar(page).get_by_role("button", name="Delete").click()
    page.get_by_role("link", name="Compare").click()
    eventually(lambda: page.wait_for_timeout(20) or store.count_runs() == 1)
    open_table(page, address)
    page.clock.set_fixed_time(datetime.now(UTC))  # however long the documents take
    tick(page, "outlives")
    bar(page).get_by_role("button", name="Delete").click()
    page.reload()
    expect(page.get_by_text("1 run will be deleted.")).to_be_visible()
    expect(row(page, "outlives")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    tick(page, "outlives")
    bar(page).get_by_role("button", name="Delete").click()
    page.goto("about:blank")
    assert store.count_runs() == 1
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=1))
    page.goto(address)
    expect(page.get_by_text("Deleted: 1 run.")).to_be_visible()
    assert store.count_runs() == 0


def test_run_files_and_the_shown_columns_are_exported(page: Page, address: str, store: Store) -> None:
    runs = [make(store, name) for name in ("one", "=two")]
    open_table(page, f"{address}/?cols=neq.epsilon")
    tick(page, "one", "=two")
    bar(page).get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export")
    expect(dialog.get_by_role("link", name="one")).to_have_attribute(
        "href", re.compile(f"/api/v1/runs/{runs[0].id}/file$")
    )
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="CSV").click()
    header, first, second = saved.value.path().read_text().splitlines()
    assert header == "id,state,name,epochs,frozen,accuracy,optimizer.kind,model.kind,data.kind,neq.epsilon,created"
    assert first.startswith(f"{runs[0].id},queued,one,0,,,sgd,cnn,fashion-mnist-mini,0.001,20")
    assert second.startswith(f"{runs[1].id},queued,'=two,")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="LaTeX").click()
    lines = saved.value.path().read_text().splitlines()
    assert saved.value.suggested_filename == "runs.tex"
    assert lines[3] == r"  \toprule" and lines[-1] == r"\end{tabular}"
    assert lines[6].startswith(
        f"  {runs[0].id} & queued & one & 0 & -- & -- & sgd & cnn & fashion-mnist-mini & 0.001 & "
    )
    assert lines[7].startswith(f"  {runs[1].id} & queued & =two & ")
    dialog.get_by_role("button", name="Done").click()
    page.keyboard.press("x")
    page.wait_for_url(re.compile(f"/compare.runs={runs[0].id},{runs[1].id}"))
