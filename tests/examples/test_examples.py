"""Every example runs as a person starts it, and what it promises stands on the server afterwards."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import neq
from neq.client.recorded_run import RecordedRun

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SMALL = ("--images", "200")


def recorded(address: str, folder: Path, *command: str, epochs: int) -> RecordedRun:
    """The run that a command leaves on the server."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEQ_")}
    done = subprocess.run(
        [sys.executable, *command, "--epochs", str(epochs), *SMALL],
        cwd=folder,
        env={**clean, "NEQ_URL": address, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with neq.Client(address) as client:
        (run,) = client.runs()
        assert f"NEq: recording at {run.url}" in done.stderr
        assert (run.state, run.source, run.epochs_done) == ("finished", "external", epochs)
        assert (run.config["epochs"], run.config["images"]) == (epochs, 200)
        assert run.layers  # read while the connection stands
        assert all(run.layer(name).present.all() for name in run.layers)
    assert not list(folder.glob("neq-runs/*/*.part")), "everything was sent"
    return run


def example(name: str) -> str:
    return str(ROOT / "examples" / name)


def logged(address: str, run: RecordedRun, name: str, epochs: Sequence[int]) -> None:
    """A metric has a value of each of these epochs."""
    with neq.Client(address) as client:
        metric = client.run(run.id).metrics(name)
    assert metric.epochs.tolist() == list(epochs), name
    assert np.isfinite(metric.values).all()


def test_the_plain_loop(address: str, tmp_path: Path) -> None:
    run = recorded(address, tmp_path, example("plain_loop.py"), epochs=3)
    assert run.layers == ("0", "1", "4", "5", "9")
    for name in ("loss", "accuracy"):
        logged(address, run, name, [0, 1, 2])


def test_the_plain_loop_without_a_server_is_sent_later(address: str, tmp_path: Path) -> None:
    environment = {**os.environ, "NEQ_MODE": "offline", "NEQ_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, example("plain_loop.py"), "--epochs", "2", *SMALL]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    sync = [sys.executable, "-m", "neq", "sync", str(tmp_path), "--url", address]
    subprocess.run(sync, cwd=ROOT, check=True, capture_output=True, timeout=60)
    with neq.Client(address) as client:
        (run,) = client.runs()
        assert (run.state, run.epochs_done, run.name) == ("finished", 2, "plain loop")
        assert run.metrics("loss").epochs.tolist() == [0, 1]


def test_a_vision_transformer_of_timm(address: str, tmp_path: Path) -> None:
    run = recorded(address, tmp_path, example("timm_vit.py"), "--depth", "2", epochs=2)
    assert {"patch_embed.proj", "blocks.1.attn.qkv", "head"} <= set(run.layers)
    assert run.config["pretrained"] is False
    logged(address, run, "train/loss", [0, 0, 1, 1])  # 200 pictures are two batches
    logged(address, run, "accuracy", [0, 1])


def test_hugging_faces_trainer(address: str, tmp_path: Path) -> None:
    run = recorded(address, tmp_path, example("hf_trainer.py"), epochs=2)
    assert "classifier" in run.layers
    for name in ("loss", "eval_loss", "eval_accuracy"):
        logged(address, run, name, [0, 1])


def test_lightning(address: str, tmp_path: Path) -> None:
    run = recorded(address, tmp_path, example("lightning_module.py"), epochs=2)
    assert run.layers == ("network.0", "network.2", "network.5")
    for name in ("train/loss", "val/accuracy"):
        logged(address, run, name, [0, 1])


def test_two_processes_of_accelerate_record_once_and_freeze_the_same_neurons(address: str, tmp_path: Path) -> None:
    launch = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    script = (example("accelerate_two_processes.py"), "--cpu", "--masks", str(tmp_path))
    run = recorded(address, tmp_path, *launch, *script, epochs=5)
    assert run.layers == ("1", "3", "5")
    logged(address, run, "loss", range(5))
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    with neq.Client(address) as client:
        read = client.run(run.id)
        for name in run.layers:
            mine, theirs = (torch.stack([epoch[name] for epoch in masks]) for masks in (one, other))
            assert torch.equal(mine, theirs)
            assert (read.layer(name).frozen == mine.numpy()).all()
        assert any(read.layer(name).frozen.any() for name in run.layers), "some froze"
