"""What a reader sees of a run that somebody's script records: on its page, in the table, beside a launched run."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from contract.layers import Coverage
from db import Store
from tests.chromium import Chromium, tab
from tests.pictures.script_recording import ScriptRecording
from tests.server.recording import Recording

NOTICE = "[data-part=notice]"
STATE = "[data-part=state]"
PROGRESS = "[data-part=progress-words]"
CONFIG = "[data-part=config]"
METRICS = "[data-part=metrics]"
CHART = "canvas.chart-lines"


@pytest.fixture
def script(store: Store) -> ScriptRecording:
    """A run that has just begun; nobody knows how many epochs it will be."""
    return ScriptRecording(store)


@pytest.fixture
def short_page(chromium: Chromium) -> Iterator[Page]:
    """A tab in which little is seen at once."""
    with tab(chromium, viewport={"width": 1000, "height": 700}) as page:
        yield page


def open_run(page: Page, address: str, run_id: str, query: str = "") -> None:
    page.goto(f"{address}/runs/{run_id}{query}")
    page.wait_for_selector("#run-page[data-drawn]")


def chart(page: Page, name: str) -> str:
    """The words of a metric's chart, which is drawn where it is seen."""
    page.locator(f'[data-metric="{name}"]').scroll_into_view_if_needed()
    canvas = page.locator(f'[data-metric="{name}"] {CHART}')
    expect(canvas).to_have_attribute("aria-label", re.compile(r"\d point"))
    return canvas.get_attribute("aria-label") or ""


def test_a_run_of_a_script_says_what_it_is_and_offers_nothing_that_it_has_not(
    page: Page, address: str, script: ScriptRecording
) -> None:
    script.watch()
    script.epoch()
    script.epoch()
    script.finish()
    open_run(page, address, script.id)
    expect(page.locator(".run-title .external-mark")).to_contain_text("external")
    expect(page.locator(PROGRESS)).to_have_text(re.compile("^2 epochs in "))
    expect(page.get_by_role("progressbar", name="Run progress")).to_have_count(0)
    expect(page.locator("[data-part=facts]")).to_contain_text("train.py · on lovelace · commit 0123456789ab")
    expect(page.locator(CONFIG)).to_contain_text("wide nets")
    for offered in ("again", "fork", "resume", "stop"):
        expect(page.locator(f"[data-part={offered}]")).to_be_hidden()
    for card in ("savings-card", "published-card", "data-card", "machine-card"):
        expect(page.locator(f"[data-part={card}]")).to_be_hidden()
    expect(page.locator("[data-part=tiles]")).not_to_contain_text("Test accuracy")
    expect(page.locator("[data-part=tiles]")).to_contain_text("Frozen at the end")


def test_its_configuration_is_any_json_and_top_level_settings_are_one_group(
    page: Page, address: str, script: ScriptRecording
) -> None:
    open_run(page, address, script.id)
    config = page.locator(CONFIG)
    expect(config.locator("h3")).to_have_text(["Config", "model", "Group", "Script"])
    top = config.locator("section").first
    expect(top.locator("dt")).to_have_text(["lr", "amp", "note", "sizes", "neq"])
    expect(top.locator("dd")).to_have_text(["0.25", "yes", "–", '8, {"deep":1}', "a word of the script's own"])
    expect(config.locator("section").nth(1)).to_contain_text("head · kind")
    expect(config.locator("section").nth(3)).to_contain_text("python train.py --lr 0.25")


def test_a_page_that_is_opened_before_the_first_watch_shows_its_neurons_when_it_comes(
    page: Page, address: str, script: ScriptRecording
) -> None:
    open_run(page, address, script.id, "?colour=v")
    neurons, hint = page.locator("[data-part=neurons]"), page.locator(".unwatched")
    expect(hint).to_contain_text("run.watch(model, optimizer, probe)")
    expect(neurons).to_be_hidden()
    script.watch(epsilon=0.002)
    script.epoch()
    expect(neurons).to_be_visible()
    expect(hint).to_be_hidden()
    expect(neurons).to_have_attribute("aria-label", re.compile("^fc1: 20 neurons, 1 epoch"))
    expect(page.locator("[data-part=legend-scale]")).to_contain_text("ε = 0.002")
    expect(page.locator(PROGRESS)).to_have_text(re.compile("^1 epoch · "))
    expect(page.locator(CONFIG)).to_contain_text("ε 0.002, μ 0.5")


