"""Training as a stream of facts."""

from trainer.training.run import train

__all__ = ["train"]
