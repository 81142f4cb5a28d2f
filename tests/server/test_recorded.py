"""What a run recorded, over HTTP: arrays bit for bit, display bytes, histograms, epochs, the overview, the log."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.events import VELOCITY_EDGES
from server.arrays.display import HIGH, LEVELS, LOW
from server.schemas import Epochs, FrozenMap, Histograms, History, Layers, Log
from tests.server.recording import Recording

pytestmark = pytest.mark.slow


def at(recording: Recording, rest: str) -> str:
    return f"/api/v1/runs/{recording.id}{rest}"


def loaded(content: bytes) -> np.ndarray[Any, Any]:
    array = np.load(BytesIO(content), allow_pickle=False)
    assert isinstance(array, np.ndarray)
    return array


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("field", ["phi", "divergence", "velocity"])
def test_npy_values_are_the_stored_ones_bit_for_bit(
    client: TestClient, recording: Recording, layer: int, field: str
) -> None:
    answer = client.get(at(recording, f"/layers/{layer}/{field}"))
    stored = np.stack(getattr(recording, field)[layer])
    array = loaded(answer.content)
    assert (array.dtype, array.shape) == (np.dtype("<f4"), (4, recording.neurons[layer]))
    assert array.tobytes() == stored.tobytes()
    assert (answer.headers["x-epochs"], answer.headers["x-neurons"]) == ("0:4", str(recording.neurons[layer]))


@pytest.mark.parametrize("field", ["frozen", "applied"])
def test_npy_masks_are_the_stored_ones(client: TestClient, recording: Recording, field: str) -> None:
    array = loaded(client.get(at(recording, f"/layers/1/{field}")).content)
    assert array.dtype == np.bool_
    assert (array == np.stack(getattr(recording, field)[1])).all()


def test_json_values_are_exact_and_null_where_there_are_none(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/velocity?format=json"))
    history = History.model_validate_json(answer.content)
    assert history.epochs == [0, 1, 2, 3]
    assert history.values[0] == [None] * 17
    assert np.array(history.values[1:], np.float32).tobytes() == np.stack(recording.velocity[1][1:]).tobytes()


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ("1:3", slice(1, 3)),
        (":2", slice(None, 2)),
        ("2:", slice(2, None)),
        (":", slice(None)),
        ("-1:", slice(-1, None)),
        ("-3:-1", slice(-3, -1)),
        ("0:999", slice(0, 999)),
        ("3:1", slice(3, 1)),
        ("7:9", slice(7, 9)),
    ],
)
@pytest.mark.parametrize("rest", ["phi", "display"])
def test_epochs_are_half_open_as_python_slices_are(
    client: TestClient, recording: Recording, asked: str, rows: slice, rest: str
) -> None:
    answer = client.get(at(recording, f"/layers/0/{rest}"), params={"epochs": asked})
    expected = range(4)[rows]
    assert answer.headers["x-epochs"] == f"{expected.start}:{expected.start + len(expected)}"
    if rest == "phi":
        assert (loaded(answer.content) == np.array(recording.phi[0])[rows]).all()
    else:
        assert len(answer.content) == len(expected) * 5


@pytest.mark.parametrize("asked", ["5", "a:b", "1:2:3", "", "1.5:2", "9999999999999:"])
def test_epochs_that_are_no_range_are_a_422(client: TestClient, recording: Recording, asked: str) -> None:
    answer = client.get(at(recording, "/layers/0/phi"), params={"epochs": asked})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["field"] == "epochs"


@pytest.mark.parametrize(
    ("rest", "status"),
    [("3/phi", 404), ("3/display", 404), ("3/histograms", 404), ("0/weights", 422), ("-1/phi", 422), ("x/phi", 422)],
)
def test_an_unknown_layer_or_field_is_told(client: TestClient, recording: Recording, rest: str, status: int) -> None:
    assert client.get(at(recording, f"/layers/{rest}")).status_code == status


def test_a_display_byte_holds_the_decided_mask_and_the_speed(client: TestClient, recording: Recording) -> None:
    cells = np.frombuffer(client.get(at(recording, "/layers/1/display")).content, np.uint8).reshape(4, 17)
    assert ((cells & 128) > 0).tolist() == np.stack(recording.frozen[1]).tolist()
    assert not (cells[0] & 127).any()
    for epoch in range(1, 4):
        for cell, velocity in zip(cells[epoch] & 127, recording.velocity[1][epoch], strict=True):
            place = (math.log10(abs(float(velocity))) - math.log10(LOW)) / (math.log10(HIGH) - math.log10(LOW))
            assert cell == pytest.approx(1 + (LEVELS - 1) * min(max(place, 0), 1), abs=0.501)


def test_velocity_histograms_count_as_the_edges_say(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/histograms"))
    histograms = Histograms.model_validate_json(answer.content)
    assert histograms.edges == list(VELOCITY_EDGES)
    assert histograms.counts[0] is None
    for epoch in range(1, 4):
        expected = [0] * 39
        for value in recording.velocity[1][epoch]:
            expected[sum(edge <= float(value) for edge in VELOCITY_EDGES)] += 1
        assert histograms.counts[epoch] == expected


def test_phi_histograms_have_fifty_equal_bins(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/histograms?field=phi&epochs=1:3"))
    histograms = Histograms.model_validate_json(answer.content)
    assert histograms.epochs == [1, 2]
    assert (histograms.edges[0], histograms.edges[-1], len(histograms.edges)) == (-1, 1, 51)
    for row, phi in zip(histograms.counts, recording.phi[1][1:3], strict=True):
        assert row == np.histogram(phi.astype(np.float64), histograms.edges)[0].tolist()


def test_the_overview_is_the_decided_share_of_each_layer(client: TestClient, recording: Recording) -> None:
    shares = [[float(mask.mean()) for mask in masks] for masks in recording.frozen]
    frozen = FrozenMap.model_validate_json(client.get(at(recording, "/frozen")).content)
    assert (frozen.epochs, [each.neurons for each in frozen.layers]) == ([0, 1, 2, 3], [5, 17, 3])
    assert frozen.frozen == [pytest.approx(row) for row in shares]
    assert (loaded(client.get(at(recording, "/frozen?format=npy")).content) == np.array(shares, np.float32)).all()


def test_epochs_come_after_a_cursor_with_or_without_their_layers(client: TestClient, recording: Recording) -> None:
    whole = Epochs.model_validate_json(client.get(at(recording, "/epochs")).content)
    assert [each.epoch for each in whole.epochs] == [0, 1, 2, 3]
    assert all(each.layers is not None for each in whole.epochs)
    assert whole.last_seq == recording.run.last_seq
    rest = client.get(at(recording, f"/epochs?layers=false&after={whole.epochs[1].seq}")).json()
    assert [each["epoch"] for each in rest["epochs"]] == [2, 3]
    assert "layers" not in rest["epochs"][0]
    assert client.get(at(recording, f"/epochs?after={whole.last_seq}")).json()["epochs"] == []


def test_layers_are_named_once_the_run_has_started(client: TestClient, recording: Recording) -> None:
    layers = Layers.model_validate_json(client.get(at(recording, "/layers")).content).layers
    assert [(each.index, each.name, each.neurons) for each in layers] == [
        (0, "conv0", 5),
        (1, "conv1", 17),
        (2, "conv2", 3),
    ]


def test_a_run_that_has_not_started_has_empty_answers(client: TestClient) -> None:
    run = f"/api/v1/runs/{client.post('/api/v1/runs', json={}).json()['id']}"
    assert client.get(f"{run}/layers").json() == {"layers": [], "watches": []}
    assert client.get(f"{run}/frozen").json() == {"epochs": [], "layers": [], "frozen": []}
    assert loaded(client.get(f"{run}/frozen?format=npy").content).shape == (0, 0)
    assert client.get(f"{run}/epochs").json() == {"epochs": [], "last_seq": 0}
    assert client.get(f"{run}/layers/0/phi").status_code == 404


def test_a_run_that_has_started_without_an_epoch_has_empty_layers(client: TestClient, recording: Recording) -> None:
    fresh = Recording(recording.store)
    fresh.start()
    assert loaded(client.get(at(fresh, "/layers/1/phi")).content).shape == (0, 17)
    assert client.get(at(fresh, "/layers/1/display")).headers["x-epochs"] == "0:0"
    assert client.get(at(fresh, "/layers/1/histograms")).json()["counts"] == []
    assert client.get(at(fresh, "/frozen")).json()["frozen"] == [[], [], []]


def test_the_log_comes_in_order_after_a_cursor(client: TestClient, recording: Recording) -> None:
    first = recording.log("one")
    recording.log("two\nlines")
    lines = Log.model_validate_json(client.get(at(recording, "/log")).content).lines
    assert [(each.level, each.text) for each in lines] == [("info", "one"), ("info", "two\nlines")]
    assert [each["text"] for each in client.get(at(recording, f"/log?after={first}")).json()["lines"]] == ["two\nlines"]
