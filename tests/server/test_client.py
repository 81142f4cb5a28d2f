"""`neq.Client` and this server: what is read back is what was recorded, to the bit, and what is not there is said."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from pydantic import SecretStr
from torch import nn

import neq
from db import Store
from neq.client.errors import ClientError, ServerUnreachable, TokenRefused, UnknownLayer, UnknownMetric, UnknownRun
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-forty-characters-for-this-test"


def same(found: Any, wanted: list[Any]) -> bool:
    """To the bit."""
    stacked = np.stack(wanted)
    return bool(found.dtype == stacked.dtype and found.shape == stacked.shape and found.tobytes() == stacked.tobytes())


def test_a_launched_runs_arrays_come_back_to_the_bit(address: str, recording: Recording) -> None:
    with neq.Client(address) as client:
        run = client.run(recording.id)
        assert (run.id, run.name, run.state, run.source) == (recording.id, "recorded", "running", "launched")
        assert (run.epochs_done, run.epochs_planned, run.tags) == (4, 400, ("one",))
        assert run.config["training"]["epochs"] == 400
        assert run.url == f"{address}/runs/{run.id}"
        assert run.started_at is not None and run.started_at.tzinfo is not None and run.ended_at is None
        assert run.layers == ("conv0", "conv1", "conv2")
        for index, name in enumerate(run.layers):
            layer = run.layer(name)
            assert (layer.index, layer.neurons, layer.type) == (index, recording.neurons[index], "Conv2d")
            for field in ("phi", "divergence", "velocity", "frozen", "applied"):
                assert same(getattr(layer, field), getattr(recording, field)[index]), (name, field)
            assert layer.present.tolist() == [True] * 4


def test_what_a_script_recorded_comes_back_to_the_bit(address: str, tmp_path: Path) -> None:
    run = neq.init("mine", config={"lr": 0.1}, group="g", url=address, folder=tmp_path, capture=False, system=False)
    torch.manual_seed(0)
    early, late = nn.Sequential(nn.Linear(6, 12)), nn.Sequential(nn.Linear(6, 5))
    seen = {}
    for name, model in (("early", early), ("late", late)):  # one network behind the other
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with run.watch(model, optimizer, [torch.randn(16, 6)], name=name, epsilon=0.05) as watch:
            seen[name] = []
            for _ in range(3):
                model(torch.randn(8, 6)).square().mean().backward()
                optimizer.step()
                seen[name].append(watch.end_epoch().layers["0"])
    run.finish()
    with neq.Client(address) as client:
        found = client.run(str(run.id))
        assert (found.state, found.config, found.group, found.source) == ("finished", {"lr": 0.1}, "g", "external")
        assert found.layers == ("early/0", "late/0")
        for name, rows, gap in (("early", slice(0, 3), slice(3, 6)), ("late", slice(3, 6), slice(0, 3))):
            layer = found.layer(f"{name}/0")
            assert layer.present[rows].all() and not layer.present[gap].any()
            assert same(layer.divergence[rows], [each.divergence.numpy() for each in seen[name]])
            assert same(layer.frozen[rows], [each.frozen.numpy() for each in seen[name]])
            assert same(layer.velocity[rows][1:], [each.velocity.numpy() for each in seen[name][1:]])
            assert np.isnan(layer.phi[gap]).all() and np.isnan(layer.velocity[gap]).all()
            assert not layer.frozen[gap].any() and not layer.applied[gap].any()


def test_epochs_that_a_run_left_out_are_rows_of_nan(address: str, recording: Recording) -> None:
    recording.epochs = 6  # a script that was taken up from a later checkpoint
    recording.epoch()
    recording.epoch()
    with neq.Client(address) as client:
        layer = client.run(recording.id).layer("conv1")
        assert layer.present.tolist() == [True] * 4 + [False] * 2 + [True] * 2
        for field in ("phi", "divergence", "velocity", "frozen", "applied"):
            assert same(getattr(layer, field)[layer.present], getattr(recording, field)[1]), field
        assert np.isnan(layer.phi[4:6]).all() and not layer.frozen[4:6].any()


def test_a_run_without_epochs_has_empty_arrays_and_one_that_has_not_started_no_layers(
    address: str, store: Store
) -> None:
    recording = Recording(store)
    with neq.Client(address) as client:
        assert client.run(recording.id).layers == ()
        with pytest.raises(UnknownLayer, match="it has announced none"):
            client.run(recording.id).layer("conv0")
        recording.start()
        layer = client.run(recording.id).layer("conv1")
        assert layer.phi.shape == layer.frozen.shape == (0, 17) and layer.present.shape == (0,)


def test_a_run_is_read_as_it_stood_when_it_was_asked_for(address: str, recording: Recording) -> None:
    with neq.Client(address) as client:
        layer = client.run(recording.id).layer("conv0")
        recording.epoch()
        assert layer.phi.shape == layer.frozen.shape == (4, 5)
        assert client.run(recording.id).layer("conv0").phi.shape == (5, 5)


def test_an_array_is_read_once_and_cannot_be_written_to(address: str, recording: Recording) -> None:
    with neq.Client(address) as client:
        layer = client.run(recording.id).layer(2)
        assert layer.name == "conv2" and layer.phi is layer.phi
        with pytest.raises(ValueError, match="read-only"):
            layer.phi[0, 0] = 1.0


def logged(address: str, folder: Path) -> str:
    """The id of a run with metrics."""
    with neq.init("numbers", url=address, folder=folder, capture=False, system=False) as run:
        run.log({"val": {"loss": 0.1}}, step=3, epoch=0)
        run.log({"val": {"loss": float("nan")}, "other": 2}, step=10**12)
    return str(run.id)


def test_metrics_are_columns_of_numbers(address: str, tmp_path: Path) -> None:
    run_id = logged(address, tmp_path)
    with neq.Client(address) as client:
        found = client.run(run_id).metrics()
        assert set(found) == {"val/loss", "other"}
        loss = client.run(run_id).metrics("val/loss")
    assert loss.steps.tolist() == [3, 10**12] and loss.epochs.tolist() == [0, -1] and len(loss) == 2
    assert loss.values[0] == 0.1 and np.isnan(loss.values[1])
    assert (loss.steps.dtype, loss.epochs.dtype, loss.times.dtype, loss.values.dtype) == ("i8", "i8", "f8", "f8")
    assert 1.7e9 < loss.times[0] <= loss.times[1]
    assert found["other"].values.tolist() == [2.0]


def test_an_unknown_metric_names_those_there_are(address: str, tmp_path: Path) -> None:
    run_id = logged(address, tmp_path)
    with neq.Client(address) as client, pytest.raises(UnknownMetric, match=r"no metric 'loss'; there are .*val/loss"):
        client.run(run_id).metrics("loss")


def test_metrics_become_frames(address: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    run_id = logged(address, tmp_path)
    with neq.Client(address) as client:
        whole = client.run(run_id).metrics()
    frame = whole["val/loss"].frame()
    assert list(frame.columns) == ["step", "epoch", "time", "value"]
    assert frame["step"].tolist() == [3, 10**12] and frame["epoch"].isna().tolist() == [False, True]
    assert abs(frame["time"][0] - pandas.Timestamp.now(tz="UTC")) < pandas.Timedelta(minutes=5)
    every = whole.frame()
    assert list(every.columns) == ["name", "step", "epoch", "time", "value"]
    assert sorted(every["name"]) == ["other", "val/loss", "val/loss"]
    assert list(type(whole)().frame().columns) == list(every.columns)


def test_a_frame_without_pandas_names_the_extra(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = logged(address, tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with neq.Client(address) as client:
        whole = client.run(run_id).metrics()
    for metrics in (whole, whole["other"]):
        with pytest.raises(ImportError, match=r"neq\[pandas\]"):
            metrics.frame()


def test_runs_are_found_over_all_pages(address: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neq.client.client.PAGE", 3)
    made = [
        store.create_run(
            name=f"run {number}", config={}, tags=("even",) if number % 2 == 0 else (), epochs_planned=1
        ).id
        for number in range(8)
    ]
    with neq.Client(address) as client:
        assert [run.id for run in client.runs()] == made[::-1]
        assert [run.id for run in client.runs(limit=4)] == made[:3:-1]
        assert [run.id for run in client.runs(tag="even")] == made[6::-2]
        assert [run.name for run in client.runs(search="run 5")] == ["run 5"]
        assert list(client.runs(state="finished")) == [] == list(client.runs(limit=0))
        assert len(list(client.runs(state="queued"))) == 8
        with pytest.raises(ClientError, match="state"):
            next(client.runs(state="asleep"))


@pytest.mark.parametrize("asked", ["zzzzzzzzzz", "../runs", "Ä b", ""])
def test_an_unknown_run_names_the_newest(address: str, recording: Recording, asked: str) -> None:
    with (
        neq.Client(address) as client,
        pytest.raises(UnknownRun, match=rf"no run {asked!r}; the newest are {recording.id} \(recorded\)"),
    ):
        client.run(asked)


def test_an_unknown_run_of_an_empty_server(address: str) -> None:
    with neq.Client(address) as client, pytest.raises(UnknownRun, match="it has none yet"):
        client.run("zzzzzzzzzz")


@pytest.mark.parametrize("asked", ["conv7", 3, -1])
def test_an_unknown_layer_names_those_there_are(address: str, recording: Recording, asked: str | int) -> None:
    with neq.Client(address) as client, pytest.raises(UnknownLayer, match="there are conv0, conv1, conv2"):
        client.run(recording.id).layer(asked)


def test_no_server_is_said_in_one_sentence_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with neq.Client(address) as client, pytest.raises(ServerUnreachable, match=f"no server answers at {address} "):
            client.run("zzzzzzzzzz")


def test_a_token_is_asked_for_and_taken(
    store: Store, settings: ServerSettings, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"token": SecretStr(TOKEN)})
    app: FastAPI = create_app(store, settings)
    with serving(app, settings) as address:
        with neq.Client(address) as client, pytest.raises(TokenRefused, match=r"asks for a token.*NEQ_TOKEN"):
            client.run(recording.id)
        with neq.Client(address, "another") as client, pytest.raises(TokenRefused, match=r"does not accept.*NEQ_TOKEN"):
            next(client.runs())
        with neq.Client(address, TOKEN) as client:
            assert client.run(recording.id).layer("conv0").phi.shape == (4, 5)
        monkeypatch.setenv("NEQ_TOKEN", TOKEN)
        monkeypatch.setenv("NEQ_URL", address)
        with neq.Client() as client:
            assert [run.id for run in client.runs()] == [recording.id]
        assert TOKEN not in repr(client)


def test_nothing_that_answers_is_unpickled(address: str, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    monkeypatch.setattr("server.routes.layers.npy_bytes", lambda values: file.getvalue())
    with neq.Client(address) as client, pytest.raises(ClientError, match="no array that can be read"):
        _ = client.run(recording.id).layer("conv0").phi


def test_an_answer_of_another_program_is_said_to_be_one() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with (
            neq.Client(f"http://127.0.0.1:{server.server_port}") as client,
            pytest.raises(ClientError, match="is not a NEq server"),
        ):
            client.run("zzzzzzzzzz")
        thread.join(10)