def test_layers_of_a_second_watch_stand_behind_those_of_the_first(
    page: Page, address: str, script: ScriptRecording
) -> None:
    script.watch(epsilon=0.002)
    open_run(page, address, script.id, "?colour=v")
    layer = page.locator("[data-part=layer]")
    expect(layer.locator("option")).to_have_count(2)
    script.watch((9,), epsilon=0.5)
    expect(layer.locator("option")).to_have_count(3)
    layer.select_option("2")
    expect(page.locator("[data-part=legend-scale]")).to_contain_text("ε = 0.5")
    layer.select_option("0")
    expect(page.locator("[data-part=legend-scale]")).to_contain_text("ε = 0.002")


def test_stop_asks_the_script_and_says_that_it_is_the_scripts_affair(
    page: Page, address: str, store: Store, script: ScriptRecording
) -> None:
    open_run(page, address, script.id)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("stops where it looks at run.should_stop")
    page.get_by_role("button", name="Stop the run").click()
    expect(page.locator(NOTICE)).to_contain_text("The script was asked to stop.")
    expect(page.locator("[data-part=stop]")).to_have_text("Asked to stop")
    assert store.run(script.id).stop_requested
    script.finish()
    expect(page.locator(STATE)).to_have_text("finished")
    expect(page.locator(NOTICE)).to_be_hidden()


def test_a_lost_recorder_is_the_notice_until_it_is_heard_again(
    page: Page, address: str, script: ScriptRecording
) -> None:
    open_run(page, address, script.id)
    script.lose()
    expect(page.locator(NOTICE)).to_contain_text("The recorder is lost: nothing was heard of it for 60 s.")
    expect(page.locator(STATE)).to_have_text("failed")
    script.say("still here")
    expect(page.locator(STATE)).to_have_text("running")
    expect(page.locator(NOTICE)).to_be_hidden()
    page.reload()
    script.lose()
    expect(page.locator(NOTICE)).to_contain_text("it goes on by itself")


def test_metrics_stand_by_prefix_and_grow_while_they_are_looked_at(
    page: Page, address: str, script: ScriptRecording
) -> None:
    script.log("val/loss", [3.0, 2.0], epochs=[0, 1])
    script.log("val/accuracy", [0.5, 0.75], epochs=[0, 1])
    script.log("lr", [0.1])
    script.log("system/memory_gib", [1.0])
    open_run(page, address, script.id)
    expect(page.locator(f"{METRICS} h3")).to_have_text(["val 2", "system 1"])
    expect(page.locator(f"{METRICS} .metric").first).to_have_attribute("data-metric", "lr")
    assert chart(page, "val/loss") == "val/loss by step. 2 points, last value 2.00 at step 1."
    tiles = page.locator("[data-part=tiles]")
    expect(tiles).to_contain_text("val/accuracy")
    expect(tiles).not_to_contain_text("system")
    script.log("val/loss", [1.5], first=2, epochs=[2])
    script.log("val/top5", [0.5], first=2, epochs=[2])
    canvas = page.locator(f'[data-metric="val/loss"] {CHART}')
    expect(canvas).to_have_attribute("aria-label", re.compile("^val/loss by step. 3 points"))
    expect(page.locator(f"{METRICS} h3").first).to_have_text("val 3")
    expect(tiles).to_contain_text("1.500")
    expect(page.locator(PROGRESS)).to_have_text(re.compile("^epoch 2 · "))
    script.finish()
    expect(page.locator(PROGRESS)).to_have_text(re.compile("^up to epoch 2 in "))


