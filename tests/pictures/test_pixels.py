"""What the canvas really shows: known masks read back from it, cell by cell and block by block."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Error, Page

from dashboard import figures
from tests.pictures.workbench import Line, application, served

Bytes = npt.NDArray[np.uint8]
TOKENS = ("--neq-updating", "--neq-frozen", "--neq-just-thawed", "--neq-just-frozen")

DRAW = """async ({ figure, epochs, neurons, bytes, mode, width, height }) => {
  document.body.innerHTML = `<div id="host" style="width: ${width}px; height: ${height}px"></div>`;
  window.scope?.end();
  window.scope = new neq.Scope();
  document.documentElement.setAttribute("data-mantine-color-scheme", "light");
  const history = new neq.NeuronHistory(neurons);
  if (bytes.length) history.put(0, Uint8Array.from(bytes));
  const source = {
    rows: neurons, get columns() { return history.epochs; },
    fill: (epoch, into) => (mode === "speed" ? history.fillLevels(epoch, into) : history.fillStates(epoch, into)),
  };
  const picture = new neq.Picture({
    scope, host: document.getElementById("host"), figure, source, name: "test",
    table: () => (mode === "speed" ? neq.palette.speeds() : neq.palette.states()),
    onPaint: (note) => (window.note = note),
  });
  await picture.start(await neq.plotly("/plotly.js"));
  Object.assign(window, { picture, cells: history });
}"""
# Pixels at the centres of all cells that lie whole within the picture: [epoch, neuron, red, green, blue, alpha].
READ = """() => {
  const { canvas } = picture;
  const { x, y } = picture.range;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const cells = [];
  for (let epoch = Math.ceil(x[0] + 0.5); epoch + 0.5 <= x[1]; epoch += 1) {
    for (let neuron = Math.ceil(y[1] + 0.5); neuron + 0.5 <= y[0]; neuron += 1) {
      const across = Math.floor(((epoch - x[0]) / (x[1] - x[0])) * canvas.width);
      const down = Math.floor(((neuron - y[1]) / (y[0] - y[1])) * canvas.height);
      const at = 4 * (down * canvas.width + across);
      cells.push([epoch, neuron, data[at], data[at + 1], data[at + 2], data[at + 3]]);
    }
  }
  return cells;
}"""
PIXELS = """() => {
  const { canvas } = picture;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [canvas.height, btoa(text)];
}"""


@pytest.fixture(scope="module")
def benches(chromium: Browser) -> Iterator[Callable[[float], Page]]:
    """Pages with the scripts alone, one a density, for all tests of this file: Plotly takes its time to load."""
    with served(application(Line())) as address, ExitStack() as contexts:

        @cache
        def of(density: float) -> Page:
            context = contexts.enter_context(
                chromium.new_context(viewport={"width": 1440, "height": 1000}, device_scale_factor=density)
            )
            tab = context.new_page()
            tab.goto(address)
            return tab

        yield of


@pytest.fixture
def bench(benches: Callable[[float], Page], density: float) -> Iterator[Page]:
    """One of them; scripts that raise fail the test."""
    tab = benches(density)
    raised: list[str] = []

    def hear(error: Error) -> None:
        raised.append(str(error))

    tab.on("pageerror", hear)
    yield tab
    tab.remove_listener("pageerror", hear)
    assert raised == []


def random_mask(epochs: int, neurons: int, seed: int = 0) -> Bytes:
    """Display bytes, epochs × neurons."""
    random = np.random.default_rng(seed)
    frozen = random.random((epochs, neurons)) < np.linspace(0, 1, epochs)[:, None]
    return (128 * frozen + random.integers(1, 128, (epochs, neurons))).astype(np.uint8)


def states_of(mask: Bytes) -> npt.NDArray[np.int64]:
    """By the definition: now frozen or not, and whether that is new; before epoch 0 nothing was frozen."""
    now = mask >= 128
    before = np.vstack([np.zeros_like(now[:1]), now[:-1]])
    return now.astype(int) + 2 * (now != before)


def draw(page: Page, mask: Bytes, *, mode: str = "state", width: int = 900, height: int = 500, epochs: int = 0) -> None:
    shown = epochs or mask.shape[0]
    page.evaluate(
        DRAW,
        {
            "figure": figures.neurons(mask.shape[1], shown),
            "epochs": mask.shape[0],
            "neurons": mask.shape[1],
            "bytes": mask.ravel().tolist(),
            "mode": mode,
            "width": width,
            "height": height,
        },
    )


def pixels_of(page: Page) -> Bytes:
    """All of the canvas: rows × columns × (red, green, blue, alpha)."""
    height, text = page.evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8).reshape(height, -1, 4)


def colours(page: Page) -> npt.NDArray[np.int64]:
    """The four states' colours as the style sheet writes them, #rrggbb."""
    written = page.evaluate("(names) => names.map((name) => neq.palette.token(name))", list(TOKENS))
    return np.array([[int(text[place : place + 2], 16) for place in (1, 3, 5)] for text in written])


