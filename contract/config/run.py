"""RunConfig, the whole of a run's description."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from contract.base import ConfigModel, wrong_field
from contract.config.checkpoints import Checkpoints
from contract.config.data import Data, FashionMnistMini
from contract.config.models import Cnn, Model
from contract.config.neq import NEqConfig
from contract.config.optimizers import Optimizer, Sgd
from contract.config.probe import FractionProbe, SingleProbe
from contract.config.recording import Recording
from contract.config.schedules import Cosine, MultiStep, OneCycle, Schedule
from contract.config.training import Compute, Training
from contract.counted import counted

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^,]+$")]


class RunConfig(ConfigModel):
    """One run: the data, the network, how it is trained, and when its neurons are at equilibrium."""

    model_config = ConfigDict(title="Run")
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = Field(
        default="", title="Name", description="Empty: a name is made from the settings below."
    )
    tags: tuple[Tag, ...] = Field(
        default=(), max_length=20, title="Tags", description="Words to find the run by, without commas."
    )
    notes: str = Field(
        default="", max_length=10_000, title="Notes", json_schema_extra={"multiline": True, "advanced": True}
    )
    recipe: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] = Field(
        default="",
        title="Recipe",
        description="Name of the preset whose published results are shown beside this run's. Empty: none.",
        json_schema_extra={"advanced": True},
    )
    data: Data = FashionMnistMini()
    model: Model = Cnn()
    optimizer: Optimizer = Sgd()
    schedule: Schedule = MultiStep()
    training: Training = Training()
    neq: NEqConfig = NEqConfig()
    checkpoints: Checkpoints = Checkpoints()
    recording: Recording = Recording()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _probe_leaves_images_to_train_on(self) -> Self:
        available = self.data.train_samples
        if available is None:
            return self  # for the data to say, once they are there
        probe = self.neq.probe
        held_back = probe.held_back(available)
        if held_back * 2 > available:
            raise wrong_field(
                "neq.probe.samples",
                f"{held_back} probe images of {available} leave too few to train on; choose at most {available // 2}",
            )
        if isinstance(probe, SingleProbe) and probe.index is not None and probe.index >= available:
            raise wrong_field(
                "neq.probe.index", f"there are {available} training images; choose at most {available - 1}"
            )
        return self

    @model_validator(mode="after")
    def _every_process_gets_images(self) -> Self:
        processes = self.compute.processes
        for image, images, samples in (
            ("image of a batch", "images of a batch", self.training.batch_size),
            ("probe image", "probe images", self._probe_images()),
        ):
            if samples is not None and samples < processes:
                raise wrong_field(
                    "compute.processes",
                    f"{processes} processes cannot share {counted(samples, image, images)}: choose at most {samples}",
                )
        return self

    def _probe_images(self) -> int | None:
        """None: it is known once the data are there."""
        probe, available = self.neq.probe, self.data.train_samples
        if isinstance(probe, SingleProbe):
            return 1
        if isinstance(probe, FractionProbe):
            return None if available is None else probe.held_back(available)
        return probe.samples

    @model_validator(mode="after")
    def _the_model_answers_what_the_data_ask(self) -> Self:
        if self.model.task == self.data.task:
            return self
        if self.data.task == "segmentation":
            raise wrong_field(
                "model.kind",
                "these data ask for a class for every pixel: choose a segmentation network, such as "
                "torchvision-segmentation",
            )
        raise wrong_field("model.kind", "a segmentation network needs data with masks: choose a classification network")

    @model_validator(mode="after")
    def _the_rate_falls_to_its_lowest(self) -> Self:
        if isinstance(self.schedule, Cosine) and self.schedule.eta_min > self.optimizer.learning_rate:
            raise wrong_field("schedule.eta_min", "the lowest learning rate is above optimizer.learning_rate: lower it")
        return self

    @model_validator(mode="after")
    def _the_warm_up_ends(self) -> Self:
        schedule = self.schedule
        if isinstance(schedule, OneCycle) or schedule.warmup_unit == "steps":
            return self  # how many steps there are is known once the data are
        if schedule.warmup >= self.training.epochs:
            raise wrong_field(
                "schedule.warmup",
                f"a warm-up of {counted(schedule.warmup, 'epoch')} leaves none of {self.training.epochs}",
            )
        return self

    def display_name(self) -> str:
        """The name given, or one made of the choices: `cnn · fashion-mnist-mini · sgd`."""
        return self.name or " · ".join((self.model.label, self.data.kind, self.optimizer.kind))
