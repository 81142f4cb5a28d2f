"""Many runs side by side, in a browser: grouped, over any axis, held against one, brushed, saved as a view."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording

KINDS = ("sgd", "adam")
EPSILONS = (0.001, 0.01)
LINES = """() => Object.fromEntries([...neq.compare.present().curves.boxes].map(([name, { chart }]) =>
  [name, chart.lines.map(({ key, x, alpha = 1 }) => [key, x.length, alpha])]))"""

BEYOND_PAPER = """() => {
  const right = document.querySelector(".page").getBoundingClientRect().right;
  return [...document.querySelectorAll(".compare :is(td, th, .parallel-plot)")]
    .filter((each) => each.getBoundingClientRect().right > right).map((each) => each.textContent);
}"""

SWATCH = "(swatch) => [swatch.style.getPropertyValue('--ink'), swatch.dataset.dash].join()"

WORDS_WITHIN = """() => {
  const place = (name) => document.querySelector(`[data-part=curves] .plot-${name}`).getBoundingClientRect();
  return place("words").left >= place("axes").left && place("words").right <= place("axes").right;
}"""


@pytest.fixture
def study(store: Store) -> list[Recording]:
    """Two optimizers × two thresholds × two seeds, of four to six epochs each."""
    found = []
    for kind in KINDS:
        for epsilon in EPSILONS:
            for seed in range(2):
                changes: dict[str, Any] = {"optimizer": {"kind": kind}, "neq": {"epsilon": epsilon}}
                training = {"epochs": 6, "seed": seed}
                recording = Recording(store, (4, 9), epochs=6, seed=len(found), training=training, **changes)
                store.describe_run(recording.id, name=f"{kind} {epsilon} {seed}")
                recording.start()
                for _ in range(4 + len(found) % 3):
                    recording.epoch()
                found.append(recording)
    return found


def opened(page: Page, address: str, study: list[Recording], more: str = "") -> None:
    page.goto(f"{address}/compare?runs={','.join(run.id for run in study)}{more}")
    page.wait_for_selector("#compare-page[data-drawn]")
    expect(page.locator("[data-part=curves] canvas.chart-lines").first).to_have_attribute(
        "aria-label", re.compile("Last values")
    )


def test_curves_are_grouped_over_any_axis_and_the_address_keeps_how(
    page: Page, address: str, study: list[Recording]
) -> None:
    opened(page, address, study)
    ids = [run.id for run in study]
    by_run = page.evaluate(LINES)
    assert [key for key, _, _ in by_run["train_loss"]] == ids
    assert [points for _, points, _ in by_run["train_loss"]] == [run.epochs for run in study]
    page.get_by_label("Group curves by").select_option(label="Optimizer: kind")
    legend = page.locator("[data-part=curves-legend]")
    expect(legend.locator(".legend-item")).to_have_text(
        ["Optimizer: kind = adam (4 runs)", "Optimizer: kind = sgd (4 runs)"]
    )
    adam, sgd = page.evaluate(f"() => [...document.querySelectorAll('.legend-item .line-swatch')].map({SWATCH})")
    assert adam != sgd
    for where in ("[data-part=numbers] tbody", "[data-part=settings] thead"):
        drawn = page.evaluate(f"(at) => [...document.querySelectorAll(`${{at}} .line-swatch`)].map({SWATCH})", where)
        assert drawn == [sgd] * 4 + [adam] * 4, "a run is drawn as its group everywhere"
    page.get_by_label("Axis of the curves").select_option("seconds")
    page.get_by_role("button", name="Log scale").click()
    label = re.compile("Training loss by Training time .* Last values: Optimizer: kind = sgd .*n = 1 of 4")
    expect(page.locator("[data-metric=train_loss] canvas.chart-lines")).to_have_attribute("aria-label", label)
    expect(page).to_have_url(re.compile(r"x=seconds&group=optimizer\.kind&log=1"))
    page.reload()
    expect(legend.locator(".legend-item")).to_have_count(2)
    expect(page.locator("[data-metric=train_loss] canvas.chart-lines")).to_have_attribute("aria-label", label)
    page.get_by_role("button", name="Metrics…").click()
    boxes = page.get_by_role("dialog").get_by_role("checkbox")
    for box in boxes.all():
        box.uncheck()
    page.get_by_role("dialog").get_by_label("Frozen during epoch").check()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-part=curves] > *")).to_have_count(1)
    page.get_by_label("Axis of the curves").select_option("cpu_seconds")  # nobody measured them: the charts say so
    expect(page.locator(".picture-across")).to_have_text("CPU time (s)")
    expect(page.locator("[data-part=curves] .plot-words")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth === 390")
    page.wait_for_function(WORDS_WITHIN)


def test_a_baseline_a_brush_and_the_cursor_are_of_the_whole_page(
    page: Page, address: str, study: list[Recording]
) -> None:
    opened(page, address, study)
    heads = page.locator(".compare-numbers thead th")
    assert heads.all_text_contents()[4:7] == ["Optimizer: kind", "Threshold ε", "Seed"], "what differs comes first"
    page.get_by_role("button", name="Hold the others against sgd 0.001 0").press("Enter")
    expect(page.locator(".compare-base")).to_have_attribute("data-run", study[0].id)
    expect(page.locator(f"[data-run='{study[1].id}'] .compare-against").first).to_be_visible()
    expect(page.locator("[data-part=mask-a]")).to_have_value("0")
    page.locator("[data-part=parallel-frame] > summary").press("Enter")
    page.get_by_text("Brush by typing").press("Enter")
    page.get_by_label("Optimizer: kind: only").select_option(label="adam")
    expect(page.locator("[data-part=brush-words]")).to_have_text("4 runs of 8 brushed below.")
    expect(page.locator(".compare-dim")).to_have_count(4)
    page.wait_for_function("() => neq.compare.present().curves.boxes.get('train_loss').chart.lines[0].alpha < 1")
    dimmed = [alpha < 1 for _, _, alpha in page.evaluate(LINES)["train_loss"]]
    assert dimmed == [True] * 4 + [False] * 4
    expect(page.locator(".parallel-left-out")).to_have_count(4)
    page.get_by_role("button", name="Save…: parallel coordinates").press("Enter")
    page.get_by_role("dialog", name="Save figure").get_by_label("SVG").check()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    told = "".join(ElementTree.fromstring(download.value.path().read_text()).itertext())
    assert "4 of 8 runs brushed" in told and "Threshold ε" in told
    assert ("adam 0.001 0" in told, "sgd 0.001 0" in told) == (True, False), "the legend is of what is brushed"
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("brush=optimizer.kind%3Aadam&epoch=0$"))
    page.goto(f"{page.url}&x=bogus&smooth=nan")
    page.wait_for_selector("#compare-page[data-drawn]")
    left_out = page.locator("[data-part=notice]")
    expect(left_out).to_contain_text("Left out of the address, as it cannot be followed: the axis “bogus”")
    expect(page).not_to_have_url(re.compile("bogus"))
    expect(page.locator("[data-part=brush-words]")).to_have_text("4 runs of 8 brushed below.")
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("epoch=0"))
    page.reload()
    page.wait_for_selector("#compare-page[data-drawn]")
    expect(left_out).to_be_hidden()
    expect(page.locator("[data-part=cursor-words]")).to_have_text("epoch 0")
    page.get_by_role("button", name="Clear brushes").press("Enter")
    expect(page.locator(".compare-dim")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("brush"))
    page.evaluate("() => document.activeElement.blur()")
    expect(heads.filter(has_text="Training loss @ epoch 0")).to_have_count(1)
    place = heads.all_text_contents().index("Training loss @ epoch 0")
    losses = page.locator(f".compare-numbers tbody :nth-child({place + 1}) >> visible=true")
    expect(losses.first).to_contain_text("1.00")
    page.keyboard.press("End")
    expect(heads.filter(has_text="@ epoch")).to_have_count(0)
    page.emulate_media(media="print")
    page.wait_for_selector("html[data-paper]")
    assert page.evaluate(BEYOND_PAPER) == [], "tables and axes are as wide as the paper"


def test_neurons_are_shown_of_those_that_are_ticked_and_a_view_keeps_all(
    page: Page, address: str, study: list[Recording], store: Store
) -> None:
    opened(page, address, study)
    panes = page.locator("[data-part=heatmaps] .compare-pane")
    expect(panes).to_have_count(4)
    page.get_by_label("Show the neurons of adam 0.001 0").check()
    page.get_by_label("Show the neurons of sgd 0.001 0").uncheck()
    expect(panes.locator("h3")).to_have_text(["sgd 0.001 1", "sgd 0.01 0", "sgd 0.01 1", "adam 0.001 0"])
    page.wait_for_function("() => neq.compare.present().pictures.entries.every(({ drawn }) => drawn)")
    page.get_by_label("Figure upright").select_option("train_loss.best")
    words = page.locator("[data-part=scatter-words]")
    expect(words).to_contain_text("No other run beats")
    before = words.text_content()
    page.locator("[data-part=scatter-y-less]").click()
    expect(page.locator("[data-part=scatter-y-less]")).to_have_text("more is better")
    assert words.text_content() != before
    page.get_by_role("button", name="Views…").click()
    page.get_by_label("Save this view as").fill("optimizers")
    page.get_by_role("button", name="Save", exact=True).click()
    link = page.get_by_role("dialog").get_by_role("link", name="optimizers")
    expect(link).to_be_visible()
    query = link.get_attribute("href")
    page.goto(f"{address}/")
    page.goto(f"{address}{query}")
    expect(panes.locator("h3")).to_have_text(["sgd 0.001 1", "sgd 0.01 0", "sgd 0.01 1", "adam 0.001 0"])
    expect(page.locator("[data-part=scatter-y-less]")).to_have_text("more is better")
    stars = "() => document.querySelector('[data-part=scatter] .js-plotly-plot').data[2].x.length"
    page.locator("[data-part=scatter] .js-plotly-plot").wait_for()  # the library comes after the words
    assert page.evaluate(stars) == 0
    for run in study:
        store.describe_run(run.id, tags=("study:epsilon", "scaled"))
    opened(page, address, study)
    expect(words).to_contain_text("Open stars: 9 published points, Bragagnolo")
    expect(words).to_contain_text("not how high they are")
    assert page.evaluate(stars) == 9
    page.get_by_label("Figure upright").select_option("train_loss.best")
    expect(words).to_contain_text("Published points are shown for Frozen next epoch, last and Test accuracy, last")
    assert page.evaluate(stars) == 0


def test_pointing_at_a_curve_lights_its_run_everywhere(page: Page, address: str, study: list[Recording]) -> None:
    opened(page, address, study)
    chart = "neq.compare.present().curves.boxes.get('frozen_fraction').chart"
    page.wait_for_function(f"() => {chart}.started")
    box = page.locator("[data-metric=frozen_fraction]")
    box.scroll_into_view_if_needed()
    place = page.evaluate(f"""() => {{
      const chart = {chart}, line = chart.lines[5];
      return {{ ...chart.placeOf(3, line.y[3]), key: line.key }};
    }}""")
    page.mouse.move(place["clientX"], place["clientY"])
    expect(page.locator(".compare-lit")).to_have_attribute("data-run", place["key"])
    page.wait_for_function(
        "key => neq.compare.present().curves.boxes.get('test_accuracy').chart.lines.at(-1).key === key",
        arg=place["key"],
    )
    head = page.locator(".tooltip:not([hidden]) .tooltip-head")
    expect(head).to_have_text("epoch 3")
    page.mouse.move(5, 5)
    expect(page.locator(".compare-lit")).to_have_count(0)
