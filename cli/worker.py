"""`neq worker`: trains the queue's runs, on this machine or on a cluster."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, NamedTuple

import click

from cli.opening import end_with, need_torch, open_store, read_settings
from cli.printing import say
from cli.settings import WorkerSettings
from contract.config import PLUGINS
from trainer.checkpoints.folder import CheckpointStore

if TYPE_CHECKING:
    from trainer.engines import Engine
    from trainer.engines.cluster import Cluster
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.environment import Workplace
    from trainer.engines.gpus import Gpu
    from trainer.worker.checking import Checker

SILENT_WORKER = timedelta(seconds=30)
"""One that was not heard for longer is not at work; it is heard more than once a second."""


def _check_worker(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Exits with 1 where no worker of this machine was heard of late."""
    if not asked:
        return
    with closing(open_store(read_settings(WorkerSettings).database_url)) as store:
        silences = [datetime.now(UTC) - each.heard_at for each in store.workers() if each.host == gethostname()]
    if not silences or min(silences) > SILENT_WORKER:
        since = f"for {min(silences).total_seconds():.0f} s" if silences else "at all"
        click.echo(f"no worker of {gethostname()} was heard {since}", err=True)
        context.exit(1)
    context.exit()


@click.command()
@click.option("--name", help="Name of the worker in the dashboard.  [default: this machine's name]")
@click.option("--slots", type=click.IntRange(1, 64), help="Runs trained at once.  [default: one per GPU; on a CPU 2]")
@click.option("--device", help="What runs may use: auto, cpu, cuda, xpu, mps, or cuda:0,cuda:2.  [default: auto]")
@click.option(
    "--until-idle",
    type=click.FloatRange(min=0, max=1e9),
    metavar="SECONDS",
    help="End once no run was queued for so long.  [default: wait for runs]",
)
@click.option(
    "--check",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_check_worker,
    help="Start nothing: exit with 0 if the store hears from a worker of this machine, otherwise with 1.",
)
@click.option(
    "--engine",
    type=click.Choice(["process", "ray"]),
    default="process",
    show_default=True,
    help="Where runs are trained: on this machine, or on the nodes of a Ray cluster that it belongs to.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of the Ray cluster's head.  [default: the cluster that this machine belongs to]",
)
@click.option("--end-with-input", is_flag=True, hidden=True)
def worker(
    name: str | None,
    slots: int | None,
    device: str | None,
    until_idle: float | None,
    engine: str,
    address: str | None,
    end_with_input: bool,
) -> None:
    """Train queued runs from the store at NEQ_DATABASE_URL until Ctrl-C; another worker then resumes them.

    In a SLURM job it ends by itself shortly before the job does.
    """
    if address is not None and engine != "ray":
        raise click.UsageError("--address is that of a Ray cluster: add --engine ray.")
    need_torch()
    stop = threading.Event()
    _stop_on_signals(stop)
    settings = read_settings(WorkerSettings, worker_name=name, slots=slots, device=device)
    if end_with_input:
        threading.Thread(target=_set_at_end_of_input, args=(stop,), daemon=True).start()
    else:  # beside a web process that one speaks
        _report()
    _work(settings, stop, until_idle, partial(_on_ray, address) if engine == "ray" else _on_this_machine)