def test_epoch_or_step_and_a_log_scale_are_kept_in_the_address(
    page: Page, address: str, script: ScriptRecording
) -> None:
    script.log("train/loss", [4.0, 2.0, 3.0, 1.0], epochs=[0, 0, 1, 1])
    script.log("system/cores", [1.0])
    script.finish()
    open_run(page, address, script.id)
    page.get_by_role("button", name="Metrics by epoch").click()
    page.get_by_role("button", name="Log scale").click()
    expect(page).to_have_url(re.compile(r"\?by=epoch&scale=log$"))
    page.reload()
    assert chart(page, "train/loss").startswith("train/loss by epoch. 4 points")
    note = page.locator('[data-metric="train/loss"] .picture-note')
    expect(note).to_have_text("line: last value of each epoch; band: minimum to maximum")
    expect(page.locator('[data-metric="system/cores"]')).to_contain_text("Logged without an epoch")
    expect(page.get_by_role("button", name="Log scale")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.get_by_role("button", name="Log scale")).to_have_attribute("aria-pressed", "false")


def test_what_is_thinned_says_so_and_of_how_many_points(page: Page, address: str, script: ScriptRecording) -> None:
    script.log("train/loss", [1.0, 2.0])
    open_run(page, address, script.id)
    chart(page, "train/loss")
    script.log("train/loss", [float(step % 100) for step in range(2, 50_000)], first=2)
    # A tick for each of two steps must not become one for each of fifty thousand.
    words = "50,000 points, thinned to the pixels: minimum and maximum kept"
    expect(page.locator('[data-metric="train/loss"] .picture-note')).to_have_text(words)


def test_values_that_are_not_finite_are_gaps(page: Page, address: str, script: ScriptRecording) -> None:
    script.log("loss", [float("nan"), float("inf")])
    open_run(page, address, script.id)
    expect(page.locator('[data-metric="loss"]')).to_contain_text("No value is finite.")
    expect(page.locator("[data-part=tiles]")).to_contain_text("–")


def test_without_any_metric_the_page_says_how_to_log_one(page: Page, address: str, script: ScriptRecording) -> None:
    open_run(page, address, script.id)
    empty = page.locator("[data-part=metrics-empty]")
    expect(empty).to_contain_text("No metrics logged yet: run.log({")
    expect(page.locator("[data-part=tiles]")).to_be_hidden()
    script.log("loss", [1.0])
    expect(empty).to_be_hidden()
    expect(page.locator("[data-part=tiles]")).to_be_visible()


def test_of_fifty_metrics_only_those_that_are_seen_are_asked_for_and_drawn(
    short_page: Page, address: str, script: ScriptRecording
) -> None:
    for number in range(50):
        script.log(f"layer{number // 10}/norm{number:02}", [1.0, 2.0])
    asked: list[str] = []
    short_page.on("request", lambda request: asked.append(request.url) if "/points?" in request.url else None)
    open_run(short_page, address, script.id)
    chart(short_page, "layer0/norm00")
    last = short_page.locator('[data-metric="layer4/norm49"]')
    expect(last.locator(CHART)).to_have_count(0)
    assert not any("norm49" in url for url in asked)
    last.scroll_into_view_if_needed()
    chart(short_page, "layer4/norm49")
    expect(short_page.locator(f'[data-metric="layer0/norm00"] {CHART}')).to_have_count(0)


def test_a_launched_run_keeps_what_it_has(page: Page, address: str, live_run: Recording) -> None:
    open_run(page, address, live_run.id)
    expect(page.locator("[data-part=again]")).to_be_visible()
    expect(page.locator("[data-part=savings-card]")).to_be_visible()
    expect(page.locator("[data-part=data-card]")).to_be_visible()
    expect(page.locator("[data-part=metrics-card]")).to_be_hidden()  # its metrics are drawn from its epochs
    expect(page.locator(".external-mark")).to_have_count(0)
    expect(page.get_by_role("progressbar", name="Run progress")).to_be_visible()


