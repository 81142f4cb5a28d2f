"""What the canvas really shows: known masks read back from it, cell by cell and block by block."""

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.pictures.canvas import (
    READ,
    Bytes,
    bench,
    benches,
    colours,
    draw,
    encoded,
    linear,
    mixed,
    pixels_of,
    random_mask,
    states_of,
)

__all__ = ["bench", "benches"]


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
    bench.wait_for_function("(before) => neq.palette.token('--neq-frozen') !== before", arg="#3352b8")
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


def test_blocks_are_the_average_of_their_cells_in_linear_light_and_say_so(bench: Page) -> None:
    mask = random_mask(30, 4096, seed=5)
    draw(bench, mask, height=300)
    note = bench.evaluate("() => note")
    height = bench.evaluate("() => picture.canvas.height")
    per = -(-4096 // height)
    assert note == {"rowsPer": per, "columnsPer": 1}
    states, light = states_of(mask), linear(colours(bench))
    pixels = pixels_of(bench).astype(int)
    width = pixels.shape[1]
    for row in range(0, height, 7):
        block = int((row + 0.5) / height * 4096) // per
        for epoch in (0, 11, 29):
            expected = encoded(mixed(states[epoch, block * per : (block + 1) * per], light))
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
    states, light = states_of(mask), linear(colours(bench))
    pixels = pixels_of(bench).astype(int)
    for x in range(0, width, 9):
        block = int((x + 0.5) / width * 1000) // per
        expected = encoded(mixed(states[block * per : (block + 1) * per, 0], light))
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
