"""Why a run would fail, known before it is launched: by its description alone, or on one worker."""

from collections.abc import Iterator
from difflib import get_close_matches

from contract.checks.capabilities import Capabilities
from contract.checks.finding import Finding
from contract.checks.images import KnownImages, folder_of, known_images
from contract.checks.memory import memory_errors
from contract.checks.names import legible
from contract.checks.numbers import counted
from contract.checks.processes import process_errors
from contract.checks.sets import ENDINGS, NAMED
from contract.checks.sides import side_errors
from contract.checks.steps import steps_of
from contract.checks.weights import weights_of
from contract.config import (
    ImageFolder,
    MaskFolder,
    OneCycle,
    RunConfig,
    SingleProbe,
    SplitProbe,
    TestProbe,
)
from contract.presets import PRESETS


def errors(config: RunConfig, worker: Capabilities | None) -> list[Finding]:
    """Everything that is known to make the run fail, in the order of its fields.

    Args:
        worker: what it would be trained on; None: only what holds on every worker is looked for.
    """
    found = [*_recipe(config)]
    if worker is not None and worker.nodes is not None:  # of its nodes' data and devices nobody has told yet
        found += _kinds(config, worker)
        worker = None
    images = known_images(config, worker)
    if worker is not None:
        found += [*_kinds(config, worker), *_data(config, worker), *_weights(config, worker), *_device(config, worker)]
    found += [*_probe(config, images), *side_errors(config, images), *_warm_up(config, images)]
    found += process_errors(config, images, worker)
    return found if worker is None else [*found, *memory_errors(config, images, worker)]


def _recipe(config: RunConfig) -> Iterator[Finding]:
    known = [preset.name for preset in PRESETS if preset.published]
    if not config.recipe or config.recipe in {preset.name for preset in PRESETS}:
        return
    near = get_close_matches(config.recipe, known, n=1, cutoff=0.5)
    choice = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}, or leave it empty"
    yield Finding("recipe", f"There is no recipe {config.recipe!r}; {choice}")


def _kinds(config: RunConfig, worker: Capabilities) -> Iterator[Finding]:
    for field, kind, known in (
        ("data.kind", config.data.kind, worker.data),
        ("model.kind", config.model.kind, worker.models),
    ):
        if known and kind not in known:
            yield Finding(
                field, f"The worker does not know {kind}: start it with the same NEQ_PLUGINS and packages as the server"
            )


def _data(config: RunConfig, worker: Capabilities) -> Iterator[Finding]:
    data = config.data
    if isinstance(data, ImageFolder | MaskFolder):
        yield from _folder(data, worker)
        return
    named = NAMED.get(data.kind)
    if named is None or data.kind in worker.sets or (named.fetched and worker.may_download):
        return
    fetch = " or set NEQ_DOWNLOAD=yes for the worker," if named.fetched else ""
    looked_for = named.files[0].rpartition("/")[0] or named.files[0]
    yield Finding(
        "data.kind",
        f"{named.title} is not in the worker's data folder (expected: {looked_for}): put it there,{fetch} or "
        "choose the bundled Fashion-MNIST",
    )


def _folder(data: ImageFolder | MaskFolder, worker: Capabilities) -> Iterator[Finding]:
    folder = folder_of(worker, data.folder)
    if folder is None:
        if not worker.folders_complete:
            return  # it may well be there
        there = ", ".join(legible(each.name) for each in worker.folders[:20])
        choice = f"choose one of {there}" if there else "put it there, or name another data folder in NEQ_DATA_ROOT"
        yield Finding("data.folder", f"There is no folder {data.folder!r} in the worker's data folder: {choice}")
    elif isinstance(data, MaskFolder) and folder.masks is False:
        yield Finding(
            "data.folder", f"{data.folder} contains no masks: put images into train and their masks into trainannot"
        )
    elif isinstance(data, ImageFolder) and folder.classes is not None and folder.classes < 2:
        yield Finding(
            "data.folder",
            f"{data.folder} has {counted(folder.classes, 'class folder')}, and a network needs at least two classes: "
            "put the images of each class into a folder of their own",
        )
    elif isinstance(data, ImageFolder) and folder.train == 0:
        yield Finding(
            "data.folder", f"{data.folder} contains no images: add images of one of these types: {', '.join(ENDINGS)}"
        )


def _weights(config: RunConfig, worker: Capabilities) -> Iterator[Finding]:
    file = weights_of(config.model)
    if file is None or file in worker.weights or worker.may_download:
        return
    yield Finding(
        "model.weights",
        f"The pretrained weights {file} are not on the worker: put the file into the folder weights of its data "
        "folder, set NEQ_DOWNLOAD=yes for the worker, or choose none",
    )


def _device(config: RunConfig, worker: Capabilities) -> Iterator[Finding]:
    wanted, limit = config.compute.wanted_device, worker.device_limit
    kind = limit if wanted == "auto" else wanted
    if kind in ("auto", "cpu") and limit in ("auto", "cpu"):
        return
    if limit not in ("auto", kind):
        of = "The worker may use the CPU only" if limit == "cpu" else f"The worker trains on {_DEVICES[limit]} only"
        yield Finding("compute.device", f"{of}: choose auto or {limit}, or change the worker's NEQ_DEVICE")
    elif limit == kind and worker.gpus == ():
        yield Finding(
            "compute.device",
            f"The worker's NEQ_DEVICE asks for {_DEVICES[kind]}, and torch finds none there: fix the driver and "
            "restart the worker, or set NEQ_DEVICE=auto",
        )
    elif _lacks(worker, kind):
        yield Finding(
            "compute.device",
            f"There is no {_DEVICES[kind].partition(' ')[2]} that torch can use on the worker: choose auto or cpu",
        )


def _lacks(worker: Capabilities, kind: str) -> bool:
    """Whether it is known that a worker which may use every kind of GPU has none of this one."""
    return worker.gpus == () if kind == "cuda" else worker.others is not None and kind not in worker.others


_DEVICES = {"cuda": "a GPU", "xpu": "an Intel GPU", "mps": "an Apple GPU"}


def _probe(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    probe, used = config.neq.probe, images.used(config)
    if isinstance(probe, TestProbe) and images.test is not None and probe.samples > images.test:
        yield Finding(
            "neq.probe.samples",
            f"{probe.samples:,} probe images cannot be taken from {counted(images.test, 'test image')}: choose at most "
            f"{images.test:,}",
        )
    if config.data.train_samples is not None and config.data.train_samples == used:
        return  # the description itself has been held against its own number already
    if used is not None and used < 2:
        return  # too few for any probe set: that is told of the data, and no number would do
    if isinstance(probe, SplitProbe) and used is not None and probe.samples * 2 > used:
        yield Finding(
            "neq.probe.samples",
            f"{probe.samples:,} probe images of {used:,} leave too few to train on; choose at most {used // 2:,}",
        )
    if isinstance(probe, SingleProbe) and probe.index is not None and used is not None and probe.index >= used:
        yield Finding("neq.probe.index", f"There are {used:,} training images; choose at most {used - 1:,}")


def _warm_up(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    schedule, a_run = config.schedule, steps_of(config, images)
    if isinstance(schedule, OneCycle) or schedule.warmup_unit != "steps" or a_run is None:
        return
    if schedule.warmup and schedule.warmup >= a_run:
        yield Finding(
            "schedule.warmup",
            f"A warm-up of {counted(schedule.warmup, 'step')} leaves none of the run's {a_run:,} steps: lower it, or "
            "raise training.epochs",
        )
