"""How long a run trains, in what batches, and on what hardware."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from contract.base import ConfigModel, wrong_field
from contract.former_names import FormerName

MOST_PROCESSES = 64
"""That train one run."""
LABEL = "^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?=[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$"
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=LABEL)]
"""What a node is told to be: `key=value`, in the characters that Ray takes."""


class Training(ConfigModel):
    """How long, and in what batches."""

    model_config = ConfigDict(title="Training")
    epochs: int = Field(
        default=40,
        ge=1,
        le=100_000,
        title="Epochs",
        description="Passes over the training set.",
        json_schema_extra={"unit": "epochs"},
    )
    batch_size: int = Field(default=100, ge=1, le=65_536, title="Batch size", json_schema_extra={"unit": "images"})
    gradient_accumulation_steps: Annotated[int, FormerName("accumulate")] = Field(
        default=1,
        ge=1,
        le=65_536,
        title="Gradient accumulation steps",
        description="Batches whose gradients are averaged for one optimizer step: large batches in little memory.",
        json_schema_extra={"unit": "batches", "advanced": True},
    )
    max_grad_norm: Annotated[float | None, FormerName("clip_norm")] = Field(
        default=None,
        gt=0,
        le=1e6,
        title="Max grad norm",
        description="Gradients are clipped to this norm, that of all weights that are not frozen. Empty: no clipping.",
        json_schema_extra={"advanced": True},
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        title="Label smoothing",
        description="Fraction of the target that is spread over all classes, in training only.",
        json_schema_extra={"step": 0.05, "advanced": True},
    )
    stall_minutes: float = Field(
        default=30.0,
        gt=0,
        le=10_080,
        title="Stall timeout",
        description=(
            "Training that makes no progress and logs nothing for so long is ended, and the run resumes from its last "
            "checkpoint. Loading the data and compiling must take less."
        ),
        json_schema_extra={"unit": "minutes", "advanced": True},
    )
    stop_after_seconds: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        title="Stop after training for",
        description=(
            "The run finishes after the epoch in which its training steps have taken so long in all, without measuring "
            "and testing, and the schedule stays that of all epochs: a dense run in the time of another. Empty: never."
        ),
        json_schema_extra={"unit": "seconds", "advanced": True},
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description=(
            "Determines the initial weights, the order of the data and the probe set. Masks of two runs can be "
            "compared only if their seeds are equal."
        ),
    )

    def is_spent(self, seconds: float) -> bool:
        """Whether so many seconds of training are more than the run may take."""
        return self.stop_after_seconds is not None and seconds > self.stop_after_seconds


class Compute(ConfigModel):
    """What the run needs of the machine; a worker that does not have it says so."""

    model_config = ConfigDict(title="Compute")
    device: Literal["auto", "cpu", "cuda", "xpu", "mps"] = Field(
        default="auto",
        title="Device",
        description=(
            "auto: an NVIDIA or AMD GPU (cuda) if there is one, otherwise the CPU. Intel GPUs (xpu) and Apple's (mps) "
            "are used only if named here, and are untested."
        ),
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=MOST_PROCESSES,
        title="Processes",
        description=(
            "That train this run together on one machine (DistributedDataParallel), each on a GPU of its own or on its "
            "part of the CPU's threads. Each takes its part of every batch; the batch size stays that of the whole."
        ),
        json_schema_extra={"unit": "processes", "advanced": True},
    )
    sync_batch_norm: bool = Field(
        default=False,
        title="Synchronize batch norm",
        description=(
            "Batch norm over the whole batch, across processes, instead of over each one's part. On GPUs only, and "
            "without effect on a single process."
        ),
        json_schema_extra={"advanced": True},
    )
    cpus: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        title="CPUs",
        description=(
            "Reserved on one node of a Ray cluster; torch computes on as many threads. Empty: one per process. A "
            "worker of a single machine shares its CPUs out by its slots instead."
        ),
        json_schema_extra={"unit": "CPUs", "advanced": True, "empty": "auto"},
    )
    gpus: float | None = Field(
        default=None,
        ge=0,
        le=MOST_PROCESSES,
        title="GPUs",
        description=(
            "0: the run is trained on the CPU. Otherwise one per process, or for a single process a fraction of one on "
            "a Ray cluster: GPU memory is then shared and not divided. Empty: as the device says."
        ),
        json_schema_extra={"unit": "GPUs", "advanced": True, "empty": "auto"},
    )
    memory_gib: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        title="Memory",
        description=(
            "Reserved on one node of a Ray cluster, which does not enforce it. Empty: none is reserved. A worker of a "
            "single machine does not look at it."
        ),
        json_schema_extra={"unit": "GiB", "advanced": True},
    )
    labels: tuple[Label, ...] = Field(
        default=(),
        max_length=20,
        title="Node labels",
        description=(
            "Such as zone=a or ray.io/accelerator-type=H100: only a node of a Ray cluster that has all of these labels "
            "trains this run. Workers of a single machine have no labels and leave it in the queue."
        ),
        json_schema_extra={"advanced": True},
    )
    precision: Literal["float32", "tf32", "bf16", "fp16"] = Field(
        default="float32",
        title="Precision",
        description=(
            "Precision of the forward and backward pass. On a GPU, tf32 (float32 with products rounded to 10 bits of "
            "mantissa) saves time; bf16 and fp16 (with gradient scaling) save time and memory; float32 means float32 "
            "throughout, convolutions included. Test images are evaluated in the same precision, except that fp16 is "
            "evaluated in float32. Weights are always float32, and φ has a precision of its own."
        ),
    )
    channels_last: bool = Field(
        default=True,
        title="Channels last",
        description="Memory format of the images; faster for convolutions, and equivalent otherwise.",
        json_schema_extra={"advanced": True},
    )
    compile: bool = Field(
        default=False,
        title="Compile",
        description="Use torch.compile: faster training steps, after a minute or so at the start.",
        json_schema_extra={"advanced": True},
    )
    cudnn_benchmark: bool = Field(
        default=False,
        title="cuDNN benchmark",
        description=(
            "On an NVIDIA GPU, cuDNN tries its convolution algorithms on each new input shape and keeps the fastest: "
            "faster while shapes stay the same, but runs with equal seeds may then differ in the last bits."
        ),
        json_schema_extra={"advanced": True},
    )
    deterministic: bool = Field(
        default=False,
        title="Deterministic",
        description=(
            "Runs with equal seeds are identical to the bit on a GPU too, which takes longer; on a CPU with equal "
            "threads they always are."
        ),
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _algorithms_are_either_tried_or_fixed(self) -> Self:
        if self.deterministic and self.cudnn_benchmark:
            raise wrong_field(
                "cudnn_benchmark", "what cuDNN finds fastest differs from run to run: switch this or deterministic off"
            )
        return self

    @model_validator(mode="after")
    def _several_processes_are_not_compiled(self) -> Self:
        if self.processes > 1 and self.compile:
            raise wrong_field("compile", "several processes train without torch.compile: switch it off")
        return self

    @model_validator(mode="after")
    def _several_processes_have_a_device_for_each(self) -> Self:
        if self.processes > 1 and self.device in ("xpu", "mps"):
            raise wrong_field(
                "processes", f"several processes train on cuda or the CPU, and not on {self.device}: choose 1"
            )
        return self

    @model_validator(mode="after")
    def _batch_norm_is_synchronized_on_gpus(self) -> Self:
        if self.processes > 1 and self.sync_batch_norm and self.on_cpu:
            raise wrong_field(
                "sync_batch_norm", "torch synchronizes batch norm on GPUs only: switch it off for the CPU"
            )
        return self

    @model_validator(mode="after")
    def _each_process_has_one_gpu_or_none(self) -> Self:
        if self.gpus is None:
            return self
        if self.gpus == 0 and self.device not in ("auto", "cpu"):
            raise wrong_field("gpus", f"a run on {self.device} needs a GPU: leave this empty, or set device to cpu")
        if self.gpus > 0 and self.device == "cpu":
            raise wrong_field("gpus", "a run on the CPU needs no GPU: choose 0, or set device to auto")
        if 0 < self.gpus < 1 and self.processes > 1:
            raise wrong_field("gpus", f"{self.processes} processes need a whole GPU each: choose {self.processes} or 0")
        if self.gpus >= 1 and self.gpus != self.processes:
            only = "a single process uses one GPU" if self.processes == 1 else "each process uses one GPU"
            raise wrong_field(
                "gpus", f"{only}: choose {self.processes}, or set processes to the GPUs that it should use"
            )
        return self

    @model_validator(mode="after")
    def _no_label_has_two_values(self) -> Self:
        keys = [label.partition("=")[0] for label in self.labels]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise wrong_field("labels", f"a node has one value of {twice}: name it once")
        return self

    @property
    def on_cpu(self) -> bool:
        """Whether the run is to see no GPU, whatever the machine has."""
        return self.device == "cpu" or self.gpus == 0

    @property
    def wanted_device(self) -> str:
        """The kind of device that the run is to be trained on; `auto`: whichever there is."""
        return "cpu" if self.on_cpu else self.device
