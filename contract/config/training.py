"""How long is trained, and on what of the machine."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from contract.base import ConfigModel, wrong_field
from contract.former_names import FormerName


class Training(ConfigModel):
    """How long and in what portions."""

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
        title="Batches a step",
        description="Batches whose mean gradient moves the weights in one step: large batches in little memory.",
        json_schema_extra={"unit": "batches", "advanced": True},
    )
    max_grad_norm: Annotated[float | None, FormerName("clip_norm")] = Field(
        default=None,
        gt=0,
        le=1e6,
        title="Clip gradients at",
        description="Longer gradients are shortened to this norm, that of all moving weights together. Empty: never.",
        json_schema_extra={"advanced": True},
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        title="Label smoothing",
        description="Share of the target that is spread over all classes, in training alone.",
        json_schema_extra={"step": 0.05, "advanced": True},
    )
    stall_minutes: float = Field(
        default=30.0,
        gt=0,
        le=10_080,
        title="Stall limit",
        description=(
            "Training that shows no progress and logs nothing for so long is ended, and the run resumes from its last "
            "checkpoint. Loading the data and compiling must fit within it."
        ),
        json_schema_extra={"unit": "minutes", "advanced": True},
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description=(
            "Initial weights, order of the data and probe set follow from it. Comparing masks needs equal seeds."
        ),
    )


class Compute(ConfigModel):
    """What the run asks of the machine; a worker that cannot give it says so."""

    model_config = ConfigDict(title="Compute")
    device: Literal["auto", "cpu", "cuda", "xpu", "mps"] = Field(
        default="auto",
        title="Device",
        description=(
            "auto: an NVIDIA or AMD GPU (cuda) where there is one, else the CPU. Intel's (xpu) and Apple's (mps) are "
            "taken where they are asked for; nothing was tried on them."
        ),
    )
    precision: Literal["float32", "tf32", "bf16", "fp16"] = Field(
        default="float32",
        title="Precision",
        description=(
            "What training computes in. On a GPU tf32 (float32 whose products are rounded to 10 bits of mantissa) "
            "saves time, bf16 and fp16 (with scaled gradients) time and memory; float32 is exact there, convolutions "
            "included. Test images are looked at in the same precision, but with fp16 in float32; weights stay "
            "float32, and φ has a precision of its own."
        ),
    )
    channels_last: bool = Field(
        default=True,
        title="Channels last",
        description="Order of images in memory; faster for convolutions, and the numbers mean the same.",
        json_schema_extra={"advanced": True},
    )
    compile: bool = Field(
        default=False,
        title="Compile",
        description="torch.compile makes the training steps faster, after a minute or so at the start.",
        json_schema_extra={"advanced": True},
    )
    cudnn_benchmark: bool = Field(
        default=False,
        title="cuDNN benchmark",
        description=(
            "On an NVIDIA GPU cuDNN tries its convolution algorithms on each new shape of input and keeps the fastest: "
            "faster where shapes stay the same, and equal seeds may then differ in the last bits."
        ),
        json_schema_extra={"advanced": True},
    )
    deterministic: bool = Field(
        default=False,
        title="Deterministic",
        description=(
            "Equal seeds give equal bits on a GPU too, which takes longer; a CPU with equal threads gives them anyway."
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
