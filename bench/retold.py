"""One recorded script's parts, told as many runs at once.

    python -m bench.retold URL [--runs 16] [--epochs 60] [--pause 1]

The parts are the library's own, of a run that is recorded offline first; telling them costs little of the machine, so
that a server can be measured beside it. Prints `run ID` for each, waits for a line, then tells an epoch of every run
each `--pause` seconds, and at the end `done EPOCHS_A_SECOND`.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import torch

import neq
from bench.networks import NETWORKS
from bench.watched import move, training
from neq.recording.description import new_run_id, new_writer
from neq.recording.part import Part, encoded, pack_part, unpack_part


def recorded(folder: Path, network: str, epochs: int) -> tuple[dict[str, Any], list[Part]]:
    """What makes the run, and its parts, an epoch each."""
    run = neq.init("retold", mode="offline", folder=folder, capture=False, system=False, epochs=epochs)
    model, optimizer, probe = training(NETWORKS[network])
    watch = run.watch(model, optimizer, probe, epsilon=1e-3)
    for _ in range(epochs):
        move(model, optimizer)
        watch.end_epoch(loss=0.5, accuracy=0.25)
    run.finish()
    place = folder / str(run.id)
    parts = [unpack_part(path.read_bytes()) for path in sorted(place.glob("*.part"))]
    return json.loads((place / "run.json").read_bytes()), parts


class Retold:
    """One of the runs."""

    def __init__(self, url: str, description: dict[str, Any], parts: list[Part]) -> None:
        self.id, writer = new_run_id(), new_writer()
        self._client = httpx.Client(base_url=f"{url}/api/v1", trust_env=False)
        self._client.post("/runs", json={**description, "id": self.id, "writer": writer}).raise_for_status()
        self._parts = [
            pack_part(self.id, writer, part.first, [encoded(line) for line in part.lines], part.arrays)
            for part in parts
        ]

    def tell(self, number: int) -> None:
        """Sends a part."""
        self._client.post(f"/runs/{self.id}/parts", content=self._parts[number]).raise_for_status()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("--network", choices=NETWORKS, default="resnet32")
    options.add_argument("--runs", type=int, default=16)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--pause", type=float, default=1.0)
    asked = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        description, parts = recorded(Path(folder), asked.network, asked.epochs)
    runs = [Retold(asked.url, description, parts) for _ in range(asked.runs)]
    for run in runs:
        print("run", run.id, flush=True)
    sys.stdin.readline()
    began = time.monotonic()

    def told(place: int) -> None:
        for number in range(len(parts)):
            runs[place].tell(number)
            until = began + asked.pause * (number + 1 + place / asked.runs)
            time.sleep(max(0.0, until - time.monotonic()))

    with ThreadPoolExecutor(asked.runs) as pool:
        list(pool.map(told, range(asked.runs)))
    print("done", asked.runs * asked.epochs / (time.monotonic() - began), flush=True)


if __name__ == "__main__":
    main()