def assert_every_cell_right(page: Page, mask: Bytes, at_least: int) -> None:
    cells = np.array(page.evaluate(READ))
    cells = cells[cells[:, 0] < len(mask)]
    assert len(cells) >= at_least
    expected = colours(page)[states_of(mask)[cells[:, 0], cells[:, 1]]]
    wrong = np.abs(cells[:, 2:5] - expected).max(axis=1) > 1
    assert not wrong.any(), cells[wrong][:5]
    assert (cells[:, 5] == 255).all()


@pytest.mark.parametrize("density", [1.0, 2.0])
def test_every_cell_of_a_mask_has_its_states_colour_whole_and_zoomed(bench: Page, density: float) -> None:
    mask = random_mask(40, 64)
    draw(bench, mask)
    assert bench.evaluate("() => picture.canvas.width") == round(density * bench.evaluate("() => picture.area.width"))
    assert_every_cell_right(bench, mask, at_least=40 * 64)
    bench.evaluate("() => picture.show({ x: [9.3, 17.9], y: [51.2, 30.7] })")
    bench.evaluate("() => picture.paint()")
    assert_every_cell_right(bench, mask, at_least=7 * 19)


@pytest.mark.parametrize("density", [1.0, 2.0])
def test_cells_are_crisp_blocks_without_any_colour_between(bench: Page, density: float) -> None:
    draw(bench, random_mask(10, 6))
    pixels = pixels_of(bench).reshape(-1, 4)
    assert len(np.unique(pixels, axis=0)) == 4


def test_axes_and_pixels_lie_on_each_other(bench: Page) -> None:
    draw(bench, random_mask(10, 6))
    lies = bench.evaluate("""() => {
      const canvas = picture.canvas.getBoundingClientRect();
      const axes = document.querySelector(".nsewdrag").getBoundingClientRect();
      return ["left", "top", "width", "height"].map((side) => canvas[side] - axes[side]);
    }""")
    assert lies == pytest.approx([0, 0, 0, 0], abs=0.51)


def test_epochs_that_have_not_come_are_left_clear(bench: Page) -> None:
    draw(bench, random_mask(4, 8), epochs=12)
    cells = np.array(bench.evaluate(READ))
    assert (cells[cells[:, 0] >= 4][:, 5] == 0).all()
    assert (cells[cells[:, 0] < 4][:, 5] == 255).all()


@pytest.mark.parametrize("order", [(4, 5), (5, 4)], ids=["in order", "late"])
def test_an_appended_column_leaves_the_same_pixels_as_drawing_all_anew(bench: Page, order: tuple[int, int]) -> None:
    mask = random_mask(6, 16, seed=3)
    draw(bench, mask[:4], epochs=9)
    for epoch in order:
        bench.evaluate(
            "([epoch, bytes]) => { cells.put(epoch, Uint8Array.from(bytes)); picture.paintColumn(epoch); }",
            [epoch, mask[epoch].tolist()],
        )
    appended = pixels_of(bench)
    bench.evaluate("() => picture.paint()")
    assert np.array_equal(appended, pixels_of(bench))
    assert_every_cell_right(bench, mask, at_least=6 * 16)


def test_the_colours_follow_from_light_to_dark(bench: Page) -> None:
    mask = random_mask(40, 64)
    draw(bench, mask)
    light = colours(bench)
    bench.evaluate("() => document.documentElement.setAttribute('data-mantine-color-scheme', 'dark')")
    bench.wait_for_function("(before) => neq.palette.token('--neq-frozen') !== before", arg="#3a76c8")
    bench.wait_for_timeout(100)
    assert (colours(bench) != light).any()
    assert_every_cell_right(bench, mask, at_least=40 * 64)


def test_a_zoom_stays_when_epochs_are_added_and_a_whole_view_grows(bench: Page) -> None:
    draw(bench, random_mask(10, 16))
    bench.evaluate("() => picture.show({ x: [2, 5] })")
    bench.evaluate("() => picture.extend('x', [-0.5, 19.5])")
    assert bench.evaluate("() => picture.range.x") == [2, 5]
    bench.evaluate("() => picture.showAll()")
    assert bench.evaluate("() => picture.range.x") == [-0.5, 19.5]
    bench.evaluate("() => picture.extend('x', [-0.5, 39.5])")
    assert bench.evaluate("() => picture.range.x") == [-0.5, 39.5]


