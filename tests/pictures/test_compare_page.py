"""Runs side by side on the real system."""

import copy
import re

import pytest
from playwright.sync_api import Page, expect

from contract.config import RunConfig
from db import Store
from tests.server.recording import Recording

READY = """([runs, epochs]) => {
  const page = neq.compare?.present();
  const entries = page?.pictures?.entries ?? [];
  return page?.drawn && entries.length === runs
    && entries.every(({ feed, drawn }) => drawn && feed.loaded && feed.done >= epochs)
    && entries.every(({ heatmap, feed }) => !feed.open.size || (heatmap.layer && heatmap.layer.loaded));
}"""
RANGES = "() => neq.compare.present().pictures.entries.map(({ heatmap }) => heatmap.picture.range)"


def saved(page: Page, button: str) -> list[str]:
    """The lines of the file that this button saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).press("Enter")
    return download.value.path().read_text().splitlines()


def ready(page: Page, runs: int, epochs: int) -> None:
    page.wait_for_function(READY, arg=[runs, epochs])


@pytest.fixture
def pair(store: Store) -> list[Recording]:
    """Two runs with the same layers, eight epochs each."""
    found = []
    for seed in (1, 2):
        recording = Recording(store, (6, 40), epochs=30, seed=seed)
        recording.start()
        for _ in range(8):
            recording.epoch()
        found.append(recording)
    return found


def test_zooming_one_zooms_all_and_pointing_tells_the_same_cell_of_each(
    page: Page, address: str, pair: list[Recording]
) -> None:
    page.goto(f"{address}/compare?runs={pair[0].id},{pair[1].id}&layer=conv1")
    ready(page, 2, 8)
    page.locator("[data-part=heatmaps]").evaluate("row => row.scrollIntoView({ block: 'center' })")
    box = page.locator("[data-part=heatmaps] canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=4)
    page.mouse.up()
    page.wait_for_function("() => neq.compare.present().pictures.entries[1].heatmap.picture.zoomed('y')")
    one, other = page.evaluate(RANGES)
    assert one == other
    assert page.evaluate("() => neq.compare.present().curves.boxes.get('train_loss').chart.range.x") == one["x"]
    place = page.evaluate("() => neq.compare.present().pictures.entries[0].heatmap.picture.placeOf(2, 9)")
    page.mouse.move(place["clientX"], place["clientY"])
    expect(page.locator(".tooltip:not([hidden])")).to_have_count(2)
    told = page.locator(".tooltip:not([hidden]) .tooltip-head").all_text_contents()
    assert told == ["neuron 9, epoch 2"] * 2


def test_both_go_on_live_and_keep_their_zoom(page: Page, address: str, pair: list[Recording]) -> None:
    page.goto(f"{address}/compare?runs={pair[0].id},{pair[1].id}")
    ready(page, 2, 8)
    page.evaluate("() => neq.compare.present().pictures.entries[0].heatmap.picture.show({ x: [1.5, 4.5] })")
    for recording in pair:
        recording.epoch()
    ready(page, 2, 9)
    page.wait_for_function(
        "() => neq.compare.present().pictures.entries.every(({ heatmap }) => heatmap.layer.cells.epochs === 9)"
    )
    assert page.evaluate(RANGES)[0]["x"] == [1.5, 4.5]
    expect(page.locator("[data-part=numbers]")).to_contain_text("9 of 30")


def test_a_layer_that_a_run_lacks_is_said(page: Page, address: str, store: Store, pair: list[Recording]) -> None:
    small = Recording(store, (6,), epochs=30)
    small.start()
    small.epoch()
    page.goto(f"{address}/compare?runs={pair[0].id},{small.id}")
    ready(page, 2, 1)
    page.locator("[data-part=layer]").select_option("conv1")
    expect(page).to_have_url(re.compile("layer=conv1"))
    expect(page.locator("[data-part=heatmaps] .plot-words").last).to_contain_text("This run has no layer conv1.")


def test_only_what_differs_is_listed_until_all_is_asked_for(page: Page, address: str, store: Store) -> None:
    ids = []
    for epsilon in (0.001, 0.005):
        config = RunConfig.model_validate({"neq": {"epsilon": epsilon}}).model_dump(mode="json")
        ids.append(store.create_run(name=f"ε {epsilon}", config=config, epochs_planned=24).id)
    page.goto(f"{address}/compare?runs={','.join(ids)}")
    rows = page.locator("[data-part=settings] tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Equilibrium Threshold ε0.0010.005")
    expect(page.locator("[data-part=note]")).to_contain_text("single cells can be compared")
    assert saved(page, "CSV: save settings") == [
        "Setting,ε 0.001,ε 0.005",
        "Equilibrium Threshold ε,0.001,0.005",
    ]
    assert r"  Equilibrium Threshold $\varepsilon $ & 0.001 & 0.005 \\" in saved(page, "LaTeX: save settings")
    header, first, _ = saved(page, "CSV: save compared runs")
    assert header == "Run,Threshold ε,State,Epochs"
    assert first == "ε 0.001,0.001,queued,0"
    page.get_by_role("button", name="All", exact=True).click()
    expect(rows.nth(5)).to_be_visible()
    expect(page.locator("[data-part=settings] tr.differs")).to_have_count(1)


def test_what_an_older_version_did_not_know_is_no_difference(page: Page, address: str, store: Store) -> None:
    """A run stored before a field was added was trained as the field's default says."""
    whole = RunConfig.model_validate({"model": {"kind": "resnet-cifar"}}).model_dump(mode="json")
    older = copy.deepcopy(whole)
    for group, field in (("compute", "cudnn_benchmark"), ("neq", "phi_precision"), ("model", "depth")):
        del older[group][field]
    ids = [
        store.create_run(name=name, config=config, epochs_planned=24).id
        for name, config in (("new", whole), ("old", older))
    ]
    page.goto(f"{address}/compare?runs={','.join(ids)}")
    expect(page.locator("[data-part=settings]")).to_contain_text("These runs have the same settings.")
    expect(page.locator("[data-part=note]")).to_contain_text("Seed, network and data have the same settings")


