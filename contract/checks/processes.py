"""Whether a run's processes all get what each of them needs: a GPU, and images."""

from collections.abc import Iterator

from contract.checks.capabilities import Capabilities
from contract.checks.finding import Finding
from contract.checks.images import KnownImages
from contract.checks.numbers import counted
from contract.config import RunConfig


def process_errors(config: RunConfig, images: KnownImages, worker: Capabilities | None) -> Iterator[Finding]:
    """What some of the processes that train a run together would lack."""
    wanted = config.compute.processes
    if wanted == 1:
        return
    there = images.trained_on(config)
    if there is not None and there < wanted:
        yield Finding(
            "compute.processes",
            f"{wanted} processes cannot share {counted(there, 'training image')}: choose at most {max(there, 1)}",
        )
    if worker is not None:
        yield from _on(worker, config)


def _on(worker: Capabilities, config: RunConfig) -> Iterator[Finding]:
    compute, limit = config.compute, worker.device_limit
    kind = limit if compute.wanted_device == "auto" else compute.wanted_device
    if kind in ("xpu", "mps"):
        yield Finding(
            "compute.processes",
            f"Several processes train on CUDA GPUs or on the CPU, and the worker uses {kind}: choose 1",
        )
    elif kind != "cpu" and worker.gpus and len(worker.gpus) < compute.processes:
        yield Finding(
            "compute.processes",
            f"Each process needs a GPU of its own, and the worker has {counted(len(worker.gpus), 'GPU')}: choose at "
            f"most {len(worker.gpus)}, or set compute.device to cpu",
        )
    if compute.sync_batch_norm and compute.device == "auto" and (worker.trains_on_cpu or compute.on_cpu):
        yield Finding(
            "compute.sync_batch_norm",
            "Batch norm is synchronized on GPUs only, and the worker trains this run on the CPU: switch it off",
        )
