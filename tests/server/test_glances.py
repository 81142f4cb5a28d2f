"""Whole runs at a glance: layers × epochs, merged masks, network histograms, φ and Δφ as display bytes, one neuron.

Each on SQLite and on PostgreSQL, because the databases cut and count some of it themselves.
"""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.events import VELOCITY_EDGES
from server.schemas import Histograms, NeuronTimeline, Overview
from server.settings import ServerSettings
from tests.postgres import postgres_server_url, postgres_url
from tests.server.recording import Recording
from tests.server.serving import read_frame

pytestmark = pytest.mark.slow

__all__ = ["postgres_server_url", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, settings: ServerSettings) -> ServerSettings:
    """The same settings on either database."""
    if request.param == "sqlite":
        return settings
    return settings.model_copy(update={"database_url": str(request.getfixturevalue("postgres_url"))})


def at(recording: Recording, rest: str) -> str:
    return f"/api/v1/runs/{recording.id}{rest}"


def loaded(content: bytes) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = np.load(BytesIO(content), allow_pickle=False)
    return array


def stored(recording: Recording, field: str, layer: int) -> np.ndarray[Any, Any]:
    return np.stack(getattr(recording, field)[layer])


# ---------------------------------------------------------------- overview


def test_the_overview_is_what_the_masks_say_layers_by_epochs(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/overview?field=frozen"))
    array = loaded(answer.content)
    assert array.dtype == np.dtype("<f4") and answer.headers["x-epochs"] == "0:4"
    expected = [[mask.mean() for mask in recording.frozen[layer]] for layer in range(3)]
    assert np.array_equal(array, np.array(expected, np.float32))


@pytest.mark.parametrize("field", ["frozen", "thawed", "dead", "churning", "phi", "speed"])
def test_the_overview_as_json_has_the_values_of_the_array_and_null_for_nan(
    client: TestClient, recording: Recording, field: str
) -> None:
    asked = at(recording, f"/overview?field={field}&epochs=0:3")
    overview = Overview.model_validate_json(client.get(f"{asked}&format=json").content)
    assert (overview.epochs, [layer.index for layer in overview.layers]) == ([0, 1, 2], [0, 1, 2])
    values = np.array(overview.values, np.float32)
    assert np.array_equal(values, loaded(client.get(asked).content), equal_nan=True)


def test_the_map_of_frozen_shares_says_what_the_overview_says_and_is_deprecated(
    client: TestClient, recording: Recording
) -> None:
    overview = client.get(at(recording, "/overview?field=frozen&format=json")).json()
    assert client.get(at(recording, "/frozen")).json() == {
        "epochs": overview["epochs"],
        "layers": overview["layers"],
        "frozen": overview["values"],
    }
    assert client.get(at(recording, "/frozen?format=npy")).content == client.get(at(recording, "/overview")).content
    paths = client.get("/openapi.json").json()["paths"]
    assert [path for path, methods in paths.items() if methods.get("get", {}).get("deprecated")] == [
        "/api/v1/runs/{run_id}/frozen"
    ]


def test_the_overview_of_means_is_nan_where_an_epoch_has_none(client: TestClient, recording: Recording) -> None:
    speed = loaded(client.get(at(recording, "/overview?field=speed&epochs=0:3")).content)
    assert speed.shape == (3, 3) and np.isnan(speed[:, 0]).all() and (speed[:, 1:] == np.float32(0.01)).all()
    assert (loaded(client.get(at(recording, "/overview?field=phi")).content) == 0.5).all()


def test_the_overview_has_dead_and_churning_neurons_where_they_were_counted(
    client: TestClient, recording: Recording
) -> None:
    assert np.isnan(loaded(client.get(at(recording, "/overview?field=dead")).content)).all()  # as an older version
    recording.epoch(dead=(1, 0, 3), churning=(0, 2, 0))
    for field, counts in (("dead", (1, 0, 3)), ("churning", (0, 2, 0))):
        last = loaded(client.get(at(recording, f"/overview?field={field}")).content)[:, -1]
        assert np.allclose(last, np.array(counts) / np.array(recording.neurons))


def test_the_overview_grows_by_an_epoch_and_is_a_304_only_while_nothing_changed(
    client: TestClient, recording: Recording
) -> None:
    for field in ("frozen", "thawed", "phi", "speed"):
        first = client.get(at(recording, f"/overview?field={field}"))
        again = {"If-None-Match": first.headers["etag"]}
        assert client.get(at(recording, f"/overview?field={field}"), headers=again).status_code == 304
        recording.epoch()
        after = client.get(at(recording, f"/overview?field={field}"), headers=again)
        assert after.status_code == 200 and after.headers["etag"] != first.headers["etag"]
        assert loaded(after.content).shape == (3, recording.epochs)


def test_a_run_that_has_not_started_has_an_empty_overview(client: TestClient, recording: Recording) -> None:
    other = recording.store.create_run(config={}, epochs_planned=1).id
    answer = client.get(f"/api/v1/runs/{other}/overview")
    assert loaded(answer.content).shape == (0, 0) and answer.headers["x-epochs"] == "0:0"


# ---------------------------------------------------------------- nothing stale


@pytest.mark.parametrize(
    "rest",
    [
        "/frozen",
        "/overview",
        "/overview?field=phi&format=json",
        "/small?layers=0,1,2",
        "/histograms",
        "/histograms?field=phi",
        "/histograms?field=delta",
        "/layers/1/histograms",
        "/layers/1/display",
        "/layers/1/display?of=delta",
        "/layers/1/phi",
        "/layers/1/frozen?format=json",
        "/layers/1/phi?epochs=-1:",
    ],
)
def test_an_answer_that_is_kept_is_never_older_than_the_run(
    client: TestClient, recording: Recording, rest: str
) -> None:
    before = client.get(at(recording, rest))
    assert client.get(at(recording, rest)).content == before.content
    known = {"If-None-Match": before.headers["etag"]}
    assert client.get(at(recording, rest), headers=known).status_code == 304
    recording.epoch()
    after = client.get(at(recording, rest), headers=known)
    assert after.status_code == 200 and after.content != before.content
    recording.finish()
    assert client.delete(at(recording, "")).status_code == 204
    assert client.get(at(recording, rest), headers={"If-None-Match": after.headers["etag"]}).status_code == 404


def test_two_runs_alike_do_not_get_each_others_answers(client: TestClient, recording: Recording) -> None:
    other = Recording(recording.store, seed=1)
    other.start()
    for _ in range(4):
        other.epoch()
    for rest in ("/layers/1/phi", "/histograms?field=phi", "/overview"):
        assert client.get(at(recording, rest)).content != client.get(at(other, rest)).content


# ---------------------------------------------------------------- merged masks


def test_merged_masks_lose_nothing_frozen_and_nothing_thawed(client: TestClient, recording: Recording) -> None:
    header, body = read_frame(client.get(at(recording, "/small?layers=1,0,7&rows=4")).content)
    assert header == {"epochs": [0, 4], "layers": [[0, 5, 2, 3, []], [1, 17, 5, 4, []]]}
    first = np.frombuffer(body[: 4 * 3], np.uint8).reshape(4, 3)
    second = np.frombuffer(body[4 * 3 :], np.uint8).reshape(4, 4)
    for cells, layer, per in ((first, 0, 2), (second, 1, 5)):
        mask = stored(recording, "frozen", layer)
        for row in range(cells.shape[1]):
            part = mask[:, row * per : (row + 1) * per]
            for epoch in range(4):
                share, cell = part[epoch].mean(), cells[epoch, row]
                assert (cell == 0) == (share == 0) and (cell == 255) == (share == 1)
                assert abs(cell - 255 * share) <= 1


@pytest.mark.parametrize("layers", ["", "a", "1,", "-1", "1;2", ",".join(map(str, range(201)))])
def test_a_list_of_layers_that_is_none_is_refused_by_name(
    client: TestClient, recording: Recording, layers: str
) -> None:
    answer = client.get(at(recording, "/small"), params={"layers": layers})
    assert answer.status_code == 422 and answer.json()["detail"][0]["field"] == "layers"


# ---------------------------------------------------------------- histograms


def counted(values: np.ndarray[Any, Any], edges: list[float]) -> list[int]:
    """By plain comparison in double precision: a bin is the number of edges ≤ value."""
    bins = [sum(edge <= float(value) for edge in edges) for value in values if not np.isnan(value)]
    return [bins.count(number) for number in range(len(edges) + 1)]


def test_the_networks_phi_and_its_change_are_counted_over_all_layers(client: TestClient, recording: Recording) -> None:
    phi = np.concatenate([stored(recording, "phi", layer) for layer in range(3)], axis=1)
    found = Histograms.model_validate_json(client.get(at(recording, "/histograms?field=phi")).content)
    assert found.counts == [counted(row, found.edges[1:-1]) for row in phi]
    change = Histograms.model_validate_json(client.get(at(recording, "/histograms?field=delta")).content)
    assert change.edges == list(VELOCITY_EDGES) and change.counts[0] is None
    divergence = np.concatenate([stored(recording, "divergence", layer) for layer in range(3)], axis=1)
    assert change.counts[1:] == [counted(row, change.edges) for row in divergence[:-1] - divergence[1:]]


def test_histograms_of_later_epochs_are_those_of_the_whole_cut(client: TestClient, recording: Recording) -> None:
    recording.epoch()
    for path in ("/histograms", "/layers/1/histograms"):
        for field in ("delta", "phi", "velocity"):
            cut = client.get(at(recording, f"{path}?field={field}&epochs=2:4")).json()
            whole = client.get(at(recording, f"{path}?field={field}")).json()
            assert cut["epochs"] == [2, 3] and cut["counts"] == whole["counts"][2:4], (path, field)


def test_a_layers_change_of_phi_is_counted_from_its_second_epoch(client: TestClient, recording: Recording) -> None:
    found = client.get(at(recording, "/layers/1/histograms?field=delta")).json()
    divergence = stored(recording, "divergence", 1)
    assert found["counts"][0] is None
    assert found["counts"][1:] == [counted(row, found["edges"]) for row in divergence[:-1] - divergence[1:]]


def test_the_networks_velocities_are_what_the_epochs_said(client: TestClient, recording: Recording) -> None:
    found = client.get(at(recording, "/histograms")).json()
    assert found["counts"] == [None] + [[3] * 39] * 3  # each of three layers told one neuron a bin


# ---------------------------------------------------------------- display bytes


def test_display_bytes_of_phi_hold_its_distance_from_one(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/display?of=phi&epochs=1:"))
    cells = np.frombuffer(answer.content, np.uint8).reshape(3, 17)
    assert np.array_equal(cells >> 7, stored(recording, "frozen", 1)[1:])
    distance = stored(recording, "divergence", 1)[1:].astype(np.float64)
    expected = np.clip(np.rint(1 + 126 * (np.log10(distance) + 6) / 6), 1, 127)
    assert (np.abs((cells & 127) - expected) <= 1).all()


def test_display_bytes_of_the_change_of_phi_are_signed_and_know_the_epoch_before(
    client: TestClient, recording: Recording
) -> None:
    divergence = stored(recording, "divergence", 1).astype(np.float64)
    change = divergence[:-1] - divergence[1:]
    place = np.clip((np.log10(np.abs(change)) + 6) / 6, 0, 1)
    expected = 64 + np.sign(change) * np.rint(63 * place)
    whole = np.frombuffer(client.get(at(recording, "/layers/1/display?of=delta")).content, np.uint8).reshape(4, 17)
    assert (whole[0] & 127 == 0).all()
    assert (np.abs((whole[1:] & 127) - expected) <= 1).all()
    later = client.get(at(recording, "/layers/1/display?of=delta&epochs=2:"))
    assert later.content == whole[2:].tobytes() and later.headers["x-epochs"] == "2:4"


# ---------------------------------------------------------------- one neuron


def test_a_neurons_timeline_holds_the_stored_values(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/neurons/9"))
    line = NeuronTimeline.model_validate_json(answer.content)
    assert line.epochs == [0, 1, 2, 3]
    assert np.array(line.phi, np.float32).tobytes() == stored(recording, "phi", 1)[:, 9].tobytes()
    assert line.velocity[0] is None
    assert np.array(line.velocity[1:], np.float32).tobytes() == stored(recording, "velocity", 1)[1:, 9].tobytes()
    for field in ("frozen", "applied"):
        assert getattr(line, field) == stored(recording, field, 1)[:, 9].tolist()


def test_a_neuron_that_is_not_there_is_refused_with_the_range(client: TestClient, recording: Recording) -> None:
    answer = client.get(at(recording, "/layers/1/neurons/17"))
    assert answer.status_code == 422 and "0 to 16" in answer.json()["detail"][0]["message"]
    assert client.get(at(recording, "/layers/3/neurons/0")).status_code == 404


# ---------------------------------------------------------------- the log


def test_the_log_can_be_read_from_its_end_backwards(client: TestClient, recording: Recording) -> None:
    for number in range(10):
        recording.log(f"line {number}")
    newest = client.get(at(recording, "/log?last=3")).json()["lines"]
    assert [line["text"] for line in newest] == ["line 7", "line 8", "line 9"]
    older = client.get(at(recording, f"/log?last=4&before={newest[0]['seq']}")).json()["lines"]
    assert [line["text"] for line in older] == ["line 3", "line 4", "line 5", "line 6"]
