"""`figure` of a recorded run: the arrays as they are, in cells that say what they are."""

import sys
import time

import numpy as np
import plotly.graph_objects as go
import pytest

import neq
from neq.client.figure import figure, frozen_lines, states
from neq.client.recorded_layer import RecordedLayer
from neq.display import colours
from tests.server.recording import Recording

pytestmark = pytest.mark.slow


class Layer(RecordedLayer):
    """One whose arrays are given."""

    def __init__(self, name: str, epochs: int, neurons: int, epsilon: float | None) -> None:
        self.name, self.type, self.index, self.neurons, self.epsilon = name, "Linear", 0, neurons, epsilon
        random = np.random.default_rng(0)
        self.present = np.ones(epochs, np.bool_)
        self.velocity = random.normal(0, 1e-3, (epochs, neurons)).astype(np.float32)
        self.divergence = abs(self.velocity)
        self.frozen = abs(self.velocity) < 1e-3


def test_states_are_those_of_the_page() -> None:
    frozen = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [1, 1]], np.bool_)
    present = np.array([True, True, False, True, True])
    nothing = [np.nan, np.nan]
    # Neuron 0: updating, just frozen, -, frozen (nothing is known of before), frozen; neuron 1 is frozen at once.
    assert np.array_equal(states(frozen, present), [[0, 3], [3, 1], nothing, [1, 0], [1, 3]], equal_nan=True)
    assert list(colours.STATES) == ["updating", "frozen", "just thawed", "just frozen"]
    assert states(np.array([[1], [0]], np.bool_), np.ones(2, np.bool_)).tolist() == [[3], [2]]


def test_a_figure_shows_the_states_first(address: str, recording: Recording) -> None:
    with neq.Client(address) as client:
        run = client.run(recording.id)
        drawn = run.figure("conv1")
        layer = run.layer("conv1")
    (cells,) = drawn.data
    assert isinstance(drawn, go.Figure) and cells.type == "heatmap"
    assert np.array_equal(cells.z, states(layer.frozen, layer.present).T)
    assert cells.z.shape == (17, 4)
    assert [colour for _, colour in cells.colorscale[::2]] == list(colours.STATES.values())
    assert list(cells.colorbar.ticktext) == list(colours.STATES)
    epsilon = recording.run.config["neq"]["epsilon"]
    assert drawn.layout.title.text == f"recorded<br><sub>conv1 · ε = {epsilon:g} · 17 neurons · state</sub>"
    assert (drawn.layout.xaxis.title.text, drawn.layout.yaxis.title.text) == ("epoch", "neuron")
    assert drawn.layout.yaxis.range[0] > drawn.layout.yaxis.range[1], "neuron 0 at the top"


@pytest.mark.parametrize(("of", "measure"), [("velocity", "velocity"), ("phi", "divergence")])
def test_a_figure_of_values_is_logarithmic_and_underlines_frozen_epochs(
    address: str, recording: Recording, of: str, measure: str
) -> None:
    with neq.Client(address) as client:
        run = client.run(recording.id)
        drawn = run.figure(1, of=of)  # type: ignore[arg-type]
        values = abs(getattr(run.layer(1), measure)).T
        frozen = run.layer(1).frozen
    cells, *lines = drawn.data
    with np.errstate(divide="ignore"):
        assert np.allclose(cells.z, np.maximum(np.log10(values), -6), equal_nan=True)
    assert (cells.zmin, cells.zmax) == (-6, 0)
    assert len(lines) == 2 and all(line.visible is True for line in lines)
    covered = np.zeros_like(frozen)
    for (start, stop, _), (row, same, _) in zip(lines[0].x.reshape(-1, 3), lines[0].y.reshape(-1, 3), strict=True):
        assert row == same
        covered[int(start + 0.5) : int(stop + 0.5), int(row)] = True
    assert (covered == frozen).all()


def test_epochs_that_are_missing_are_blank_and_those_without_a_velocity_grey(
    address: str, recording: Recording
) -> None:
    recording.epochs = 6
    recording.epoch()
    with neq.Client(address) as client:
        drawn = client.run(recording.id).figure("conv0", of="velocity")
    cells = drawn.data[0]
    assert np.isnan(cells.z[:, 4:6]).all() and not np.isnan(cells.z[:, 6]).any()
    has_none = np.isnan(cells.z).all(axis=0)
    has_none[4:6] = False
    grey = [(shape.x0, shape.x1, shape.fillcolor) for shape in drawn.layout.shapes]
    assert grey == [(epoch - 0.5, epoch + 0.5, "#e9ecef") for epoch in np.flatnonzero(has_none)]
    assert drawn.layout.plot_bgcolor == "#ffffff"


def test_no_line_is_drawn_where_nothing_froze() -> None:
    x, y = frozen_lines(np.zeros((3, 2), np.bool_))
    assert x.size == y.size == 0
    x, y = frozen_lines(np.array([[1, 0], [1, 0], [0, 1]], np.bool_))
    assert np.array_equal(x, [-0.5, 1.5, np.nan, 1.5, 2.5, np.nan], equal_nan=True)
    assert np.array_equal(y, [0, 0, np.nan, 1, 1, np.nan], equal_nan=True)


def test_a_layer_of_4096_neurons_and_300_epochs_is_drawn() -> None:
    layer = Layer("fc", 300, 4096, 1e-3)
    began = time.process_time()
    text = figure("wide", layer, "velocity").to_json()
    assert time.process_time() - began < 15  # takes about a second
    assert len(text) < 80e6
    drawn = figure("wide", layer, "state")
    assert drawn.data[0].z.shape == (4096, 300)
    marked = figure("wide", layer, "velocity").data[1]
    assert marked.visible == "legendonly", "lines would hide the colours"


def test_names_are_shown_as_they_are() -> None:
    drawn = figure("<b>a & b</b>", Layer("x<y", 2, 3, None), "state")
    assert drawn.layout.title.text == "&lt;b&gt;a &amp; b&lt;/b&gt;<br><sub>x&lt;y · 3 neurons · state</sub>"


def test_what_it_cannot_show_is_refused(address: str, recording: Recording) -> None:
    with neq.Client(address) as client, pytest.raises(ValueError, match="of is 'speed'; choose from state, velocity"):
        client.run(recording.id).figure("conv0", of="speed")  # type: ignore[arg-type]


def test_without_plotly_the_extra_is_named(address: str, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with neq.Client(address) as client, pytest.raises(ImportError, match=r"pip install 'neq\[plotly\]'"):
        client.run(recording.id).figure("conv0")
