"""What the data ask of a model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataShape:
    """Images of `size` px (high, and wide where `width` says nothing else) with so many channels and classes."""

    channels: int
    size: int
    classes: int
    width: int | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.size, self.size if self.width is None else self.width
