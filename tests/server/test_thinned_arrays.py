"""A launched run that records arrays every so many epochs: a row for each epoch, and it is said which are blank."""

from io import BytesIO

import numpy as np
import pytest
from fastapi.testclient import TestClient

from db import Store
from tests.server.recording import Recording
from tests.server.serving import read_frame

pytestmark = pytest.mark.slow

EVERY, EPOCHS = 3, 5
RECORDED = [0, 3]


@pytest.fixture
def thinned(store: Store) -> Recording:
    recording = Recording(store, recording={"arrays_every": EVERY})
    recording.start()
    for epoch in range(EPOCHS):
        recording.epoch(arrays=epoch % EVERY == 0)
    return recording


def at(recording: Recording, rest: str) -> str:
    return f"/api/v1/runs/{recording.id}{rest}"


@pytest.mark.parametrize("of", ["state", "phi", "delta"])
def test_cells_name_the_epochs_without_arrays_and_say_nothing_of_them(
    client: TestClient, thinned: Recording, of: str
) -> None:
    answer = client.get(at(thinned, "/layers/1/display"), params={"of": of})
    assert (answer.headers["X-Epochs"], answer.headers["X-Missing"]) == ("0:5", "1:3,4:5")
    cells = np.frombuffer(answer.content, np.uint8).reshape(EPOCHS, 17)
    assert not cells[[1, 2, 4]].any()
    assert ((cells[3] >> 7 == 1) == thinned.frozen[1][3]).all()


def test_rows_are_the_recorded_ones_to_the_bit_and_blank_between(client: TestClient, thinned: Recording) -> None:
    rows = np.load(BytesIO(client.get(at(thinned, "/layers/2/velocity")).content))
    assert rows.shape == (EPOCHS, 3) and np.isnan(rows[[0, 1, 2, 4]]).all()  # of epoch 0 there is no velocity
    assert rows[3].tobytes() == thinned.velocity[2][3].tobytes()
    masks = np.load(BytesIO(client.get(at(thinned, "/layers/2/frozen")).content))
    assert not masks[[1, 2, 4]].any() and (masks[3] == thinned.frozen[2][3]).all()


def test_the_overview_is_whole(client: TestClient, thinned: Recording) -> None:
    frozen = np.load(BytesIO(client.get(at(thinned, "/overview"), params={"field": "frozen"}).content))
    assert np.allclose(frozen, [[mask.mean() for mask in layer] for layer in thinned.frozen])


@pytest.mark.parametrize("epochs", ["0:5", "1:3"])
def test_small_pictures_name_them_too_where_there_is_nothing_else(
    client: TestClient, thinned: Recording, epochs: str
) -> None:
    header, _ = read_frame(client.get(at(thinned, "/small"), params={"layers": "0,1", "epochs": epochs}).content)
    told = [(index, neurons, missing) for index, neurons, _, _, missing in header["layers"]]
    expected = [[1, 3], [4, 5]] if epochs == "0:5" else [[1, 3]]
    assert told == [(0, 5, expected), (1, 17, expected)]


def test_a_run_that_records_all_names_none(client: TestClient, recording: Recording) -> None:
    assert "X-Missing" not in client.get(at(recording, "/layers/1/display")).headers
