"""Runs that replay the masks of another, from the store's record through the worker to the training process."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.config import RunConfig
from contract.errors import RunError
from db import Run, Store
from tests.trainer.worker.conftest import Bench
from trainer.checkpoints import files
from trainer.checkpoints.folder import CheckpointStore
from trainer.engines import ResumePoint, replayed_masks
from trainer.engines.environment import Workplace
from trainer.engines.process import process_engine
from trainer.training import train
from trainer.worker.replayed_run import masks_of

pytestmark = pytest.mark.process

SMALL: dict[str, Any] = {
    "data": {"kind": "synthetic", "train_samples": 200, "test_samples": 50},
    "model": {"kind": "mlp", "hidden": [9, 5]},
    "training": {"epochs": 4, "batch_size": 50},
    "neq": {"epsilon": 0.3, "probe": {"kind": "split", "samples": 20}},
    "compute": {"device": "cpu"},
}


def ended(bench: Bench, **changes: Any) -> Run:
    config = RunConfig.model_validate(SMALL | changes)
    made = bench.store.create_run(config=config.model_dump(mode="json"), epochs_planned=config.training.epochs)
    return bench.end_of(made.id)


def replaying(run_id: str, **neq: Any) -> dict[str, Any]:
    return {"neq": SMALL["neq"] | {"select": {"kind": "replay", "run": run_id}} | neq}


def recorded(store: Store, run_id: str) -> list[bytes]:
    """Every array of the run, as it is stored."""
    return [
        store.layer_history(run_id, layer, field).values.tobytes()
        for layer in range(3)
        for field in ("divergence", "velocity", "applied", "frozen")
    ]


def weights(bench: Bench, run: Run) -> dict[str, Any]:
    kept = bench.store.checkpoints(run.id)[-1]
    model: dict[str, Any] = files.read(bench.folder / "checkpoints", kept.path)["model"]
    return {name: value.numpy() for name, value in model.items()}


@pytest.fixture
def working(bench: Bench) -> Bench:
    """With a worker that keeps checkpoints."""
    checkpoints = CheckpointStore.at(bench.folder / "checkpoints")
    workplace = Workplace(bench.folder, "cpu", 1, checkpoints=checkpoints.folder)
    bench.start_worker(engine=process_engine(workplace), checkpoint_store=checkpoints)
    return bench


def test_a_run_that_replays_another_of_its_seed_is_that_run_to_the_bit(working: Bench) -> None:
    source = ended(working)
    replayed = ended(working, **replaying(source.id))
    assert (source.state, replayed.state) == ("finished", "finished"), replayed.reason
    assert recorded(working.store, replayed.id) == recorded(working.store, source.id)
    assert working.store.frozen_counts(source.id)[1].sum() > 0, "there was something to replay"
    mine, theirs = weights(working, replayed), weights(working, source)
    assert all(np.array_equal(mine[name], value) for name, value in theirs.items())
    assert list(Path(working.folder).glob("**/*.npz")) == []

    # Another seed: its own φ, and the other run's masks.
    other = ended(working, **replaying(source.id), training=SMALL["training"] | {"seed": 5, "epochs": 3})
    frozen = [working.store.layer_history(run.id, 0, "frozen", 0, 3).values for run in (source, other)]
    assert np.array_equal(*frozen)
    divergence = [working.store.layer_history(run.id, 0, "divergence", 0, 3).values for run in (source, other)]
    assert not np.array_equal(*divergence)


def test_what_cannot_be_replayed_ends_the_run_with_its_reason(working: Bench) -> None:
    source, thinned = ended(working), ended(working, recording={"arrays_every": 2})
    cases: list[tuple[dict[str, Any], str]] = [
        (replaying("aaaaaaaaaa"), "There is no run aaaaaaaaaa whose masks could be replayed"),
        (
            replaying(source.id) | {"training": SMALL["training"] | {"epochs": 6}},
            "has 4 finished epochs, and 6 are to be trained with its masks. Set training.epochs to 4 at most",
        ),
        (replaying(thinned.id), "has arrays of 3 of its first 4 epochs (layer linear1), and masks are needed of each"),
        (
            replaying(source.id) | {"model": {"kind": "mlp", "hidden": [9, 6]}},
            "do not fit this run: the mask of 'linear2'",
        ),
    ]
    for changes, words in cases:
        run = ended(working, **changes)
        assert run.state == "failed" and run.epochs_done == 0
        assert run.reason is not None and words in run.reason


@pytest.mark.parametrize(
    ("hidden", "said"), [([9], "is no watched layer"), ([9, 5, 5], "masks are replayed did not watch linear3")], ids=str
)
def test_masks_of_another_network_are_refused(hidden: list[int], said: str, tmp_path: Path) -> None:
    path = tmp_path / "masks.npz"
    neurons = {"linear1": 9, "linear2": 5, "head": 10}
    replayed_masks.write(path, {name: np.zeros((4, count), dtype=bool) for name, count in neurons.items()})
    config = RunConfig.model_validate(SMALL | replaying("aaaaaaaaaa") | {"model": {"kind": "mlp", "hidden": hidden}})
    with pytest.raises(RunError, match=said):
        list(train(config, Workplace(tmp_path, "cpu", 1), ResumePoint(replayed=str(path))))


def test_the_file_between_them_holds_the_masks_of_each_epoch(working: Bench, tmp_path: Path) -> None:
    source = ended(working)
    masks = masks_of(working.store, source.id, 3)
    path = tmp_path / "masks.npz"
    replayed_masks.write(path, masks)
    read = replayed_masks.read(path)
    assert list(read) == [layer["name"] for layer in working.store.layers(source.id)]
    for layer, (name, mask) in enumerate(read.items()):
        held = working.store.layer_history(source.id, layer, "applied").values
        assert np.array_equal(mask, masks[name]) and np.array_equal(mask, held[:4])
