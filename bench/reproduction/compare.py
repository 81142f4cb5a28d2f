"""What freezing is worth beside its controls, at equal seeds: one training, a line of JSON.

    OMP_NUM_THREADS=1 python bench/reproduction/compare.py ARM SEED --data FOLDER [--into docs/reproduction]

ARM is dense (plain training, nothing watched), equilibrium, prefix or random (as many neurons of each layer as the rule
would freeze at that moment, drawn anew every epoch). Appends to comparison.jsonl the accuracy after every epoch and
the seconds, processor's and clock's, of its training and its φ; testing, which all arms pay alike, is left out. Early
stopping needs no training of its own: it is dense until the time is used up.
"""

import argparse
import json
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.machine import machine
from bench.reproduction.recipes import compared
from contract.config import RunConfig
from neq import NEq
from trainer.data import ImageData, load_data
from trainer.data.datasets.images import batch_bounds
from trainer.engines.environment import Workplace
from trainer.models import Shape, build_model
from trainer.optimizers import build_optimizer
from trainer.training.metrics import Score
from trainer.training.passes import Pace, evaluating_pass, training_pass
from trainer.training.tasks import Classification
from trainer.training.train_step import Steps

Arm = Literal["dense", "equilibrium", "prefix", "random"]
PREFIX_SHARE = 0.8
TEST_BATCH = 200


@dataclass
class Course:
    """What one training was like, epoch by epoch."""

    accuracy: list[float] = field(default_factory=list)
    frozen_share: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    clock_seconds: list[float] = field(default_factory=list)


def score_of(steps: Generator[Any, None, Score]) -> Score:
    """The score of a pass, its signs of life passed over."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            score: Score = end.value
            return score


class Training:
    """A network, its data and who of it freezes."""

    def __init__(self, config: RunConfig, arm: Arm, data: ImageData) -> None:
        self._config, self._data = config, data
        shape = Shape(data.channels, data.height, data.classes, data.width)
        self._model = build_model(config.model, shape, seed=config.training.seed).to(memory_format=torch.channels_last)
        optimizer = build_optimizer(config.optimizer, [{"params": list(self._model.parameters())}])
        batches = len(batch_bounds(len(data.train), config.training.batch_size))
        task = Classification(data.classes)
        self._steps = Steps.of(config, self._model, optimizer, task, torch.device("cpu"), batches)
        self._random = torch.Generator().manual_seed(config.training.seed)
        probe = [inputs for inputs, _ in data.batches(data.probe, TEST_BATCH)]
        self._neq: NEq | None = None
        if arm != "dense":
            share = PREFIX_SHARE if arm == "prefix" else None
            rule = config.neq
            self._neq = NEq(self._model, optimizer, probe, rule.epsilon, rule.mu, arm, share=share)

    def epoch(self, number: int, course: Course) -> None:
        """Trains, measures φ, decides; then tests, off the clock."""
        processor, clock = time.process_time(), time.perf_counter()
        self._steps.begin_epoch(number)
        size, pace = self._config.training.batch_size, Pace()
        done = training_pass(self._steps, self._data, batch_size=size, random=self._random, pace=pace, epoch=number)
        loss = score_of(done).loss
        frozen = self._neq.end_epoch().frozen_fraction if self._neq else 0.0
        course.processor_seconds.append(round(time.process_time() - processor, 3))
        course.clock_seconds.append(round(time.perf_counter() - clock, 3))
        course.frozen_share.append(round(frozen, 5))
        tested = evaluating_pass(
            self._model,
            self._steps.task,
            self._data,
            batch_size=TEST_BATCH,
            pace=pace,
            epoch=number,
            train_loss=loss,
        )
        course.accuracy.append(round(score_of(tested).accuracy, 4))


def main() -> None:
    """Trains and appends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", choices=get_args(Arm))
    parser.add_argument("seed", type=int)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--into", type=Path, default=Path("docs/reproduction"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    config, on = compared(given.seed), machine()
    training = Training(config, given.arm, load_data(config, Workplace(given.data), torch.device("cpu")))
    course = Course()
    for number in range(config.training.epochs):
        training.epoch(number, course)
        print(f"epoch {number}: {course.accuracy[-1]:.4f} {course.frozen_share[-1]:.4f}", flush=True)
    line = {"arm": given.arm, "seed": given.seed, "machine": on, **vars(course)}
    with (given.into / "comparison.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
