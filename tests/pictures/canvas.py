"""A picture on a page with our scripts alone: known cells are drawn, the canvas is read back."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Error, Page

from dashboard import figures
from tests.chromium import Chromium
from tests.pages_hook import HOOK
from tests.pictures.workbench import Line, application, served

Bytes = npt.NDArray[np.uint8]
TOKENS = ("--neq-updating", "--neq-frozen", "--neq-just-thawed", "--neq-just-frozen")

DRAW = """async ({ figure, neurons, bytes, mode, width, height }) => {
  document.body.innerHTML = `<div id="host" style="width: ${width}px; height: ${height}px"></div>`;
  window.scope?.end();
  window.scope = new neq.Scope();
  document.documentElement.setAttribute("data-mantine-color-scheme", "light");
  const history = new neq.NeuronHistory(neurons);
  if (bytes) history.put(0, Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0)));
  const source = {
    rows: neurons, get columns() { return history.epochs; },
    fill: (epoch, into) => (mode === "speed" ? history.fillLevels(epoch, into) : history.fillStates(epoch, into)),
  };
  const picture = new neq.CellCanvas({
    scope, host: document.getElementById("host"), figure, source, name: "test",
    table: () => neq.modes[mode].table(1e-3),
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
def benches(chromium: Chromium) -> Iterator[Callable[[float], Page]]:
    """Pages with the scripts alone, one a density, for all tests of this file: Plotly takes its time to load."""
    with served(application(Line())) as address, ExitStack() as contexts:

        @cache
        def of(density: float) -> Page:
            context = contexts.enter_context(
                chromium.new_context(viewport={"width": 1440, "height": 1000}, device_scale_factor=density)
            )
            context.add_init_script(HOOK)
            tab = context.new_page()
            tab.goto(address)
            tab.wait_for_function("() => neq.ready")
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
            "neurons": mask.shape[1],
            "bytes": base64.b64encode(mask.tobytes()).decode(),
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


def linear(colour: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """sRGB bytes to light (IEC 61966-2-1)."""
    share = colour / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def encoded(light: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Light to sRGB bytes."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


LEAST = np.array([1 / 32, 1 / 32, 1 / 2, 1 / 8])
"""The least weight of updating, frozen, just thawed and just frozen in the colour of a block that holds one."""


def mixed(states: npt.NDArray[np.int64], light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The average of the states' light, each state that occurs having at least LEAST of it."""
    shares = np.bincount(states, minlength=4) / len(states)
    weights = np.where(shares > 0, np.maximum(shares, LEAST), 0)
    mean: npt.NDArray[np.float64] = (weights[:, None] * light).sum(axis=0) / weights.sum()
    return mean
