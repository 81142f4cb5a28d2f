"""RunConfig: everything needed to repeat a run, and nothing about who watches it.

The API's body, the browser's form (drawn from `RunConfig.model_json_schema()`), the command line's flags, the worker's
input and the archive are all this one model. It imports pydantic alone, so the server and the browser's form know it
without torch.

For the form, a field may carry in `json_schema_extra`: `unit` (shown behind the input), `step` (for number inputs),
`scale: "log"`, `multiline`, `advanced` (folded away at first). A group is a nested model with a title; a choice is a
union told apart by `kind`, whose members carry the `title` that the form's selector shows.
"""

from contract.base import ConfigModel, wrong_field
from contract.config.checkpoints import Checkpoints
from contract.config.data import (
    Cifar10,
    Cifar100,
    Coco,
    Data,
    FashionMnist,
    FashionMnistMini,
    FileData,
    ImageFolder,
    ImageNet,
    MaskFolder,
    Mnist,
    SegmentationData,
    Synthetic,
    SyntheticSegmentation,
    Task,
    TorchvisionData,
    Voc,
)
from contract.config.discovery import VARIABLE as PLUGINS
from contract.config.models import Cnn, Mlp, Model, ModelPart, ResNetCifar, TorchvisionClassifier, TorchvisionSegmenter
from contract.config.neq import (
    BlocksRule,
    EquilibriumRule,
    NEqConfig,
    NoRule,
    ParameterNormRule,
    PrefixRule,
    RandomRule,
    ReplayRule,
    Select,
    TopKRule,
    Watched,
)
from contract.config.optimizers import Adam, AdamW, Optimizer, Sgd
from contract.config.probe import FractionProbe, NoiseProbe, Probe, SingleProbe, SplitProbe, TestProbe
from contract.config.run import RunConfig, Tag
from contract.config.schedules import Constant, Cosine, MultiStep, OneCycle, Polynomial, Schedule, Step
from contract.config.training import Compute, Training

__all__ = [
    "PLUGINS",
    "Adam",
    "AdamW",
    "BlocksRule",
    "Checkpoints",
    "Cifar10",
    "Cifar100",
    "Cnn",
    "Coco",
    "Compute",
    "ConfigModel",
    "Constant",
    "Cosine",
    "Data",
    "EquilibriumRule",
    "FashionMnist",
    "FashionMnistMini",
    "FileData",
    "FractionProbe",
    "ImageFolder",
    "ImageNet",
    "MaskFolder",
    "Mlp",
    "Mnist",
    "Model",
    "ModelPart",
    "MultiStep",
    "NEqConfig",
    "NoRule",
    "NoiseProbe",
    "OneCycle",
    "Optimizer",
    "ParameterNormRule",
    "Polynomial",
    "PrefixRule",
    "Probe",
    "RandomRule",
    "ReplayRule",
    "ResNetCifar",
    "RunConfig",
    "Schedule",
    "SegmentationData",
    "Select",
    "Sgd",
    "SingleProbe",
    "SplitProbe",
    "Step",
    "Synthetic",
    "SyntheticSegmentation",
    "Tag",
    "Task",
    "TestProbe",
    "TopKRule",
    "TorchvisionClassifier",
    "TorchvisionData",
    "TorchvisionSegmenter",
    "Training",
    "Voc",
    "Watched",
    "wrong_field",
]
