"""Training images a second, ready on the training device: our two ways, and torchvision's loop as usually written.

    python bench/loading.py [--threads N]

Sets: the bundled Fashion-MNIST, and noise in the shape of CIFAR-10 (10,000 × 3 × 32 × 32) and of a folder of JPEGs
(2,000 × 3 × 64 × 64, made on the spot). What is timed is an epoch of batches alone: no network is trained. The usual
loop is torchvision's transforms for each image in a DataLoader of as many processes.
"""

import argparse
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, transforms

from contract.config import RunConfig
from trainer.data import Augmentation, ImageData, Normalisation, TensorImages, load_data
from trainer.engines.environment import Workplace

BATCH = 100
EPOCHS = 3
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
Batches = Callable[[], Iterator[Any]]


class Arrays(Dataset[tuple[Tensor, int]]):
    """Images in memory, changed one by one, as torchvision's own classes do it."""

    def __init__(self, pixels: np.ndarray, change: Callable[[Any], Tensor]) -> None:
        self.pixels, self.change = pixels, change

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.change(Image.fromarray(self.pixels[index])), 0


def rates(batches: Batches, images: int, device: torch.device) -> list[float]:
    """Images a second of each epoch, the first left out: processes start in it."""
    measured = []
    for _ in range(EPOCHS + 1):
        began = perf_counter()
        for inputs, _ in batches():
            inputs.to(device, non_blocking=True)
        if device.type == "cuda":
            torch.cuda.synchronize()
        measured.append(images / (perf_counter() - began))
    return measured[1:]


def report(what: str, way: str, batches: Batches, images: int, device: torch.device) -> None:
    measured = rates(batches, images, device)
    spread = f"{min(measured):,.0f} – {max(measured):,.0f}"
    print(f"{what:<22} {way:<28} {statistics.median(measured):>12,.0f} images/s   ({spread}, n = {EPOCHS})", flush=True)


def ours(data: ImageData, device: torch.device) -> Batches:
    random = torch.Generator(device=device).manual_seed(0)
    return lambda: data.training_batches(BATCH, random)


def usual(images: Dataset[Any], threads: int, device: torch.device) -> Batches:
    loader = DataLoader(
        images,
        batch_size=BATCH,
        shuffle=True,
        num_workers=threads,
        persistent_workers=threads > 0,
        pin_memory=device.type == "cuda",
    )
    return lambda: iter(loader)


def small_images(device: torch.device, threads: int) -> None:
    """CIFAR-10's recipe on CIFAR-10's shape: pad by 4, crop, mirror, normalise."""
    pixels = np.random.default_rng(0).integers(0, 256, (10_000, 32, 32, 3), dtype=np.uint8)
    stored = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    images = TensorImages(stored, torch.zeros(len(stored), dtype=torch.int64), Augmentation(shift=4, mirror=True)).to(
        device
    )
    data = ImageData(images, images, images, 10, Normalisation.by(MEAN, DEVIATION).to(device))
    report("CIFAR-10's shape", "whole tensors", ours(data, device), len(images), device)
    change = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )
    report(
        "CIFAR-10's shape", "torchvision and DataLoader", usual(Arrays(pixels, change), threads, device), 50_000, device
    )


def bundled(device: torch.device, root: Path) -> None:
    config = RunConfig.model_validate({"data": {"kind": "fashion-mnist-mini", "train_samples": 10_000}})
    data = load_data(config, Workplace(root), device)
    report("Fashion-MNIST, bundled", "whole tensors", ours(data, device), len(data.train), device)


def files(device: torch.device, root: Path, threads: int) -> None:
    """ImageNet's recipe on small JPEGs: an area of random size and shape to 64 × 64, mirror, normalise."""
    write_jpegs(root / "jpegs", 2000)
    for feed in ("memory", "stream"):
        own = {"kind": "image-folder", "folder": "jpegs", "size": 64, "loading": feed, "test_fraction": 0.05}
        config = RunConfig.model_validate({"data": own, "neq": {"probe": {"kind": "noise", "samples": 1}}})
        data = load_data(config, Workplace(root), device)
        way = "decoded once, on the device" if feed == "memory" else "read as they are needed"
        report("2,000 JPEGs of 80 × 64", way, ours(data, device), len(data.train), device)
    change = transforms.Compose(
        [
            transforms.RandomResizedCrop(64),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )
    folder = datasets.ImageFolder(str(root / "jpegs"), change)
    report("2,000 JPEGs of 80 × 64", "torchvision and DataLoader", usual(folder, threads, device), len(folder), device)


def write_jpegs(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    for index in range(count):
        place = folder / f"class{index % 10}" / f"{index}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (8, 10, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 64), Image.Resampling.BICUBIC).save(place, quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch, and loader processes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    print(
        f"{name}, {arguments.threads} threads; torch {torch.__version__}; batches of {BATCH}; median of {EPOCHS} epochs"
    )
    with tempfile.TemporaryDirectory() as place:
        bundled(device, Path(place))
        small_images(device, arguments.threads)
        files(device, Path(place), arguments.threads)


if __name__ == "__main__":
    main()
