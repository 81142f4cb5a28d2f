"""Large layers on the canvas: the right cell at every zoom and density, and aggregates that lose nothing."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from tests.pictures.canvas import (
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

NEURONS, EPOCHS = 4096, 300
AT = """(cells) => {
  // Pixels at the centres of these cells, [red, green, blue].
  const { canvas } = picture;
  const { x, y } = picture.range;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return cells.map(([epoch, neuron]) => {
    const across = Math.floor(((epoch - x[0]) / (x[1] - x[0])) * canvas.width);
    const down = Math.floor(((neuron - y[1]) / (y[0] - y[1])) * canvas.height);
    const at = 4 * (down * canvas.width + across);
    return [data[at], data[at + 1], data[at + 2]];
  });
}"""


@pytest.fixture(scope="module")
def mask() -> Bytes:
    """A layer of 4,096 neurons over 300 epochs."""
    return random_mask(EPOCHS, NEURONS, seed=11)


@pytest.mark.parametrize("density", [1.0, 1.5, 2.0, 3.0])
def test_every_cell_of_64_by_40_is_right_at_four_zooms(bench: Page, density: float) -> None:
    mask = random_mask(40, 64, seed=4)
    draw(bench, mask)
    expected = colours(bench)[states_of(mask)]
    for x, y in (
        ((-0.5, 39.5), (63.5, -0.5)),
        ((4.5, 20.5), (40.5, 8.5)),
        ((30.2, 35.7), (9.9, 2.4)),
        ((7, 8), (50, 49)),
    ):
        bench.evaluate("([x, y]) => { picture.show({ x, y }); picture.paint(); }", [list(x), list(y)])
        cells = [
            (epoch, neuron)
            for epoch in range(int(np.ceil(x[0])), int(np.floor(x[1])) + 1)
            for neuron in range(int(np.ceil(y[1])), int(np.floor(y[0])) + 1)
            if x[0] < epoch < x[1] and y[1] < neuron < y[0]
        ]
        shown = np.array(bench.evaluate(AT, cells)).reshape(-1, 3)
        for (epoch, neuron), pixel in zip(cells, shown, strict=True):
            assert np.abs(pixel - expected[epoch, neuron]).max() <= 1, (x, y, epoch, neuron)


@pytest.mark.parametrize("density", [1.0, 2.0])
def test_a_thousand_random_cells_of_4096_by_300_are_right_in_windows_of_any_size(
    bench: Page, density: float, mask: Bytes
) -> None:
    draw(bench, mask, width=1000, height=560)
    expected = colours(bench)[states_of(mask)]
    random = np.random.default_rng(5)
    checked = 0
    while checked < 1000:
        high, wide = int(random.integers(3, 480)), int(random.integers(2, 300))
        top, left = int(random.integers(0, NEURONS - high)), int(random.integers(0, EPOCHS - wide + 1))
        window = {"x": [left - 0.5, left + wide - 0.5], "y": [top + high - 0.5, top - 0.5]}
        bench.evaluate("(range) => { picture.show(range); picture.paint(); }", window)
        assert bench.evaluate("() => note") == {"rowsPer": 1, "columnsPer": 1}
        cells = [[left + int(random.integers(0, wide)), top + int(random.integers(0, high))] for _ in range(50)]
        shown = np.array(bench.evaluate(AT, cells))
        truth = np.array([expected[epoch, neuron] for epoch, neuron in cells])
        wrong = np.abs(shown - truth).max(axis=1) > 1
        assert not wrong.any(), (window, np.array(cells)[wrong][:3])
        checked += 50


@pytest.mark.parametrize("density", [1.0, 2.0])
def test_the_whole_of_4096_by_300_shows_each_blocks_states_in_their_shares(
    bench: Page, density: float, mask: Bytes
) -> None:
    draw(bench, mask, width=1000, height=560)
    per = int(bench.evaluate("() => note.rowsPer"))
    assert per > 1
    light = linear(colours(bench))
    states = states_of(mask)
    random = np.random.default_rng(6)
    cells = [[int(random.integers(0, EPOCHS)), int(random.integers(0, NEURONS))] for _ in range(1000)]
    height = bench.evaluate("() => picture.canvas.height")
    for (epoch, neuron), pixel in zip(cells, np.array(bench.evaluate(AT, cells)), strict=True):
        # The pixel over the cell's centre may belong to the neighbouring block where blocks meet within it.
        down = int((neuron + 0.5) / NEURONS * height)
        block = int((down + 0.5) / height * NEURONS) // per
        there = states[epoch, block * per : (block + 1) * per]
        assert np.abs(pixel - encoded(mixed(there, light))).max() <= 2, (epoch, neuron)


def test_the_whole_by_speed_shows_each_blocks_mean_level(bench: Page, mask: Bytes) -> None:
    draw(bench, mask, mode="speed", width=1000, height=560)
    per = int(bench.evaluate("() => note.rowsPer"))
    height = bench.evaluate("() => picture.canvas.height")
    table = np.array(bench.evaluate("() => [...picture.colours.packed]"))
    random = np.random.default_rng(7)
    cells = [[int(random.integers(0, EPOCHS)), int(random.integers(0, NEURONS))] for _ in range(300)]
    for (epoch, neuron), pixel in zip(cells, np.array(bench.evaluate(AT, cells)), strict=True):
        down = int((neuron + 0.5) / NEURONS * height)
        block = int((down + 0.5) / height * NEURONS) // per
        mean = (mask[epoch, block * per : (block + 1) * per] & 127).mean()
        likely = table[[int(np.floor(mean)), int(np.ceil(mean))]]
        assert any(np.array_equal(pixel, [(known >> shift) & 255 for shift in (0, 8, 16)]) for known in likely)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    neurons=st.integers(1, 5000),
    epochs=st.integers(1, 90),
    height=st.integers(60, 300),
    width=st.integers(80, 240),
    seed=st.integers(0, 2**31),
    frozen=st.integers(0, 4),
)
def test_nothing_frozen_is_lost_in_an_aggregate_and_nothing_is_made_up(
    bench: Page, neurons: int, epochs: int, height: int, width: int, seed: int, frozen: int
) -> None:
    random = np.random.default_rng(seed)
    mask = np.full((epochs, neurons), 64, dtype=np.uint8)
    for _ in range(frozen):
        mask[random.integers(0, epochs) :, random.integers(0, neurons)] = 192
    draw(bench, mask, width=width + 68, height=height + 46)
    note = bench.evaluate("() => note")
    rows, columns = note["rowsPer"], note["columnsPer"]
    pixels = pixels_of(bench).astype(int)[:, :, :3]
    plain = colours(bench)[0]
    down = ((np.arange(pixels.shape[0]) + 0.5) / pixels.shape[0] * neurons).astype(int) // rows
    across = ((np.arange(pixels.shape[1]) + 0.5) / pixels.shape[1] * epochs).astype(int) // columns
    # A block holds something else than updating cells where a cell of it is frozen; thawed cells there are none.
    rested = np.zeros((-(-neurons // rows), -(-epochs // columns)), dtype=bool)
    for epoch, neuron in zip(*np.nonzero(mask >= 128), strict=True):
        rested[neuron // rows, epoch // columns] = True
    differs = np.abs(pixels - plain).max(axis=2) > 0
    assert np.array_equal(differs, rested[down][:, across])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(neurons=st.integers(1, 3000), seed=st.integers(0, 2**31), share=st.sampled_from([0.0, 0.001, 0.5, 0.999, 1.0]))
def test_a_small_pictures_byte_says_none_or_all_only_where_it_is_so(
    bench: Page, neurons: int, seed: int, share: float
) -> None:
    frozen = np.random.default_rng(seed).random(neurons) < share
    per = -(-neurons // 48)
    rows = -(-neurons // per)
    told = bench.evaluate(
        "([bytes, per, rows]) => [...neq.ThumbnailFeed.fractions(Uint8Array.from(bytes), per, rows)]",
        [(128 * frozen).tolist(), per, rows],
    )
    for row, byte in enumerate(told):
        block = frozen[row * per : (row + 1) * per]
        assert (byte == 0) == (not block.any())
        assert (byte == 255) == bool(block.all())
        assert abs(byte / 255 - block.mean()) <= 1 / 255 + 1e-9
