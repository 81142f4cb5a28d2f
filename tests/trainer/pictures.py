"""Small image files for tests, made on the spot, and where the real data sets lie."""

import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

REAL = Path(os.environ.get("NEQ_TEST_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()


def restored(name: str, folder: Path) -> Path:
    """The real set of this name, unpacked into the folder; the test is skipped by its name where it is not there."""
    if not (REAL / name).is_dir():
        pytest.skip(f"the data set {name} is not in {REAL} (NEQ_TEST_DATA)")
    subprocess.run([sys.executable, str(REAL / "restore.py"), name, str(folder)], check=True, capture_output=True)
    return folder


def photograph(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth colours under some noise, uint8 (height, width, 3): what a filter treats as it treats a photograph."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(a * x + b * y + c) for a, b, c in random.uniform(1, 12, (3, 3))]
    return (127 + 90 * np.stack(waves, axis=2) + random.normal(0, 12, (height, width, 3))).clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    """The pixels as an image file, its folders made; JPEGs of high quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def _own(folder: Path) -> int:
    """A number for the folder, so that no image is in two: a run refuses to be tested on what it learns from."""
    return 1000 * (crc32(folder.name.encode()) % 1_000_000)


def class_folder(folder: Path, counts: dict[str, int], *, size: tuple[int, int] = (20, 24)) -> Path:
    """Images of a folder a class, `counts` of each; every other one is two pixels taller."""
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            seed = _own(folder) + 100 * number + index
            save(folder / name / f"{index:03}.png", photograph(seed, size[0] + 2 * (index % 2), size[1]))
    return folder


def scene(seed: int, height: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """An image and its mask: vertical bands of classes, the last column of no class."""
    mask = np.broadcast_to(np.arange(width) * classes // width, (height, width)).astype(np.uint8).copy()
    mask[:, -1] = 255
    return photograph(seed, height, width), mask


def mask_folder(folder: Path, counts: dict[str, int], *, classes: int = 3, size: tuple[int, int] = (24, 30)) -> Path:
    """Scenes in `part` with masks in `partannot`, `counts` of each part; every other one is four pixels wider."""
    for part, count in counts.items():
        for index in range(count):
            image, mask = scene(_own(folder / part) + index, size[0], size[1] + 4 * (index % 2), classes)
            save(folder / part / f"{index:03}.png", image)
            save(folder / f"{part}annot" / f"{index:03}.png", mask)
    return folder
