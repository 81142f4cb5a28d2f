"""External runs whose record has gaps: an epoch that a full disk dropped, a layer that was watched later."""

import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.events import VELOCITY_EDGES, LayerSnapshot
from contract.snapshot_arrays import pack, table_of
from tests.server.recording import Floats, Masks
from tests.server.serving import read_frame
from tests.server.test_recording import RUN, RUNS, Recorder, epoch_event, watched

pytestmark = pytest.mark.slow

Json = dict[str, Any]
NEURONS = (10, 3, 4)
EPOCHS = 5
BINS = len(VELOCITY_EDGES) + 1
LATE = 2
"""The layer that is watched from epoch 1 on."""
PRESENT = {0: [0, 3, 4], 1: [0, 3, 4], LATE: [3, 4]}
"""Epochs by layer: 1 and 2 were lost."""


def npy(client: TestClient, path: str, **query: str) -> Any:
    answer = client.get(f"{RUNS}/{RUN}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content)), answer.headers["X-Epochs"]


class Gappy:
    """The run, and what was recorded of it."""

    def __init__(self, client: TestClient) -> None:
        self.recorder, self.random = Recorder(client), np.random.default_rng(3)
        self.divergence: dict[tuple[int, int], Floats] = {}
        self.velocity: dict[tuple[int, int], Floats] = {}
        self.frozen: dict[tuple[int, int], Masks] = {}
        assert self.recorder.make().status_code == 201
        assert self.recorder.say(*self.recorder.started()).status_code == 200
        self._epoch(0, layers=2)
        assert self.recorder.say(watched(LATE)).status_code == 200
        self._epoch(3, layers=3)
        self._epoch(4, layers=3)

    def _epoch(self, number: int, layers: int) -> None:
        rows = []
        for index, count in enumerate(NEURONS[:layers]):
            place = index, number
            self.divergence[place] = self.random.uniform(0, 2, count).astype("<f4")
            self.velocity[place] = self.random.normal(size=count).astype("<f4")
            self.frozen[place] = self.random.random(count) < 0.5
            bits = np.packbits(self.frozen[place]).tobytes()
            floats = self.divergence[place].tobytes(), self.velocity[place].tobytes()
            rows.append(LayerSnapshot(index, count, *floats, bits, bits))
        counts = [int(self.frozen[index, number].sum()) for index in range(layers)]
        columns: Json = {name: [0] * layers for name in ("froze", "thawed", "dead", "churning", "beyond")}
        columns |= {"applied": counts, "frozen": counts, "phi_mean": [0.5] * layers, "speed_mean": [0.25] * layers}
        columns |= {"velocity_histogram": [[1] * BINS] * layers}
        part = self.recorder.part(epoch_event(number, layers=columns), table=table_of(rows), packed=pack(rows))
        assert self.recorder.send(part).status_code == 200, number

    def floats(self, of: dict[tuple[int, int], Floats], layer: int) -> Floats:
        whole = np.full((EPOCHS, NEURONS[layer]), np.nan, np.float32)
        for epoch in PRESENT[layer]:
            whole[epoch] = of[layer, epoch]
        return whole

    def masks(self, layer: int) -> Masks:
        whole = np.zeros((EPOCHS, NEURONS[layer]), np.bool_)
        for epoch in PRESENT[layer]:
            whole[epoch] = self.frozen[layer, epoch]
        return whole


@pytest.fixture
def gappy(client: TestClient) -> Gappy:
    return Gappy(client)


@pytest.mark.parametrize("layer", range(3))
def test_rows_of_arrays_are_epochs(client: TestClient, gappy: Gappy, layer: int) -> None:
    divergence, place = npy(client, f"/layers/{layer}/divergence")
    assert place == "0:5" and divergence.tobytes() == gappy.floats(gappy.divergence, layer).tobytes()
    frozen, place = npy(client, f"/layers/{layer}/frozen", epochs="2:4")
    assert place == "2:4" and (frozen == gappy.masks(layer)[2:4]).all()
    answer = client.get(f"{RUNS}/{RUN}/layers/{layer}/velocity", params={"format": "json", "epochs": "1:5"}).json()
    assert answer["epochs"] == [1, 2, 3, 4]
    assert np.array_equal(
        np.array(answer["values"], np.float32), gappy.floats(gappy.velocity, layer)[1:], equal_nan=True
    )


@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize("of", ["state", "phi", "delta"])
def test_cells_of_epochs_that_are_missing_say_nothing(client: TestClient, gappy: Gappy, layer: int, of: str) -> None:
    answer = client.get(f"{RUNS}/{RUN}/layers/{layer}/display", params={"of": of})
    assert (answer.headers["X-Epochs"], answer.headers["X-Missing"]) == ("0:5", "0:3" if layer == LATE else "1:3")
    cells = np.frombuffer(answer.content, np.uint8).reshape(EPOCHS, NEURONS[layer])
    missing = [epoch for epoch in range(EPOCHS) if epoch not in PRESENT[layer]]
    assert not cells[missing].any()
    assert ((cells >> 7 == 1) == gappy.masks(layer)).all()
    shown = (cells & 127) > 0
    # Of a change the epoch before must be there too.
    assert shown.any(axis=1).tolist() == [
        epoch in PRESENT[layer] and (of != "delta" or epoch - 1 in PRESENT[layer]) for epoch in range(EPOCHS)
    ]


def test_the_overview_has_a_column_for_each_epoch(client: TestClient, gappy: Gappy) -> None:
    frozen, place = npy(client, "/overview", field="frozen")
    expected = np.full((3, EPOCHS), np.nan)
    for (layer, epoch), mask in gappy.frozen.items():
        expected[layer, epoch] = mask.mean()
    assert place == "0:5" and np.allclose(frozen, expected, equal_nan=True)
    phi, place = npy(client, "/overview", field="phi", epochs="1:4")
    assert place == "1:4"
    assert np.array_equal(phi, np.where(np.isnan(expected[:, 1:4]), np.nan, 0.5), equal_nan=True)
    thawed, _ = npy(client, "/overview", field="thawed")
    assert np.array_equal(thawed, np.where(np.isnan(expected), np.nan, 0.0), equal_nan=True)
    told = client.get(f"{RUNS}/{RUN}/overview", params={"format": "json"}).json()
    assert told["epochs"] == [0, 1, 2, 3, 4] and told["values"][2][:3] == [None, None, None]


def test_small_pictures_have_a_row_for_each_epoch(client: TestClient, gappy: Gappy) -> None:
    answer = client.get(f"{RUNS}/{RUN}/small", params={"layers": "0,1,2", "rows": "4"})
    header, cells = read_frame(answer.content)
    assert header["epochs"] == [0, 5]
    sizes = [EPOCHS * rows for _, _, _, rows, _ in header["layers"]]
    assert [missing for *_, missing in header["layers"]] == [[[1, 3]], [[1, 3]], [[0, 3]]]
    assert len(cells) == sum(sizes) and [layer for layer, *_ in header["layers"]] == [0, 1, 2]
    late = np.frombuffer(cells[-sizes[-1] :], np.uint8).reshape(EPOCHS, -1)
    assert (late == 255 * gappy.masks(LATE)).all()


@pytest.mark.parametrize("path", ["/layers/2/histograms", "/histograms"])
@pytest.mark.parametrize("field", ["velocity", "phi", "delta"])
def test_histograms_tell_their_epochs(client: TestClient, gappy: Gappy, path: str, field: str) -> None:
    told = client.get(f"{RUNS}/{RUN}{path}", params={"field": field}).json()
    assert told["epochs"] == [0, 3, 4]
    layers = [2] if "layers" in path else [0, 1, 2]
    for epoch, counts in zip(told["epochs"], told["counts"], strict=True):
        there = [
            NEURONS[layer]
            for layer in layers
            if epoch in PRESENT[layer] and (field != "delta" or epoch - 1 in PRESENT[layer])
        ]
        if field == "velocity" and path == "/histograms":  # of the network it is what the events say
            there = [BINS for layer in layers if epoch in PRESENT[layer]]
        assert sum(counts or [0]) == sum(there), json.dumps(told)


def test_a_range_that_begins_in_a_gap_is_another_answer(client: TestClient, gappy: Gappy) -> None:
    from_gap = client.get(f"{RUNS}/{RUN}/layers/0/display", params={"epochs": "2:"})
    behind = client.get(f"{RUNS}/{RUN}/layers/0/display", params={"epochs": "3:"})
    assert from_gap.headers["ETag"] != behind.headers["ETag"]
    assert from_gap.content == bytes(NEURONS[0]) + behind.content
