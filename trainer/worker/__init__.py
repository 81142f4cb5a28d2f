"""The worker: takes queued runs from the store, has an engine train them, and records what they say."""

from trainer.worker.loop import run_worker

__all__ = ["run_worker"]
