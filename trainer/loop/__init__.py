"""Training as a stream of facts."""

from trainer.loop.run import train

__all__ = ["train"]
