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
from trainer.models import DataShape, build_model
from trainer.optimizers import build_optimizer
from trainer.training.evaluate import evaluate
from trainer.training.metrics import Metrics
from trainer.training.progress import ProgressThrottle
from trainer.training.tasks import Classification
from trainer.training.train_epoch import train_epoch
from trainer.training.train_step import TrainStep

Arm = Literal["dense", "equilibrium", "prefix", "random"]
PREFIX_SHARE = 0.8
TEST_BATCH = 200


@dataclass
class Course:
    """What one training was like, epoch by epoch."""

    accuracy: list[float] = field(default_factory=list)
    frozen_fraction: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    clock_seconds: list[float] = field(default_factory=list)


def metrics_of(steps: Generator[Any, None, Metrics]) -> Metrics:
    """The metrics of a pass, its progress reports passed over."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            metrics: Metrics = end.value
            return metrics


class Training:
    """A network, its data and who of it freezes."""

    def __init__(self, config: RunConfig, arm: Arm, data: ImageData) -> None:
        self._config, self._data = config, data
        shape = DataShape(data.channels, data.height, data.classes, data.width)
        self._model = build_model(config.model, shape, seed=config.training.seed).to(memory_format=torch.channels_last)
        optimizer = build_optimizer(config.optimizer, [{"params": list(self._model.parameters())}])
        batches = len(batch_bounds(len(data.train), config.training.batch_size))
        task = Classification(data.classes)
        self._train_step = TrainStep.of(config, self._model, optimizer, task, torch.device("cpu"), batches)
        self._random = torch.Generator().manual_seed(config.training.seed)
        probe = [inputs for inputs, _ in data.batches(data.probe, TEST_BATCH)]
        self._neq: NEq | None = None
        if arm != "dense":
            share = PREFIX_SHARE if arm == "prefix" else None
            rule = config.neq
            self._neq = NEq(self._model, optimizer, probe, epsilon=rule.epsilon, mu=rule.mu, select=arm, fraction=share)

    def epoch(self, number: int, course: Course) -> None:
        """Trains, measures φ, decides; then tests, off the clock."""
        processor, clock = time.process_time(), time.perf_counter()
        self._train_step.begin_epoch(number)
        size, throttle = self._config.training.batch_size, ProgressThrottle()
        done = train_epoch(
            self._train_step, self._data, batch_size=size, random=self._random, throttle=throttle, epoch=number
        )
        loss = metrics_of(done).loss
        frozen = self._neq.end_epoch().frozen_fraction if self._neq else 0.0
        course.processor_seconds.append(round(time.process_time() - processor, 3))
        course.clock_seconds.append(round(time.perf_counter() - clock, 3))
        course.frozen_fraction.append(round(frozen, 5))
        tested = evaluate(
            self._model,
            self._train_step.task,
            self._data,
            batch_size=TEST_BATCH,
            throttle=throttle,
            epoch=number,
            train_loss=loss,
        )
        course.accuracy.append(round(metrics_of(tested).accuracy, 4))


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
        print(f"epoch {number}: {course.accuracy[-1]:.4f} {course.frozen_fraction[-1]:.4f}", flush=True)
    line = {"arm": given.arm, "seed": given.seed, "machine": on, **vars(course)}
    with (given.into / "comparison.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
