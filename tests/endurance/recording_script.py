"""A training that records itself, as somebody writes it: `python -m tests.endurance.recording_script OPTIONS`.

On its own standard output, past the run's capture, it says in JSON, a line an epoch, what the epoch's end gave it, for
a test to hold against the store. It trains until `--end` exists, and `--epochs` at least.
"""

import argparse
import base64
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import neq
from neq.recording import recorder, recording, sender

STEPS = 3
FIELDS = ("divergence", "velocity", "frozen", "applied")


def say(**what: Any) -> None:
    """One line for the test. In one write: the process may be killed in the next moment."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(what) + "\n")
    sys.__stdout__.flush()


class Training:
    """A network of three layers, on data drawn from a seed; its checkpoints lie in a folder, one an epoch."""

    def __init__(self, run: Any, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.run, self.checkpoints = run, options.checkpoints
        self.model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.5)
        self.inputs, self.targets = torch.randn(48, 6), torch.randint(0, 4, (48,))
        self.watch = run.watch(self.model, self.optimizer, [torch.randn(16, 6)], epsilon=1e-5)

    def epoch(self, epoch: int) -> None:
        """Trains one, records it and says what was seen."""
        losses = []
        for step in range(epoch * STEPS, (epoch + 1) * STEPS):
            loss = cross_entropy(self.model(self.inputs), self.targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            self.run.log({"train": {"loss": loss}}, step=step, epoch=epoch)
            self.run.progress(step % STEPS + 1, STEPS)
        accuracy = 1.0 / (1.0 + losses[-1])
        found = self.watch.end_epoch(accuracy=accuracy)
        say(epoch=epoch, arrays=packed(found), losses=losses, accuracy=accuracy)

    def save(self, epoch: int) -> None:
        """Writes the checkpoint behind an epoch."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        aside = self.checkpoints / f"{epoch}.unfinished"
        torch.save(state | {"watch": self.watch.state_dict()}, aside)
        aside.replace(self.checkpoints / f"{epoch}.pt")

    def load(self, epoch: int) -> None:
        """Goes on behind that epoch."""
        state = torch.load(self.checkpoints / f"{epoch}.pt", weights_only=False)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.watch.load_state_dict(state["watch"])


def packed(found: neq.Equilibrium) -> str:
    """The arrays of an epoch's end, by field and layer."""
    arrays = {
        f"{field}{index}": value.numpy()
        for index, layer in enumerate(found.layers.values())
        for field in FIELDS
        if (value := getattr(layer, field)) is not None
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return base64.b64encode(file.getvalue()).decode()


def turn_clock_back() -> None:
    """An hour, for everything in this process that asks what time it is."""
    real = time.time
    time.time = lambda: real() - 3600.0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=0, help="to train at least")
    parser.add_argument("--end", type=Path, help="a file; none: there is nothing more to wait for")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds to sleep behind each epoch")
    parser.add_argument("--checkpoints", type=Path, help="folder of checkpoints; none: there are none")
    parser.add_argument("--start", type=int, default=0, help="epoch to go on with from its checkpoint")
    parser.add_argument("--resume", help="id of a run")
    parser.add_argument("--clock-back", type=int, default=-1, help="epoch in which the clock is set back")
    parser.add_argument("--longest-pause", type=float, help="of the sender between two tries")
    parser.add_argument("--memory", type=int, help="bytes for parts that the disk does not take")
    parser.add_argument("--finish", type=float, help="seconds to wait at the end for what is not sent")
    return parser.parse_args()


def set_limits(options: argparse.Namespace) -> None:
    """Other bounds than the library's, so that a test meets them in seconds."""
    for module, name, value in (
        (sender, "LONGEST_PAUSE", options.longest_pause),
        (recorder, "MOST_IN_MEMORY", options.memory),
        (recording, "FINISH_SECONDS", options.finish),
    ):
        if value is not None:
            setattr(module, name, value)


def main() -> None:
    """Trains, and finishes the run."""
    options = read_options()
    torch.set_num_threads(1)
    set_limits(options)
    run = neq.init("endurance", config={"seed": options.seed}, resume=options.resume)
    training = Training(run, options)
    if options.start:
        training.load(options.start - 1)
    say(run=run.id)
    epoch = options.start
    while epoch < options.epochs or (options.end is not None and not options.end.exists()):
        if epoch == options.clock_back:
            turn_clock_back()
        training.epoch(epoch)
        if options.checkpoints is not None:
            training.save(epoch)
        print(f"epoch {epoch}")  # noqa: T201 - goes into the run's log too
        time.sleep(options.pace)
        epoch += 1
    run.finish()
    say(finished=epoch)


if __name__ == "__main__":
    main()
