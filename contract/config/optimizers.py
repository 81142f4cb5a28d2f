"""The optimizers, under torch's names for their settings."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from contract.base import ConfigModel, wrong_field

LearningRate = Annotated[float, Field(gt=0, le=10, title="Learning rate", json_schema_extra={"scale": "log"})]
WeightDecay = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        title="Weight decay",
        description="L2 penalty; with AdamW, decoupled weight decay. It does not act on frozen neurons.",
        json_schema_extra={"scale": "log"},
    ),
]
Momentum = Annotated[float, Field(ge=0, lt=1, title="Momentum")]
Beta = Annotated[float, Field(ge=0, lt=1)]


class Sgd(ConfigModel):
    """Stochastic gradient descent with momentum."""

    model_config = ConfigDict(title="SGD")
    kind: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.1
    momentum: Momentum = 0.9
    weight_decay: WeightDecay = 2.5e-3
    nesterov: bool = Field(default=False, title="Nesterov momentum", description="Requires a momentum above 0.")

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise wrong_field("momentum", "Nesterov needs a momentum above 0: raise it or switch Nesterov off")
        return self


class _AdamFields(ConfigModel):
    beta1: Beta = Field(default=0.9, title="β₁", description="Decay rate of the running mean of the gradient.")
    beta2: Beta = Field(
        default=0.999, title="β₂", description="Decay rate of the running mean of the squared gradient."
    )


class Adam(_AdamFields):
    """Adam: adaptive step sizes, weight by weight."""

    model_config = ConfigDict(title="Adam")
    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 1e-3
    weight_decay: WeightDecay = 0.0


class AdamW(_AdamFields):
    """Adam with decoupled weight decay."""

    model_config = ConfigDict(title="AdamW")
    kind: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 1e-3
    weight_decay: WeightDecay = 0.01


Optimizer = Annotated[
    Sgd | Adam | AdamW,
    Field(discriminator="kind", title="Optimizer", description="The algorithm that updates the weights."),
]
