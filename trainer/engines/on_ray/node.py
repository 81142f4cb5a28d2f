"""What a node of a Ray cluster executes. Ray finds it by name, so every node has the same version of this program."""

import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.config import RunConfig
from contract.version import VERSION
from trainer.engines import Interrupted, ResumePoint
from trainer.engines.environment import Workplace
from trainer.engines.frames import write_frame
from trainer.engines.process import ChildRun

EVENT, INTERRUPTED = b"e", b"i"
"""What a piece begins with: behind it comes a frame, or JSON that says why the run was interrupted."""
_GPUS = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def describe(marker: str) -> dict[str, Any]:
    """What this node has to have in common with the worker.

    Args:
        marker: a file that the worker has written into its folder of checkpoints.
    """
    return {"version": VERSION, "reaches": Path(marker).is_file()}


def train(job: dict[str, Any], replayed: bytes | None) -> Iterator[bytes]:
    """Trains a run in a process of its own, as a worker does on its machine, and yields what that says.

    Whoever takes no more of it, cancels it or dies ends the process with it.

    Args:
        job: as `job_of` writes it.
        replayed: the file with the masks to replay, which lies on the worker's machine.
    """
    config = RunConfig.model_validate(job["config"])
    if config.compute.on_cpu or not job["gpus"]:
        for name in _GPUS:  # Ray leaves them as they are where a task asks for no GPU
            os.environ[name] = ""
    with tempfile.TemporaryDirectory(prefix="neq-node-") as scratch:
        point = ResumePoint(**job["resume_point"])
        if replayed is not None:
            masks = Path(scratch) / "replayed"
            masks.write_bytes(replayed)
            point = replace(point, replayed=str(masks))
        yield from _pieces(ChildRun(config, Workplace.from_json(job["workplace"]), point, job["train"]))


def _pieces(run: ChildRun) -> Iterator[bytes]:
    try:
        for event in run:
            frame = io.BytesIO()
            write_frame(frame, event)
            yield EVENT + frame.getvalue()
    except Interrupted as cut:
        yield INTERRUPTED + json.dumps([cut.reason, cut.remedy, cut.details]).encode()
    finally:
        run.close()