def _stop_on_signals(stop: threading.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def _report() -> None:
    """Prints what the worker does, with times: a batch job's log is all that is left of it."""
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("neq").setLevel(logging.INFO)


class _Trainer(NamedTuple):
    """What a worker's runs are trained by."""

    engine: "Engine | Cluster"
    device: str
    slots: int
    checker: "Checker"


def _work(
    settings: WorkerSettings,
    stop: threading.Event,
    until_idle: float | None,
    begin: "Callable[[WorkerSettings, Path, threading.Event, ExitStack], _Trainer | None]",
) -> None:
    """Works until it is told to stop; `begin` makes ready what trains, or returns None: it was told meanwhile."""
    if not hasattr(os, "killpg"):  # a training process is ended with all that it started, which Windows cannot
        end_with("training needs Linux or macOS; on Windows start the worker in WSL")
    from trainer.worker import run_worker
    from trainer.worker.closing_time import ClosingTime

    checkpoint_store = _open_checkpoint_store(settings.checkpoints)
    with ExitStack() as open_things:
        trainer = begin(settings, checkpoint_store.folder, stop, open_things)
        if trainer is None:
            return
        store = open_things.enter_context(closing(open_store(settings.database_url)))
        store.keep_reserve(settings.disk_reserve_bytes)
        run_worker(
            store,
            engine=trainer.engine,
            name=settings.worker_name,
            device=trainer.device,
            slots=trainer.slots,
            silence_limit_seconds=settings.silence_limit_seconds,
            stop=stop,
            checkpoint_store=checkpoint_store,
            checker=trainer.checker,
            closing_time=ClosingTime.of(until_idle, os.environ),
        )


def _on_this_machine(
    settings: WorkerSettings, checkpoints: Path, stop: threading.Event, _: ExitStack
) -> _Trainer | None:
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.gpus import GpuPool
    from trainer.engines.process import process_engine
    from trainer.worker.checking import Checker

    gpus = _find_gpus(settings, stop.is_set)
    if stop.is_set():
        return None
    choice = DeviceChoice.parse(settings.device)
    count = len(choice.numbers if gpus is None else gpus)
    slots = settings.slots_on(count)
    threads, loaders = settings.threads_per_run(slots), settings.loaders_per_run(slots, count)
    workplace = replace(_workplace(settings, checkpoints), device_limit=choice.kind, threads=threads, loaders=loaders)
    pool = GpuPool(gpus, choice)
    return _Trainer(process_engine(workplace, gpus=pool), settings.device, slots, Checker(workplace, pool))


def _on_ray(
    address: str | None, settings: WorkerSettings, checkpoints: Path, stop: threading.Event, open_things: ExitStack
) -> _Trainer:
    from trainer.engines.on_ray.connection import OWN, NoCluster, connect
    from trainer.worker.checking import Checker

    if settings.device != "auto":
        end_with("NEQ_DEVICE names this machine's GPUs, and Ray gives out those of its nodes: leave it at auto")
    workplace = _workplace(settings, checkpoints)
    try:
        head = connect(address or os.environ.get("RAY_ADDRESS") or OWN, os.environ.get(PLUGINS))
        _stop_on_signals(stop)  # Ray has put its own handlers there, which end the process
        from trainer.engines.on_ray.cluster import RayCluster  # which imports ray

        cluster = open_things.enter_context(closing(RayCluster(head, workplace, checkpoints)))
    except NoCluster as error:
        end_with(str(error))
    return _Trainer(cluster, "ray", settings.slots or cluster.slots(), Checker(workplace, cluster=cluster))


def _workplace(settings: WorkerSettings, checkpoints: Path) -> "Workplace":
    """What one run may use by the settings alone, whatever is trained beside it."""
    from trainer.engines.environment import Workplace

    return Workplace(
        settings.data_root,
        threads=settings.threads,
        may_download=settings.download,
        checkpoints=checkpoints,
        country=settings.country,
        loaders=settings.loaders,
    )


def _find_gpus(settings: WorkerSettings, ended: Callable[[], bool] = lambda: False) -> "tuple[Gpu, ...] | None":
    """The GPUs to share out among runs, said in a line; None: it is not known, because no sign of one was seen, torch
    could not be asked, or the worker was ended meanwhile."""
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.gpus import NoSuchGpu, find_gpus, may_have_gpus
    from trainer.engines.process import environment_of_child

    choice = DeviceChoice.parse(settings.device)
    if choice.kind == "cpu":
        return ()
    if not may_have_gpus(choice):
        return None
    try:
        gpus = find_gpus(environment_of_child(), choice, ended)
    except NoSuchGpu as error:
        end_with(f"NEQ_DEVICE: {error}")
    if gpus:
        say(shared_out(gpus, settings.slots_on(len(gpus))))
    elif gpus is None and not ended():
        say(f"torch could not list the GPUs: {_until_known(settings, choice)}", err=True)
    return gpus


def _until_known(settings: WorkerSettings, choice: "DeviceChoice") -> str:
    """How runs are shared out among GPUs that torch has said nothing of."""
    slots = settings.slots_on(len(choice.numbers))
    if choice.numbers:
        return f"{slots} run{'' if slots == 1 else 's'} at once on {settings.device} alone (NEQ_DEVICE)"
    return (
        f"slots are those of a CPU ({slots}), and runs take the first GPU until it answers; set NEQ_SLOTS where that "
        "is wrong"
    )


def shared_out(gpus: "Sequence[Gpu]", slots: int) -> str:
    """One line: how many runs train at once, on which GPUs."""
    runs = f"{slots} run{'' if slots == 1 else 's'} at once"
    if slots <= len(gpus):
        return f"Training {runs}, each with a GPU of its own: {', '.join(gpu.title for gpu in gpus)}"
    each = f"{slots // len(gpus)} to {-(-slots // len(gpus))}" if slots % len(gpus) else f"{slots // len(gpus)}"
    return f"Training {runs}, {each} on each GPU, which share its memory: {', '.join(gpu.title for gpu in gpus)}"


def _set_at_end_of_input(stop: threading.Event) -> None:
    # Unbuffered: a thread that waits inside Python's own reader would hold its lock when the interpreter ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def _open_checkpoint_store(folder: Path) -> CheckpointStore:
    try:
        return CheckpointStore.at(folder)
    except OSError as error:
        end_with(f"the folder of checkpoints cannot be used: {error}; name another in NEQ_CHECKPOINTS")