# ---------------------------------------------------------------- more cells than pixels


def linear(colour: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """sRGB bytes to light (IEC 61966-2-1)."""
    share = colour / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def encoded(light: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Light to sRGB bytes."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_blocks_are_the_average_of_their_cells_in_linear_light_and_say_so(bench: Page) -> None:
    mask = random_mask(30, 4096, seed=5)
    draw(bench, mask, height=300)
    note = bench.evaluate("() => note")
    height = bench.evaluate("() => picture.canvas.height")
    per = -(-4096 // height)
    assert note == {"rowsPer": per, "columnsPer": 1}
    light = linear(colours(bench))[states_of(mask)]
    pixels = pixels_of(bench).astype(int)
    width = pixels.shape[1]
    for row in range(0, height, 7):
        block = int((row + 0.5) / height * 4096) // per
        for epoch in (0, 11, 29):
            expected = encoded(light[epoch, block * per : (block + 1) * per].mean(axis=0))
            shown = pixels[row, int((epoch + 0.5) / 30 * width), :3]
            assert np.abs(shown - expected).max() <= 2, (row, epoch)


def test_one_frozen_neuron_among_thousands_leaves_a_trace(bench: Page) -> None:
    mask = np.full((3, 4096), 64, dtype=np.uint8)
    mask[:, 2741] = 192
    draw(bench, mask, height=300)
    pixels = pixels_of(bench).reshape(-1, 4)
    assert len(np.unique(pixels, axis=0)) > 1


def test_epochs_are_merged_where_there_are_more_than_pixels(bench: Page) -> None:
    mask = random_mask(1000, 8, seed=2)
    draw(bench, mask, width=300)
    width = bench.evaluate("() => picture.canvas.width")
    per = -(-1000 // width)
    assert bench.evaluate("() => note.columnsPer") == per > 1
    light = linear(colours(bench))[states_of(mask)]
    pixels = pixels_of(bench).astype(int)
    for x in range(0, width, 9):
        block = int((x + 0.5) / width * 1000) // per
        expected = encoded(light[block * per : (block + 1) * per, 0].mean(axis=0))
        assert np.abs(pixels[2, x, :3] - expected).max() <= 2


BINS = """(seed) => {
  // A small generator of our own, so that a failure can be repeated (Park and Miller).
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const faults = [];
  for (let round = 0; round < 400; round += 1) {
    const cells = 1 + Math.floor(random() * 3000);
    const pixels = 1 + Math.floor(random() * 700);
    let from = random() * cells - 0.5;
    let to = from + Math.max(0.2, random() * (cells - 0.5 - from));
    if (random() < 0.3) [from, to] = [-0.5, cells - 0.5];
    if (random() < 0.5) [from, to] = [to, from];
    const { per, first, blocks, of } = neq.raster.bins(from, to, cells, pixels);
    const step = from < to ? 1 : -1;
    const seen = new Set(of);
    const say = (what) => faults.push({ what, from, to, cells, pixels, per });
    for (let pixel = 1; pixel < pixels; pixel += 1) {
      if (of[pixel] >= 0 && of[pixel - 1] >= 0 && step * (of[pixel] - of[pixel - 1]) < 0) say("order");
    }
    if (Math.abs(to - from) <= pixels && per !== 1) say("merged without need");
    if (per > 1 && Math.abs(to - from) / (per - 1) <= pixels) say("merged too much");
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    for (let block = 0; block < blocks; block += 1) {
      const start = (first + block) * per;
      const whole = start - 0.5 >= low && Math.min(cells, start + per) - 0.5 <= high;
      if (whole && start + per <= cells && !seen.has(block)) say(`block ${block} is not shown`);
    }
    for (let cell = Math.ceil(low + 0.5); cell + 0.5 <= high && cell < cells; cell += 1) {
      const block = Math.floor(cell / per) - first;
      if (cell >= 0 && (block < 0 || block >= blocks)) say(`cell ${cell} is in no block`);
    }
  }
  return faults.slice(0, 3);
}"""


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_no_cell_in_view_is_skipped_however_many_pixels_there_are(bench: Page, seed: int) -> None:
    assert bench.evaluate(BINS, seed) == []


def test_a_larger_speed_is_lighter_and_no_two_have_one_colour(bench: Page) -> None:
    luminance = bench.evaluate("""() => {
      const { light } = neq.palette.speeds();
      return Array.from({ length: 128 }, (_, i) =>
        0.2126 * light[3 * i] + 0.7152 * light[3 * i + 1] + 0.0722 * light[3 * i + 2]);
    }""")
    assert (np.diff(luminance[1:]) > 0).all()
    written = bench.evaluate("() => [...neq.palette.speeds().packed]")
    assert len(set(written)) == 128
