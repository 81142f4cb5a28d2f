"""What every piece of a run's description shares; defined in `trainer.part`, where other people's find it too."""

from trainer.part import Part, wrong_field

__all__ = ["Part", "wrong_field"]