def test_runs_of_one_description_and_other_layers_are_no_same_network(
    page: Page, address: str, store: Store, pair: list[Recording]
) -> None:
    """Settings alone do not tell: a plug-in's network, or a program of another version, may have other layers."""
    note = page.locator("[data-part=note]")
    page.goto(f"{address}/compare?runs={pair[0].id},{pair[1].id}")
    ready(page, 2, 8)
    expect(note).to_contain_text("the layers are the same")
    other = Recording(store, (6, 9), epochs=30)
    page.goto(f"{address}/compare?runs={pair[0].id},{other.id}")
    expect(note).to_contain_text("is known once every run has reported its layers")
    other.start()
    expect(note).to_contain_text("differ in network")


def test_a_run_is_added_by_searching_and_taken_away(page: Page, address: str, pair: list[Recording]) -> None:
    page.goto(f"{address}/compare?runs={pair[0].id}")
    expect(page.locator("[data-part=notice]")).to_contain_text("Add a second run")
    page.get_by_label(re.compile("Add a run")).fill(pair[1].id)
    page.locator(".compare-choice").click()
    expect(page).to_have_url(re.compile(f"runs={pair[0].id},{pair[1].id}"))
    ready(page, 2, 8)
    page.get_by_label(re.compile("^Remove recorded")).first.click()
    expect(page).to_have_url(re.compile(f"runs={pair[1].id}"))
    ready(page, 1, 8)


def test_a_run_that_does_not_exist_is_named_and_the_others_are_shown(
    page: Page, address: str, pair: list[Recording]
) -> None:
    page.goto(f"{address}/compare?runs=nosuchrun1,{pair[0].id}")
    ready(page, 1, 8)
    expect(page.locator("[data-part=notice]")).to_contain_text("There is no run nosuchrun1")


def test_the_widest_layer_that_all_runs_have_is_opened_though_one_tells_its_layers_late(
    page: Page, address: str, store: Store
) -> None:
    small = Recording(store, (6, 9, 4), epochs=30)
    small.start()
    small.epoch()
    late = Recording(store, (6, 9, 50, 80), epochs=30)
    page.goto(f"{address}/compare?runs={small.id},{late.id}")
    ready(page, 2, 0)
    expect(page.locator("[data-part=layer]")).to_have_value("conv1")
    late.start()
    expect(page.locator("[data-part=layer]")).to_have_value("conv2")
    page.locator("[data-part=layer]").select_option("conv0")
    later = "() => neq.compare.present().pictures.wanted"
    assert page.evaluate(later) == "conv0"
