"""What is known without torch agrees with what torch and torchvision say."""

from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision import models

from contract.checks.capabilities import Capabilities, Folder
from contract.checks.errors import errors
from contract.checks.freezing import first_freezing_epoch
from contract.checks.images import KnownImages, known_images
from contract.checks.steps import batches_of
from contract.checks.torchvision_facts import CLASSIFIERS, SEGMENTERS
from contract.checks.warnings import warnings
from contract.config import NEqConfig, RandomRule, RunConfig, Synthetic, TorchvisionClassifier, Training
from contract.config.torchvision_names import Classifier, Segmenter
from contract.errors import RunError
from trainer.data.datasets.images import batch_bounds
from trainer.data.share import Share
from trainer.models import DataShape, build_model
from trainer.models.write_facts import file_of, segmenter_facts
from trainer.training.equilibrium import build_neq
from trainer.training.warnings import freezing_warnings

pytestmark = pytest.mark.slow


def test_every_network_is_known_by_the_file_of_its_weights() -> None:
    assert list(CLASSIFIERS) == list(get_args(Classifier))
    for name, facts in CLASSIFIERS.items():
        weights = models.get_model_weights(name).DEFAULT
        assert (facts.weights, facts.parameters) == (file_of(weights), weights.meta["num_params"])
        assert facts.native == weights.transforms.keywords["crop_size"]
    assert {name: segmenter_facts(name) for name in get_args(Segmenter)} == SEGMENTERS


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_1", "densenet121", "vit_b_32"])
def test_the_smallest_side_is_just_what_the_network_takes(name: str) -> None:
    facts = CLASSIFIERS[name]
    config = TorchvisionClassifier(name=name)  # type: ignore[arg-type]
    build_model(config, DataShape(3, facts.smallest, 10), seed=0)
    if facts.smallest > 1:
        with pytest.raises(RunError, match="cannot take images"):
            build_model(config, DataShape(3, facts.smallest - 1, 10), seed=0)


@given(
    samples=st.integers(40, 3000),
    together=st.integers(10, 400),
    probe=st.integers(10, 20),
    processes=st.integers(1, 10),
)
def test_batches_of_several_processes_are_counted_as_training_makes_them(
    samples: int, together: int, probe: int, processes: int
) -> None:
    config = RunConfig.model_validate(
        {
            "data": Synthetic(train_samples=samples),
            "training": Training(batch_size=together),
            "neq": {"probe": {"kind": "split", "samples": probe}},
            "compute": {"processes": processes},
        }
    )
    bounds = batch_bounds(samples - probe, together, processes)
    assert batches_of(config, known_images(config, None)) == len(bounds)
    shares = [Share(rank, processes).of(stop - first) for first, stop in bounds for rank in range(processes)]
    sizes = [share.stop - share.start for share in shares]
    assert min(sizes) >= min(2, together // processes, (samples - probe) // processes)
    assert sum(sizes) == samples - probe


@given(samples=st.integers(20, 3000), together=st.integers(1, 400), probe=st.integers(1, 10))
def test_batches_are_counted_as_training_makes_them(samples: int, together: int, probe: int) -> None:
    config = RunConfig.model_validate(
        {
            "data": Synthetic(train_samples=samples),
            "training": Training(batch_size=together),
            "neq": {"probe": {"kind": "split", "samples": probe}},
        }
    )
    assert batches_of(config, known_images(config, None)) == len(batch_bounds(samples - probe, together))
    assert batches_of(config, KnownImages()) == len(batch_bounds(samples - probe, together))


@pytest.mark.parametrize("formula", ["paper", "official"])
@pytest.mark.parametrize("select", [None, RandomRule(fraction=0.5), RandomRule()])
@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_the_first_epoch_that_can_freeze_is_the_librarys(formula: str, select: RandomRule | None, warmup: int) -> None:
    neq = NEqConfig.model_validate({"formula": formula, "warmup": warmup} | ({"select": select} if select else {}))
    config = RunConfig(neq=neq)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    built = build_neq(config, model, optimizer, [torch.randn(5, 3)])
    assert first_freezing_epoch(config) == built.first_freezing_epoch


@pytest.mark.parametrize(
    "changed",
    [
        {"neq": {"epsilon": 0}},
        {"neq": {"select": {"kind": "topk", "fraction": 0}}},
        {"neq": {"select": {"kind": "random", "fraction": 0}}},
        {"neq": {"warmup": 400}},
        {"training": {"epochs": 1}},
    ],
    ids=str,
)
def test_that_nothing_will_freeze_is_said_alike_before_a_launch_and_at_the_start(changed: dict[str, Any]) -> None:
    config = RunConfig.model_validate(changed)
    (before,) = (each.message for each in warnings(config, []) if "Nothing will freeze" in each.message)
    assert freezing_warnings(config, first_freezing_epoch(config), all_held_open=False) == (f"{before}.",)


def of_folder(name: str) -> RunConfig:
    data = {"kind": "image-folder", "folder": name, "size": 32}
    return RunConfig.model_validate({"data": data, "neq": {"probe": {"kind": "split", "samples": 2}}})


def test_a_folder_is_found_however_the_letters_of_its_name_are_composed() -> None:
    there = Folder(name="e\u0301le\u0300ves", classes=2, train=100)
    worker = Capabilities(version="1", folders=(there, Folder(name="\u00e9lan", classes=2), Folder(name="e\u0301lan")))
    assert known_images(of_folder("\u00e9l\u00e8ves"), worker).there == 80
    assert errors(of_folder("\u00e9l\u00e8ves"), worker) == []
    assert known_images(of_folder("\u00e9lan"), worker).classes == 2  # the exact name comes first
    (error,) = errors(of_folder("eleves"), worker)
    assert error.field == "data.folder" and "choose one of \u00e9l\u00e8ves" in error.message


def test_class_folders_without_images_are_refused() -> None:
    worker = Capabilities(version="1", folders=(Folder(name="pets", classes=2, train=0),))
    (error,) = errors(of_folder("pets"), worker)
    assert error.field == "data.folder" and error.message.startswith("pets contains no images: add images")
