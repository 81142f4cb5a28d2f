"""The browser's modules: their address, what they import, and what a reader sees where one of them does not come."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Page, Route, expect

from dashboard.modules import FOLDER, Modules
from tests.chromium import Chromium, tab
from tests.trainer.worker.conftest import eventually

pytestmark = pytest.mark.slow

IMPORTED = re.compile(r'^(?:import|export) [^"]*from "(\.[^"]+)";$', re.MULTILINE)
ON_DEMAND = re.compile(r'\bimport\("(\.[^"]+)"\)')
PAGES = {"/": "runs-page", "/new": "form-page", "/runs/some": "run-page", "/compare": "compare-page"}


def imports_of(name: str, how: re.Pattern[str] = IMPORTED) -> set[str]:
    """The modules that one names, from the folder on."""
    found = how.findall((FOLDER / name).read_text())
    return {(FOLDER / name).parent.joinpath(each).resolve().relative_to(FOLDER).as_posix() for each in found}


def all_of(*names: str) -> set[str]:
    """These modules, those that they import, and so on."""
    found = set(names)
    while more := {each for name in found for each in imports_of(name)} - found:
        found |= more
    return found


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


def test_every_module_is_served_for_ever_under_an_address_that_says_what_is_in_it(client: TestClient) -> None:
    modules = Modules()
    for name, content in modules.files.items():
        answer = client.get(f"{modules.address}/{name}")
        assert answer.content == content
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", [*PAGES, "/nope"])
def test_a_document_asks_ahead_for_what_its_page_needs_and_nothing_else(client: TestClient, path: str) -> None:
    ahead = re.findall(rf'<link rel="modulepreload" href="{Modules().address}/([^"]+)">', client.get(path).text)
    needed = all_of("main.js", f"{PAGES[path]}/lent.js") if path in PAGES else all_of("main.js")
    assert sorted(ahead) == sorted(needed)
    assert len(ahead) < 2 * len(Modules().files) / 3


def test_a_document_asks_for_no_script_of_a_library_that_no_page_uses_and_early_for_the_table_s(
    client: TestClient,
) -> None:
    documents = {path: client.get(path).text for path in PAGES}
    for path, document in documents.items():
        assert "dash_renderer" in document
        assert not re.search('src="[^"]*(?:polyfill|dash_table)', document)
        assert ("async-community" in document) == (path == "/")
    tag = re.search(r'<script async src="([^"]+/async-community[^"]+)"></script>', documents["/"])
    assert tag
    answer = client.get(tag[1])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000"


@pytest.mark.parametrize("path", ["nothing.js", "../shell.py", "%2e%2e/shell.py", "ui", "ui/", "ui/dom.js/", ""])
def test_nothing_else_is_served_below_it(client: TestClient, path: str) -> None:
    answer = client.get(f"{Modules().address}/{path}")
    assert answer.status_code == 404
    assert "_TITLE" not in answer.text and "<html" not in answer.text


def test_scripts_of_another_release_are_gone_and_not_answered_with_a_page(client: TestClient) -> None:
    answer = client.get("/scripts/0123456789abcdef/main.js")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "These scripts belong to another release: reload the page."}


def test_a_change_of_any_module_changes_the_address(tmp_path: Path) -> None:
    (tmp_path / "ui").mkdir()
    (tmp_path / "main.js").write_text("1")
    (tmp_path / "ui" / "dom.js").write_text("2")
    first = Modules(tmp_path).address
    assert Modules(tmp_path).address == first
    (tmp_path / "ui" / "dom.js").write_text("3")
    second = Modules(tmp_path).address
    (tmp_path / "ui" / "dom.js").rename(tmp_path / "ui" / "dim.js")
    assert len({first, second, Modules(tmp_path).address}) == 3


def test_every_module_is_reached_from_the_entry_and_none_imports_itself_by_others() -> None:
    graph = {name: imports_of(name) | imports_of(name, ON_DEMAND) for name in Modules().files}
    assert sum(map(len, graph.values())) > 150
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle of imports: {' → '.join((*path, name))}"
        if name not in done:
            for each in graph[name]:
                visit(each, (*path, name))
            done.add(name)

    visit("main.js", ())
    assert done == set(graph)


def test_only_the_entry_puts_names_on_the_window() -> None:
    sets = re.compile(r"\bwindow\.\w+\s*(?:\?\?|\|\|)?=(?!=)|\bwindow\[|\bglobalThis\b|Object\.assign\(window\b")
    found = {name for name, content in Modules().files.items() if sets.search(content.decode())}
    assert found == {"main.js"}


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("ui/format.js", None, "A script could not be loaded: /scripts/"),
        (
            "runs-page/cells.js",
            None,
            "A script failed: Uncaught TypeError: Failed to fetch dynamically imported module",
        ),
        ("main.js", "throw new Error('on purpose');", "A script failed: Uncaught Error: on purpose."),
        ("ui/format.js", "export {}; import { nothing } from './dom.js';", "A script failed: Uncaught SyntaxError:"),
    ],
)
def test_a_module_that_does_not_come_is_said_and_not_waited_for(
    chromium: Chromium, address: str, file: str, body: str | None, said: str
) -> None:
    context = chromium.new_context()
    page = context.new_page()

    def answer(route: Route) -> None:
        if body is None:
            route.abort()
        else:
            route.fulfill(body=body, content_type="text/javascript")

    page.route(f"**/{file}", answer)
    page.goto(address)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("The page did not start")
    expect(alert).to_contain_text(said)
    page.unroute(f"**/{file}")
    alert.get_by_role("button", name="Load again").click()
    expect(page.locator("main h1")).to_be_visible()
    context.close()


@pytest.mark.parametrize("script", ["dash_mantine_components", "dash_html_components", "dash_ag_grid", "dash_renderer"])
def test_a_library_s_script_that_does_not_come_is_said_over_whatever_is_drawn(
    chromium: Chromium, address: str, script: str
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.route(re.compile(rf"/{script}[./]"), lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_role("alert").filter(has_text="A script could not be loaded: /")).to_be_visible()
    page.wait_for_timeout(1000)  # Dash has drawn what it can
    expect(page.get_by_role("button", name="Load again")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Load again").click()
    expect(page.locator("main h1")).to_be_visible()
    context.close()


def test_a_failure_of_a_script_that_is_not_the_server_s_is_none_of_the_page_s(page: Page, address: str) -> None:
    held: list[Route] = []
    page.route("**/main.js", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    eventually(lambda: page.wait_for_timeout(20) or held)
    page.evaluate("""() => {
        for (const filename of ["chrome-extension://abcdef/content.js", "https://elsewhere.example/a.js", ""])
            window.dispatchEvent(new ErrorEvent("error", { message: "Script error.", filename }));
        const foreign = Object.assign(document.createElement("script"), {
            src: "chrome-extension://abcdef/page.js", type: "text/plain" });
        document.head.append(foreign);
        foreign.dispatchEvent(new Event("error"));
    }""")
    expect(page.get_by_role("alert")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("main h1")).to_be_visible()


def test_a_module_that_comes_late_is_waited_for(chromium: Chromium, address: str) -> None:
    with tab(chromium) as page:
        page.route("**/ui/format.js", lambda route: (page.wait_for_timeout(1500), route.continue_()))
        page.goto(f"{address}/new", wait_until="commit")
        expect(page.locator("#form-launch")).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text="did not start")).to_have_count(0)


def test_a_page_has_no_globals_but_those_of_libraries(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    page.wait_for_selector("#runs-table .ag-root", state="attached")  # the grid's own functions come with it
    ours = page.evaluate("() => Object.keys(window).filter((name) => /neq/i.test(name) && name !== 'neq')")
    assert ours == []
    lent = ("dash_clientside", "dashAgGridFunctions", "dashAgGridComponentFunctions")
    named = page.evaluate("(lent) => lent.map((name) => Object.keys(window[name]))", lent)
    assert [name for name in named[0] if name.startswith("neq_")] == ["neq_shell", "neq_runs"]
    assert all(name.startswith("neq") for name in named[1])
    assert all(name.startswith("Neq") for name in named[2])


def test_a_page_s_scripts_come_when_the_reader_goes_there_and_before_it_is_drawn(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    page.wait_for_selector("#runs-table .ag-root", state="attached")
    held: list[Route] = []
    page.route("**/form-page/lent.js", lambda route: held.append(route))
    page.get_by_role("navigation").get_by_role("link", name="New run").click()
    eventually(lambda: page.wait_for_timeout(20) or held)
    page.wait_for_timeout(300)
    expect(page.locator("main h1")).to_have_text("Runs")
    page.get_by_role("navigation").get_by_role("link", name="Compare").click()
    expect(page.locator("main h1")).to_have_text("Compare runs")
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("main h1")).to_have_text("Compare runs")  # which was asked for last
    page.get_by_role("navigation").get_by_role("link", name="New run").click()
    expect(page.locator("#form-launch")).to_be_enabled()
    expect(page.locator("main h1")).to_have_text("New run")
    page.go_back()
    page.go_forward()
    expect(page.locator("#form-launch")).to_be_enabled()
    assert len(held) == 1, "they are kept"


def test_a_page_whose_scripts_are_gone_is_loaded_anew_and_one_out_of_reach_leaves_the_reader_where_they_are(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/")
    page.wait_for_selector("#runs-table .ag-root", state="attached")
    page.evaluate("() => { window.thisDocument = true; }")
    page.route("**/compare-page/lent.js", lambda route: route.abort())
    page.route("**/healthz", lambda route: route.abort())
    compare = page.get_by_role("navigation").get_by_role("link", name="Compare")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/healthz")):
        compare.click()
    expect(page.locator("main h1")).to_have_text("Runs")
    page.unroute_all()
    page.route("**/form-page/lent.js", lambda route: route.fulfill(status=404))
    page.get_by_role("navigation").get_by_role("link", name="New run").click()
    page.wait_for_function("() => !window.thisDocument")
    page.unroute_all()
    page.reload()
    expect(page.locator("#form-launch")).to_be_enabled()
