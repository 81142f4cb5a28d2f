"""Writes what is known of torchvision's networks where torchvision cannot be imported: before a run is launched.

`python -m trainer.models.write_facts` renews `contract/checks/torchvision_facts.py` (some minutes, without weights or
downloads); a test holds the two together.
"""

from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import torch
from torch import nn
from torchvision import models

from contract import checks
from contract.checks.network import Network
from contract.config.torchvision_names import Classifier, Segmenter
from trainer.models.torchvision_nets import _options

TARGET = Path(checks.__file__).parent / "torchvision_facts.py"
_SEARCHED = ("alexnet", "densenet", "googlenet", "inception", "squeezenet", "vgg")
"""Networks that small images are often tried with and that do not take them; of the others a dry pass tells."""
_LARGEST_SMALLEST = 330
_FURTHER = (1, 2, 3, 5, 8, 13, 32, 100)
_HEAD = '''"""What is known of torchvision's networks. Written by `python -m trainer.models.write_facts`."""

from contract.checks.network import Network

'''


def facts_module() -> str:
    """The module's text."""
    classifiers = "".join(_line(name, classifier_facts(name)) for name in get_args(Classifier))
    segmenters = "".join(_line(name, segmenter_facts(name)) for name in get_args(Segmenter))
    return f"{_HEAD}CLASSIFIERS = {{\n{classifiers}}}\n\nSEGMENTERS = {{\n{segmenters}}}\n"


def classifier_facts(name: str) -> Network:
    """What is known of a classifier; its smallest side is found by sending shapes without numbers through it."""
    weights = models.get_model_weights(name).DEFAULT
    if name.startswith("vit_"):
        patch = int(_on_meta(name, 224, weights.transforms.keywords["crop_size"]).patch_size)  # type: ignore[arg-type]
        smallest, multiple = patch, patch
    else:
        smallest, multiple = (_smallest_side(name) if name.startswith(_SEARCHED) else 0), 1
    native = weights.transforms.keywords["crop_size"]
    return Network(native, smallest, multiple, weights.meta["num_params"], file_of(weights), None)


def segmenter_facts(name: str) -> Network:
    """What is known of a segmentation network; batch norm of its pooled features takes any side."""
    weights = models.get_model_weights(name).DEFAULT
    backbone = next(each for each in ("resnet50", "resnet101", "mobilenet_v3_large") if each in name)
    first = models.get_model_weights(backbone).IMAGENET1K_V1
    return Network(520, 1, 1, weights.meta["num_params"], file_of(weights), file_of(first))


def file_of(weights: Any) -> str:
    """The name of the file that one of torchvision's weights is kept in."""
    return Path(urlsplit(weights.url).path).name


def _smallest_side(name: str) -> int:
    """The least side that the network takes; 0 where no such number tells it."""
    low, high = 1, _LARGEST_SMALLEST
    takes = partial(_takes, name)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if takes(middle) else (middle + 1, high)
    return low if all(takes(low + more) for more in _FURTHER) else 0


def _takes(name: str, side: int) -> bool:
    try:
        model = _on_meta(name, side, side)
        with torch.no_grad():
            model.train()(torch.empty(2, 3, side, side, device="meta"))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True


def _on_meta(name: str, side: int, native: int) -> nn.Module:
    options = _options(name, (native, native) if name.startswith("vit_") else (side, side), takes_colour=False)
    with torch.device("meta"):
        model: nn.Module = models.get_model_builder(name)(weights=None, num_classes=10, **options)
    return model


def _line(name: str, facts: Network) -> str:
    return f"    {name!r}: Network{astuple(facts)},\n".replace("'", '"')


if __name__ == "__main__":
    TARGET.write_text(facts_module())
