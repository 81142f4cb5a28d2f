"""What looking through a folder of images costs at a run's start: `python bench/data_found.py [IMAGES]`.

Processor seconds, of a folder of JPEGs of 224 × 224 in ten classes with a part for testing, its files cached.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from contract.config import RunConfig
from trainer.data import load_data
from trainer.data.inspection.copies import find_copies
from trainer.data.inspection.inspection import count_files, look_at_files
from trainer.data.sources.files import file_sets
from trainer.engines.environment import Workplace


def made(root: Path, images: int) -> None:
    """The folder: five images of six to train on."""
    random = np.random.default_rng(0)
    for index in range(images):
        folder = root / "mine" / ("val" if index % 6 == 0 else "train") / f"class{index % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 255, (28, 28, 3), dtype=np.uint8))
        small.resize((224, 224), Image.Resampling.BICUBIC).save(folder / f"{index:06}.jpg", quality=85)


def main(images: int) -> None:
    """Prints each part of the start."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        made(root, images)
        for feed in ("stream", "memory"):
            data = {"kind": "image-folder", "folder": "mine", "size": 64, "loading": feed}
            config = RunConfig.model_validate({"data": data})
            with timed(f"the whole start, {feed}"):
                load_data(config, Workplace(root), torch.device("cpu"))
        with timed("listing, and copies among the parts"):
            sets = file_sets(config.data, Workplace(root))  # type: ignore[arg-type]
        with timed("of which copies"):
            find_copies(root, sets.train.names, sets.test.names)  # type: ignore[arg-type]
        with timed("heads and values"):
            look_at_files([sets.train, sets.test])
        with timed("counting classes"):
            count_files(sets.train, 10, segmentation=False)


class timed:  # noqa: N801  (reads as a verb)
    """Prints the processor seconds that its block took."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __enter__(self) -> None:
        self.began = time.process_time()

    def __exit__(self, *_: object) -> None:
        print(f"{self.words}: {time.process_time() - self.began:.3f} s of CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6000)
