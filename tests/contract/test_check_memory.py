"""What a run takes of memory is held against what a worker has before it is launched, freezing included."""

from typing import Any

import pytest

from contract.checks.capabilities import Capabilities
from contract.checks.errors import errors
from contract.checks.images import known_images
from contract.checks.memory import freezing_bytes, kept_bytes
from contract.checks.torchvision_facts import CLASSIFIERS
from contract.checks.warnings import warnings
from contract.config import RunConfig
from tests.server.checking import SMALL_CPU

VIT = {"kind": "torchvision", "name": "vit_b_16"}
ONCE = CLASSIFIERS["vit_b_16"].parameters * 4
"""Bytes of its weights, about 346 MB."""


def run(optimizer: str = "adamw", **changed: Any) -> RunConfig:
    given = {"data": {"kind": "cifar10"}, "model": VIT, "optimizer": {"kind": optimizer}, "compute": {"device": "auto"}}
    return RunConfig.model_validate(given | changed)


def worker(memory: float | None = None, *, gpu: float | None = None, free: float = 1e15) -> Capabilities:
    has: dict[str, Any] = {"sets": ["cifar10"], "memory_bytes": int(memory or 1e15), "free_memory_bytes": int(free)}
    if gpu is not None:
        has["gpus"] = [{"name": "NVIDIA H200", "memory_bytes": int(gpu)}]
    return Capabilities.model_validate(SMALL_CPU | has)


def about_memory(found: Any) -> list[str]:
    return [each.message for each in found if "memory" in each.message or "copy of the network" in each.message]


@pytest.mark.parametrize(
    ("optimizer", "select", "kept", "later"),
    [
        # weights, gradients, optimizer's states, last epoch's network; then values, states, and a checkpoint's copies
        ("adamw", "equilibrium", 1 + 1 + 2 + 1, 1 + 2 + (1 + 2)),
        ("sgd", "equilibrium", 1 + 1 + 1 + 1, 1 + 1 + (1 + 1)),
        ("sgd", "none", 1 + 1 + 1 + 1, 1),
    ],
)
def test_what_freezing_takes_is_counted_in_copies_of_the_weights(
    optimizer: str, select: str, kept: int, later: int
) -> None:
    config = run(optimizer, neq={"select": {"kind": select}})
    images = known_images(config, None)
    assert kept_bytes(config, images) == kept * ONCE
    assert freezing_bytes(config, images) == later * ONCE


def test_the_copy_that_phi_is_measured_against_counts_where_a_gpu_is_too_small() -> None:
    (words,) = about_memory(errors(run(), worker(gpu=4.5 * ONCE)))
    assert words.startswith("Weights, gradients, the optimizer's state and the copy of the network that φ is measured")
    assert words.endswith("take 1.7 GB, and the GPU has 1.6 GB: choose a smaller network")
    assert about_memory(errors(run(), worker(gpu=5.5 * ONCE))) == []


def test_what_freezing_may_come_to_is_doubted_where_a_gpu_has_less() -> None:
    (words,) = about_memory(warnings(run(), [worker(gpu=8 * ONCE)]))
    assert words == (
        "The run takes at least 1.7 GB of memory, and up to 2.1 GB more once most neurons are frozen: their values, "
        "their optimizer state, and the copies for a checkpoint, and the GPU has 2.8 GB"
    )
    assert about_memory(warnings(run(), [worker(gpu=12 * ONCE)])) == []
    assert about_memory(warnings(run(neq={"select": {"kind": "none"}}), [worker(gpu=8 * ONCE)])) == []


def test_what_is_free_on_a_cpu_worker_is_held_against_the_same() -> None:
    (now,) = about_memory(warnings(run(), [worker(free=4 * ONCE)]))
    assert now == "The run takes at least 1.7 GB of memory, and 1.4 GB are free on the worker now"
    (later,) = about_memory(warnings(run(), [worker(free=8 * ONCE)]))
    assert "up to 2.1 GB more once most neurons are frozen" in later
    assert later.endswith("2.8 GB are free on the worker now")
    assert about_memory(warnings(run(), [worker(free=12 * ONCE)])) == []


def test_of_unequal_gpus_the_smallest_is_held_against_the_run_and_none_fitting_is_an_error() -> None:
    def two(small: float, large: float) -> Capabilities:
        gpus = [{"name": "H200", "memory_bytes": int(large), "number": 0}]
        gpus += [{"name": "T400", "memory_bytes": int(small), "number": 1}]
        return Capabilities.model_validate(worker().model_dump() | {"gpus": gpus})

    small = two(4 * ONCE, 400 * ONCE)
    assert about_memory(errors(run(), small)) == []
    (words,) = about_memory(warnings(run(), [small]))
    assert words.endswith("at least 1.7 GB of memory, and GPU 1 (T400), the smallest that the run may get, has 1.4 GB")
    assert len(about_memory(errors(run(), two(2 * ONCE, 4 * ONCE)))) == 1
    (equal,) = about_memory(warnings(run(), [two(8 * ONCE, 8 * ONCE)]))
    assert equal.endswith("and the GPU has 2.8 GB")
