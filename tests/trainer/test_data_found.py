"""What is told of sets that lie in no folder of one's own: bundled, synthetic, plugged in; and how it is told."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.data_report import DataFound
from contract.events import Logged, RunStarted, parse_event
from trainer.data import load_data
from trainer.data.sources.plugins import copied
from trainer.engines.environment import Workplace
from trainer.training import train

SMALL = {
    "data": {"kind": "synthetic", "classes": 3, "train_samples": 60, "test_samples": 12},
    "model": {"kind": "mlp", "hidden": [4]},
    "training": {"epochs": 1, "batch_size": 20},
    "neq": {"probe": {"samples": 6}},
}


def found(tmp_path: Path, **config: Any) -> DataFound:
    data = load_data(RunConfig.model_validate(config), Workplace(tmp_path), torch.device("cpu"))
    assert data.found is not None
    return data.found


def test_the_bundled_set_tells_its_classes_by_name(tmp_path: Path) -> None:
    told = found(tmp_path)
    assert [(each.name, each.train, each.test, each.probe) for each in told.classes][::9] == [
        ("T-shirt/top", 580, 200, 20),
        ("Ankle boot", 580, 200, 20),
    ]
    assert told.sizes is not None
    assert (told.sizes.height, told.sizes.looked_at) == ((28, 28), 7800)
    assert told.values is not None
    assert (told.values.low, told.values.high, told.values.white) == (0, 255, 255)


def test_synthetic_scenes_tell_which_masks_hold_each_class(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        data={"kind": "synthetic-segmentation", "classes": 3, "train_samples": 40, "test_samples": 10, "size": 16},
        model={"kind": "torchvision-segmentation"},
        neq={"probe": {"samples": 4}},
    )
    assert [part.masks_read for part in told.parts] == [36, 10, 4]
    assert told.classes[0].train == 36  # the ground is on every image
    assert 0 < told.classes[2].train <= 36


def test_a_probe_of_noise_is_of_no_class(tmp_path: Path) -> None:
    told = found(tmp_path, **(SMALL | {"neq": {"probe": {"kind": "noise", "samples": 5}}}))
    assert (told.parts[2].images, told.parts[2].source) == (5, "noise")
    assert [each.probe for each in told.classes] == [0, 0, 0]


def test_it_is_told_at_the_start_before_any_epoch_and_its_warnings_are_logged(tmp_path: Path) -> None:
    events = train(RunConfig.model_validate(SMALL), Workplace(tmp_path))
    started = next(events)
    assert isinstance(started, RunStarted)
    assert started.data is not None
    assert [each.train for each in started.data.classes] == [18, 18, 18]
    assert parse_event(started.model_dump(mode="json")) == started
    events.close()
    one_test_class = SMALL | {"data": {"kind": "synthetic", "classes": 12, "train_samples": 60, "test_samples": 10}}
    events = train(RunConfig.model_validate(one_test_class), Workplace(tmp_path))
    next(events)
    warned = [event.text for event in (next(events), next(events)) if isinstance(event, Logged)]
    assert "No test image shows class 10, class 11: the accuracy says nothing of them." in warned
    events.close()


def test_a_run_of_an_older_program_reads_without_its_data(tmp_path: Path) -> None:
    started = next(train(RunConfig.model_validate(SMALL), Workplace(tmp_path)))
    assert isinstance(started, RunStarted)
    old = started.model_dump(mode="json", exclude={"data"})
    assert RunStarted.model_validate(old).data is None


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_test_images_of_a_plug_in_that_are_trained_on_are_warned_of(dtype: torch.dtype) -> None:
    pixels = torch.arange(20 * 16).remainder(251).view(20, 1, 4, 4).to(dtype)
    assert copied(pixels[:14], pixels[12:]) == ("2 of the 8 test images compared are training images too.",)
    assert copied(pixels[:14], pixels[14:]) == ()
