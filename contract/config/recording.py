"""What of an epoch is recorded."""

from pydantic import ConfigDict, Field

from contract.base import ConfigModel


class Recording(ConfigModel):
    """What is recorded of an epoch. Counts, means and histograms of every layer always are."""

    model_config = ConfigDict(title="Recording")
    arrays_every: int = Field(
        default=1,
        ge=1,
        le=100_000,
        title="Record arrays every",
        description=(
            "Arrays are φ, velocity and masks of every neuron, about 8 bytes of disk for each neuron in an epoch: 10 "
            "takes a tenth of it. The last epoch has its arrays in any case; heatmaps are blank in the epochs without."
        ),
        json_schema_extra={"unit": "epochs", "advanced": True},
    )

    def has_arrays(self, epoch: int, *, last: bool) -> bool:
        """Whether the arrays of this epoch, counted from 0, are recorded.

        Args:
            last: the run ends after it.
        """
        return last or epoch % self.arrays_every == 0