def test_the_table_marks_it_and_shows_its_first_settings(
    page: Page, address: str, script: ScriptRecording, live_run: Recording
) -> None:
    script.watch()
    script.epoch()
    page.goto(address)
    row = page.locator(f"[row-id='{script.id}']")
    expect(row.locator(".external-mark")).to_have_text("external")
    expect(row.locator("[col-id=setup]")).to_contain_text("lr 0.25 · amp yes")
    expect(row.locator("[col-id=progress]")).to_have_text("1 epoch")
    expect(row.locator("[col-id=accuracy]")).to_have_text("–")
    expect(row.get_by_role("button", name="Clone run: my script")).to_be_disabled()
    expect(row.get_by_role("button", name="Ask the script to stop: my script")).to_be_enabled()
    expect(page.locator(f"[row-id='{live_run.id}'] .external-mark")).to_have_count(0)


def test_compared_with_a_launched_run_it_shows_what_both_have(
    page: Page, address: str, store: Store, script: ScriptRecording, live_run: Recording
) -> None:
    script.watch()
    script.epoch()
    script.log("train_loss", [3.0, 2.0], epochs=[0, 1])
    other = ScriptRecording(store, "external02")
    other.log("val/loss", [1.0])
    script.log("val/loss", [2.0])
    page.goto(f"{address}/compare?runs={live_run.id},{script.id},{other.id}")
    page.wait_for_selector("#compare-page[data-drawn]")
    expect(page.locator("[data-part=numbers] tbody tr").nth(1)).to_contain_text("my script")
    settings = page.locator("[data-part=settings] tbody tr")
    expect(settings.filter(has_text="lr").filter(has_text="0.25")).to_have_count(1)
    expect(page.locator("[data-part=heatmaps]")).to_contain_text("This run watches no network.")
    both = re.compile("Last values: recorded .*; my script .*2.00")
    expect(page.locator(f'[data-metric="train_loss"] {CHART}')).to_have_attribute("aria-label", both)
    expect(page.locator('[data-metric="val/loss"]')).to_contain_text("Logged without an epoch: see it over steps.")
    page.locator("[data-part=curves-axis]").select_option("step")
    own = re.compile("my script .*2.00; .*external02.* 1.00")
    expect(page.locator(f'[data-metric="val/loss"] {CHART}')).to_have_attribute("aria-label", own)


def test_two_scripts_of_the_same_settings_are_not_said_to_have_begun_alike(
    page: Page, address: str, store: Store, script: ScriptRecording
) -> None:
    other = ScriptRecording(store, "external02")
    for each in (script, other):
        each.watch()
        each.epoch()
    page.goto(f"{address}/compare?runs={script.id},{other.id}")
    expect(page.locator("[data-part=note]")).to_contain_text("is not known: a script does not tell its seed")


def test_epochs_that_are_missing_are_left_blank_and_not_asked_for_again(
    page: Page, address: str, script: ScriptRecording
) -> None:
    script.watch()
    script.epoch()
    script.epochs += 2  # its disk was full, say
    script.watch((4,))
    script.epoch()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_run(page, address, script.id)
    page.evaluate("() => neq.run.present().open(2)")
    picture = page.locator("[aria-label^='fc2: 4 neurons, 4 epochs']")
    expect(picture).to_be_visible()
    script.epochs += 1
    script.epoch()
    expect(page.locator("[aria-label^='fc2: 4 neurons, 6 epochs']")).to_be_visible()
    page.wait_for_timeout(3_000)
    assert len([url for url in asked if "/layers/2/display" in url]) <= 2, asked
    states = page.evaluate(
        """() => { const { cells } = neq.run.present().heatmap.layer;
          return Array.from({ length: cells.epochs }, (_, epoch) => cells.state(epoch, 0)); }"""
    )
    assert [state == -1 for state in states] == [True, True, True, False, True, False]
    assert states[3] in (0, 1) and states[5] in (0, 1), "behind a gap nothing is claimed to have changed"
    page.locator("button.multiple[data-layer='2']").scroll_into_view_if_needed()
    overview = page.evaluate(
        "() => neq.run.present().feed.tables.columns.frozen.map((column) => [...column].map(isNaN))"
    )
    assert overview[3] == [False] * 3 == overview[5], "these were recorded"
    assert overview[1] == [True] * 3 and overview[4] is None, "asked for, and heard of by nobody"
    small = "() => [0, 1, 2].map((layer) => [0, 1, 3, 4, 5].map((epoch) => "
    small += "neq.run.present().feed.small.layers.get(layer)?.cells.has(epoch)))"
    page.wait_for_function(f"() => ({small})().flat().every((known) => known !== undefined)")
    assert page.evaluate(small) == [[True, False, True, False, True]] * 2 + [[False, False, True, False, True]]


