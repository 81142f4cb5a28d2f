"""What the reader of a run's page can look at: cursor, keys, colours, orders, a neuron, all layers, the address."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.pictures.test_run_page import expected_states, ready
from tests.server.recording import Recording

EPSILON = 1e-3
BYTES = """([of, epochs]) => {
  const cells = neq.run.present().heatmap.layer.histories.get(of);
  if (!cells || cells.firstGap(epochs) !== -1) return false;
  return Array.from(cells.bytes.subarray(0, epochs * cells.neurons), (byte) => byte & 127);
}"""
DISTRIBUTION = """(epochs) => {
  const { counts } = neq.run.present().distribution.data;
  return counts.length === epochs && counts;
}"""


@pytest.fixture
def recording(store: Store) -> Recording:
    """Eight epochs of three layers, of which the second and the third have as many neurons."""
    recording = Recording(store, (6, 23, 23), epochs=30)
    recording.start()
    for _ in range(8):
        recording.epoch()
    return recording


@pytest.fixture
def run(page: Page, address: str, recording: Recording) -> Page:
    """The page of that run."""
    return opened(page, address, recording)


def opened(page: Page, address: str, recording: Recording, query: str = "layer=1") -> Page:
    page.goto(f"{address}/runs/{recording.id}?{query}")
    ready(page, recording.epochs)
    return page


def epoch_of(page: Page) -> Any:
    return page.evaluate("() => [neq.run.present().cursor.epoch, neq.run.present().cursor.following]")


# ---------------------------------------------------------------- the cursor


def test_the_cursor_follows_the_newest_epoch_until_it_is_moved(run: Page, recording: Recording) -> None:
    assert epoch_of(run) == [7, True]
    recording.epoch()
    ready(run, 9)
    assert epoch_of(run) == [8, True]
    run.keyboard.press("ArrowLeft")
    run.keyboard.press("ArrowLeft")
    assert epoch_of(run) == [6, False]
    recording.epoch()
    ready(run, 10)
    assert epoch_of(run) == [6, False]
    expect(run.locator("[data-part=tiles-epoch]")).to_have_text("Numbers of epoch 6")
    expect(run.locator("[data-part=tiles]")).to_contain_text("Test accuracy25.6 %")
    expect(run.locator("[data-part=distribution-bars]")).to_contain_text("epoch 6")
    run.keyboard.press("End")
    assert epoch_of(run) == [9, True]


def test_the_keys_move_the_cursor_as_the_help_says(run: Page) -> None:
    for key, epoch in (("Home", 0), ("ArrowRight", 1), ("Shift+ArrowRight", 7), ("Shift+ArrowLeft", 0)):
        run.keyboard.press(key)
        assert epoch_of(run)[0] == epoch, key
    run.keyboard.press("?")
    expect(run.get_by_role("dialog")).to_contain_text("previous epoch")
    run.keyboard.press("Escape")
    expect(run.get_by_role("dialog")).to_have_count(0)
    run.keyboard.press("/")
    expect(run.locator("[data-part=filter]")).to_be_focused()
    run.keyboard.type("conv2")
    assert epoch_of(run)[0] == 0, "letters typed into a field are no commands"
    expect(run.locator(".multiple:visible")).to_have_count(1)
    run.keyboard.press("Enter")
    ready(run, 8, layer=2)


def test_space_replays_to_the_newest_epoch_and_then_follows(run: Page) -> None:
    run.evaluate("() => document.activeElement.blur()")
    run.keyboard.press(" ")
    assert run.evaluate("() => neq.run.present().cursor.playing")
    assert epoch_of(run)[1] is False
    run.wait_for_function("() => neq.run.present().cursor.following")
    assert not run.evaluate("() => neq.run.present().cursor.playing")


def test_the_cursors_line_lies_over_its_epoch_in_every_picture(run: Page) -> None:
    run.keyboard.press("Home")
    run.keyboard.press("Shift+ArrowRight")
    run.keyboard.press("ArrowLeft")
    off = run.evaluate("""() => {
      const page = neq.run.present();
      const { epoch } = page.cursor;
      const pictures = [page.overview, page.heatmap, page.distribution].map(({ picture }) => picture);
      return [...pictures, page.curves.charts.loss].map((plot) => {
        const line = plot.host.querySelector(".plot-cursor").getBoundingClientRect();
        return Math.abs(line.left + line.width / 2 - plot.placeOf(epoch, 0).clientX);
      });
    }""")
    assert max(off) <= 1.6


# ---------------------------------------------------------------- colours and orders


def level(value: float) -> int:
    """1 … 127: log10, linear from 10⁻⁶ to 1."""
    return 1 if value <= 1e-6 else min(127, int(np.floor(np.log10(value) * 21 + 127.5)))


def test_colours_by_phi_and_by_its_change_are_those_of_the_stored_values(run: Page, recording: Recording) -> None:
    phi = np.array(recording.phi[1])
    run.locator("[data-part=mode-phi]").click()
    run.wait_for_function(BYTES, arg=["phi", 8])
    expected = [level(1 - float(value)) for value in phi.ravel()]
    assert np.abs(np.array(run.evaluate(BYTES, ["phi", 8])) - expected).max() <= 1
    run.locator("[data-part=mode-delta]").click()
    run.wait_for_function(BYTES, arg=["delta", 8])
    told = np.array(run.evaluate(BYTES, ["delta", 8])).reshape(8, 23)
    assert (told[0] == 0).all()
    change = np.diff(phi, axis=0)
    place = np.clip((np.log10(np.abs(change)) + 6) / 6, 0, 1)
    assert np.abs(told[1:] - (64 + np.sign(change) * np.round(63 * place))).max() <= 1
    expect(run).to_have_url(re.compile("colour=delta"))
    expect(run.locator("[data-part=legend-scale]")).to_contain_text("+ε")
    recording.epoch()
    ready(run, 9)
    run.wait_for_function(BYTES, arg=["delta", 9])


def test_epsilon_stands_in_the_scale_of_v_where_it_is(run: Page) -> None:
    run.locator("[data-part=mode-speed]").click()
    mark = run.locator("[data-part=legend-scale] .scale-epsilon")
    expect(mark).to_have_text("ε = 0.001")
    assert mark.get_attribute("style") == "left: 50.0%"


def orders_by_hand(recording: Recording, layer: int) -> dict[str, list[int]]:
    masks = np.array(recording.frozen[layer])
    velocity = np.abs(np.array(recording.velocity[layer]))
    neurons = range(masks.shape[1])
    before = np.vstack([np.zeros_like(masks[:1]), masks[:-1]])
    flips = (masks != before).sum(axis=0)
    first = [int(np.argmax(masks[:, n])) if masks[:, n].any() else 10**9 for n in neurons]
    return {
        "first": sorted(neurons, key=lambda n: (first[n], n)),
        "flips": sorted(neurons, key=lambda n: (-flips[n], n)),
        "v": sorted(neurons, key=lambda n: (level(float(velocity[-1][n])), n)),
    }


def test_rows_are_in_the_order_that_is_chosen_and_say_their_own_neuron(run: Page, recording: Recording) -> None:
    for key, expected in orders_by_hand(recording, 1).items():
        run.locator("[data-part=order]").select_option(key)
        assert run.evaluate("() => [...neq.run.present().heatmap.order]") == expected
    row = 4
    neuron = orders_by_hand(recording, 1)["v"][row]
    place = run.evaluate("(row) => neq.run.present().heatmap.picture.placeOf(6, row)", row)
    run.mouse.move(place["clientX"], place["clientY"])
    tooltip = run.locator(".tooltip:not([hidden])")
    expect(tooltip).to_contain_text(f"neuron {neuron}, epoch 6")
    state = expected_states(recording, 1)[6][neuron]
    expect(tooltip).to_contain_text(["updating", "frozen", "just thawed", "just frozen"][state])
    run.locator("[data-part=order]").select_option("similarity")
    assert sorted(run.evaluate("() => [...neq.run.present().heatmap.order]")) == list(range(23))


def test_an_order_stays_while_epochs_arrive_until_it_is_renewed(run: Page, recording: Recording) -> None:
    run.locator("[data-part=order]").select_option("flips")
    expect(run.locator("[data-part=order-words]")).to_have_text("as of 8 epochs")
    before = run.evaluate("() => [...neq.run.present().heatmap.order]")
    for _ in range(3):
        recording.epoch()
    ready(run, 11)
    assert run.evaluate("() => [...neq.run.present().heatmap.order]") == before
    run.locator("[data-part=reorder]").click()
    assert run.evaluate("() => [...neq.run.present().heatmap.order]") == orders_by_hand(recording, 1)["flips"]


# ---------------------------------------------------------------- one neuron, and the values' spread


def test_a_click_opens_the_neurons_timeline_with_its_stored_values(run: Page, recording: Recording) -> None:
    place = run.evaluate("() => neq.run.present().heatmap.picture.placeOf(3, 9)")
    run.mouse.click(place["clientX"], place["clientY"])
    expect(run.locator("[data-part=timeline-title]")).to_have_text("Neuron 9 of conv1")
    rested = int(np.array(recording.frozen[1])[:, 9].sum())
    expect(run.locator("[data-part=timeline-facts]")).to_contain_text(f"{rested} of 8 epochs")
    similar = run.evaluate("() => neq.run.present().card.timeline.charts[0].lines[0].y")
    assert np.array_equal(np.array(similar, dtype=np.float32), np.array(recording.phi[1])[:, 9])
    told = run.evaluate("() => neq.run.present().card.timeline.charts[1].valuesAt(5)[0][1]")
    assert np.float32(told.replace("−", "-")) == recording.velocity[1][5][9]
    expect(run).to_have_url(re.compile("neuron=9"))
    run.locator("[data-part=timeline-on]").click()
    expect(run.locator("[data-part=timeline-title]")).to_have_text("Neuron 10 of conv1")
    run.keyboard.press("Escape")
    expect(run.locator("[data-part=timeline]")).to_be_hidden()


@pytest.mark.parametrize("place", ["layer", "network"])
def test_the_distributions_count_the_stored_values(run: Page, recording: Recording, place: str) -> None:
    layers = range(3) if place == "network" else [1]
    if place == "network":
        run.locator("[data-part=values-network]").click()
    run.locator("[data-part=values-phi]").click()
    run.wait_for_function(DISTRIBUTION, arg=8)
    phi = np.concatenate([np.array(recording.phi[layer]) for layer in layers], axis=1)
    expected = [np.histogram(epoch.astype(np.float64), bins=50, range=(-1, 1))[0].tolist() for epoch in phi]
    assert run.evaluate(DISTRIBUTION, 8) == expected
    run.keyboard.press("Home")
    expect(run.locator("[data-part=distribution-bars] canvas")).to_have_attribute(
        "aria-label", re.compile("at epoch 0: most of")
    )


# ---------------------------------------------------------------- all layers


def test_small_pictures_show_each_layers_frozen_neurons_and_go_on_live(run: Page, recording: Recording) -> None:
    run.locator("[data-part=multiples]").scroll_into_view_if_needed()
    known = """(epochs) => [0, 1, 2].map((index) => {
      const cells = neq.run.present().feed.small.layers.get(index)?.cells;
      return cells && cells.firstGap(epochs) === -1 ? [...cells.bytes.subarray(0, epochs * cells.neurons)] : null;
    })"""
    for epochs in (8, 9):
        run.wait_for_function(f"(epochs) => ({known})(epochs).every(Boolean)", arg=epochs)
        expected = [(255 * np.array(recording.frozen[layer])).ravel().tolist() for layer in range(3)]
        assert run.evaluate(known, epochs) == expected
        if epochs == 8:
            recording.epoch()
            ready(run, 9)
    run.locator(".multiple[data-layer='2']").click()
    ready(run, 9, layer=2)


def test_only_small_pictures_that_are_seen_are_asked_for(page: Page, address: str, store: Store) -> None:
    many = Recording(store, (5,) * 120, epochs=30)
    many.start()
    for _ in range(2):
        many.epoch()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/small?" in request.url else None)
    opened(page, address, many, "layer=0")
    assert page.evaluate("() => neq.run.present().feed.small.seen.size") == 0
    assert asked == []
    page.locator(".multiple[data-layer='0']").scroll_into_view_if_needed()
    page.wait_for_function("() => neq.run.present().feed.small.layers.size > 0")
    assert 0 < page.evaluate("() => neq.run.present().feed.small.seen.size") < 120


def test_a_layer_and_its_norm_stand_side_by_side(page: Page, address: str, recording: Recording) -> None:
    run = opened(page, address, recording)
    expect(run.locator("[data-part=pair]")).to_be_hidden()
    found = run.evaluate("""() => {
      const layer = (index, name, type, neurons) => ({ index, name, type, neurons });
      const layers = [
        layer(0, "stem.conv", "Conv2d", 8), layer(1, "stem.norm", "BatchNorm2d", 8), layer(2, "a.0.conv1", "Conv2d", 8),
        layer(3, "a.0.conv2", "Conv2d", 8), layer(4, "a.0.bn2", "BatchNorm2d", 8), layer(5, "head", "Linear", 8),
      ];
      return layers.map((each) => neq.partnerOf(layers, each.index)?.index ?? null);
    }""")
    assert found == [1, 0, None, 4, 3, None]


# ---------------------------------------------------------------- layers × epochs


def test_the_overview_has_blocks_by_name_and_every_layer_in_one(run: Page) -> None:
    grouped = run.evaluate("""() => {
      const names = ["conv1", "bn1", "layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1", "layer2.0.conv1",
        "layer2.0.downsample.0", "fc"];
      const groups = neq.groups(names.map((name, index) => ({ index, name })));
      return groups.map(({ label, first, last }) => [label, first, last]);
    }""")
    assert grouped == [
        ["conv1 – bn1", 0, 1],
        ["layer1.0", 2, 3],
        ["layer1.1", 4, 4],
        ["layer2.0", 5, 6],
        ["fc", 7, 7],
    ]


def test_dragging_over_the_overview_chooses_epochs_for_all_pictures(run: Page) -> None:
    start, stop = (
        run.evaluate("(epoch) => neq.run.present().overview.picture.placeOf(epoch, 1)", e) for e in (1.5, 5.5)
    )
    run.mouse.move(start["clientX"], start["clientY"])
    run.mouse.down()
    run.mouse.move(stop["clientX"], stop["clientY"], steps=5)
    run.mouse.up()
    run.wait_for_function("() => neq.run.present().heatmap.picture.zoomed('x')")
    ranges = run.evaluate("""() => {
      const page = neq.run.present();
      const pictures = [page.overview.picture, page.heatmap.picture, page.curves.charts.loss];
      return [...pictures.map(({ range }) => range.x), page.multiples.range];
    }""")
    assert all(each == pytest.approx(ranges[0]) for each in ranges)
    assert ranges[0] == pytest.approx([1.5, 5.5], abs=0.1)
    assert run.evaluate("() => neq.run.present().overview.picture.range.y") == [2.5, -0.5]
    expect(run).to_have_url(re.compile(r"epochs=[\d.]+:[\d.]+"))
    run.keyboard.press("Escape")
    assert not run.evaluate("() => neq.run.present().heatmap.picture.zoomed('x')")


def test_each_colouring_of_the_overview_shows_the_recorded_means(run: Page) -> None:
    for mode, value in (("phi", 0.5), ("speed", 0.01), ("thawed", 0.0)):
        run.locator("[data-part=overview-mode]").select_option(mode)
        read = f"() => neq.run.present().feed.tables.columns.{mode}[5]?.[1]"
        run.wait_for_function(f"() => ({read})() !== undefined")
        assert run.evaluate(read) == pytest.approx(value)
        expect(run).to_have_url(re.compile(f"overview={mode}"))
    place = run.evaluate("() => neq.run.present().overview.picture.placeOf(5, 1)")
    run.mouse.move(place["clientX"], place["clientY"])
    expect(run.locator(".tooltip:not([hidden])")).to_contain_text("after epoch 5: 0.0 % thawed")


# ---------------------------------------------------------------- the address


def test_a_shared_link_shows_the_same(page: Page, address: str, recording: Recording) -> None:
    query = "layer=2&colour=v&order=flips&epoch=3&neuron=7&overview=phi&values=delta&of=network&epochs=1:6&rows=4:12"
    run = opened(page, address, recording, query)
    page.wait_for_selector("#run-page[data-drawn]")
    state = run.evaluate("""() => {
      const { card, cursor, overview, values, heatmap } = neq.run.present();
      const { x, y } = heatmap.picture.range;
      const { field, everywhere } = values;
      return [card.index, card.mode, card.order, cursor.epoch, card.neuron, overview.mode, field, everywhere, x, y];
    }""")
    assert state == [2, "speed", "flips", 3, 7, "phi", "delta", True, [0.5, 5.5], [11.5, 3.5]]


def test_back_and_forward_go_through_what_was_looked_at(run: Page) -> None:
    documents: list[str] = []
    run.on(
        "request", lambda request: documents.append(request.url) if "_dash-update-component" in request.url else None
    )
    run.locator("[data-part=layer]").select_option("2")
    ready(run, 8, layer=2)
    run.locator("[data-part=mode-speed]").click()
    run.locator("[data-part=order]").select_option("flips")
    run.go_back()
    run.wait_for_function("() => neq.run.present().card.order === 'index'")
    assert run.evaluate("() => [neq.run.present().card.mode, neq.run.present().index]") == ["speed", 2]
    run.go_back()
    run.go_back()
    ready(run, 8, layer=1)
    assert run.evaluate("() => neq.run.present().card.mode") == "state"
    run.go_forward()
    ready(run, 8, layer=2)
    assert documents == [], "the page is not drawn anew"


def test_a_page_that_is_being_left_writes_nothing_into_the_next_one_s_address(run: Page) -> None:
    """The address is the next page's at once, and the old one is there until the next is drawn."""
    run.route("**/_dash-update-component", lambda route: (run.wait_for_timeout(1500), route.continue_()))
    run.keyboard.press("ArrowLeft")
    run.get_by_role("link", name="New run").first.click()
    run.wait_for_url(re.compile("/new"))
    for choice in ("step", "settle"):
        run.evaluate("(choice) => neq.run.present().address[choice]({ epoch: 3 })", choice)
    run.wait_for_timeout(400)  # longer than the address waits before it settles
    assert run.url.endswith("/new")
