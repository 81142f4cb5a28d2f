"""What the data ask of a model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """Square images of `size` px with so many channels, to be told apart into so many classes."""

    channels: int
    size: int
    classes: int
