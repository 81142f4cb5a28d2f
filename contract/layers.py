"""The layers of a network that are watched, and how much of it they are."""

from pydantic import Field

from contract.base import FrozenModel


class Layer(FrozenModel):
    """A layer that is watched, in forward order."""

    index: int = Field(ge=0, description="Index in forward order, from 0; identifies the layer in URLs.")
    name: str = Field(description="The module's name in the network, such as `stages.0.conv1`.")
    type: str = Field(description="The module's class, such as `Conv2d`.")
    neurons: int = Field(ge=1)
    parameters: int = Field(ge=0)
    always_frozen: bool = Field(
        default=False, description="Whether all its neurons are frozen from before the first step to the end."
    )


class UnwatchedModule(FrozenModel):
    """A module with parameters that belong to no watched neuron."""

    name: str = Field(description="The module's name in the network; empty for the network itself.")
    type: str = Field(description="The module's class, such as `Embedding`.")
    parameters: int = Field(ge=0, description="Trainable parameters that are not watched.")
    reason: str = Field(description="Why its parameters are not watched, in one sentence.")


class Coverage(FrozenModel):
    """How much of the network is watched: freezing can be decided for this part of it alone."""

    parameters: int = Field(
        ge=0, description="Trainable parameters of the whole network; shared parameters count once."
    )
    watched: int = Field(ge=0, description="Trainable parameters that belong to watched neurons.")
    fraction: float = Field(ge=0, le=1, description="`watched` divided by `parameters`.")
    unwatched: tuple[UnwatchedModule, ...] = Field(
        default=(), description="Modules with unwatched parameters, largest first; at most 100."
    )
    more_modules: int = Field(default=0, ge=0, description="Number of such modules that are not listed.")
    more_parameters: int = Field(
        default=0, ge=0, description="Unwatched parameters in the modules that are not listed."
    )