def test_how_much_of_its_network_is_watched_is_said(page: Page, address: str, script: ScriptRecording) -> None:
    open_run(page, address, script.id)
    script.watch(coverage=Coverage(parameters=1000, watched=600, fraction=0.6))
    expect(page.locator("[data-part=coverage]")).to_contain_text("60.0 % of the trainable parameters (600 of 1,000)")


def test_zooming_asks_for_what_the_thinning_left_out(page: Page, address: str, script: ScriptRecording) -> None:
    values = np.sin(np.arange(20_000) * 0.7)
    for first in range(0, values.size, 10_000):
        script.log("loss", values[first : first + 10_000].tolist(), first=first)
    script.finish()
    open_run(page, address, script.id)
    assert "20,000 points" in chart(page, "loss")
    note = page.locator("[data-metric=loss] .picture-note")
    expect(note).to_contain_text("thinned")
    box = page.locator("[data-metric=loss] .nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    with page.expect_response(lambda response: "start=" in response.url) as answered:
        page.mouse.move(box["x"] + 0.5 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.53 * box["width"], middle, steps=5)
        page.mouse.up()
    told = answered.value.json()
    assert not told["thinned"] and told["points"] == 20_000
    assert told["steps"] == list(range(told["steps"][0], told["steps"][-1] + 1))
    assert 9_000 < told["steps"][0] < told["steps"][-1] < 12_500
    assert np.allclose(told["values"], values[told["steps"][0] : told["steps"][-1] + 1])
    expect(note).to_be_hidden()
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], middle)
    expect(note).to_contain_text("thinned")


def test_any_setting_is_a_column_and_the_address_keeps_it(
    page: Page, address: str, store: Store, script: ScriptRecording, live_run: Recording
) -> None:
    script.log("val/accuracy", [0.5, 0.75, 0.625])
    other = ScriptRecording(store, "external02", name="another script")
    other.log("accuracy", [91.5])
    page.goto(address)
    expect(page.locator(f"[row-id='{script.id}'] [col-id=accuracy]")).to_have_text("62.5 %")
    title = page.locator(f"[row-id='{script.id}'] [col-id=accuracy] [title]")
    expect(title).to_have_attribute("title", "val/accuracy, as the script logged it; highest: 75.00 %")
    expect(page.locator(f"[row-id='{other.id}'] [col-id=accuracy]")).to_have_text("91.5")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Columns")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("depth")
    expect(dialog.get_by_role("checkbox")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    dialog.get_by_role("searchbox").fill("training.epochs")
    dialog.get_by_label("training.epochs").check()
    dialog.get_by_role("searchbox").fill("nothing of this name")
    expect(dialog).to_contain_text("Nothing recorded has that name.")
    dialog.get_by_role("button", name="Done").click()
    cells = {
        (script.id, "model.depth"): "3",
        (live_run.id, "model.depth"): "–",
        (live_run.id, "training.epochs"): str(live_run.run.config["training"]["epochs"]),
        (script.id, "training.epochs"): "–",
    }
    for _ in range(2):
        for (run, path), words in cells.items():
            expect(page.locator(f"[row-id='{run}'] [col-id='field:{path}']")).to_have_text(words)
        assert "cols=model.depth,training.epochs" in page.url
        page.goto(page.url)  # as somebody does whom the link was sent to
    page.get_by_role("button", name="Columns").click()
    dialog.get_by_role("button", name="Reset").click()
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator("[col-id^='field:']")).to_have_count(0)
    assert "cols" not in page.url
