"""One of torchvision's networks, as far as it is known without torchvision."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """What a network takes, and what its trained weights are called.

    Attributes:
        native: side in pixels of the images that its weights were trained on.
        smallest: the least side that it takes; 0 where no single number tells it.
        multiple: sides must be multiples of this.
        parameters: how many weights it has, with the head of its trained weights.
        weights: file of the trained ones.
        backbone: file of the trained ones of its feature extractor alone; None where there are none.
    """

    native: int
    smallest: int
    multiple: int
    parameters: int
    weights: str
    backbone: str | None
