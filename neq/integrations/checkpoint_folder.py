"""NEq's state in the checkpoint folders of a Hugging Face Trainer.

Trainer does not tell its callbacks which folder it resumes from. Every training therefore has a mark of its own, which
is in Trainer's own state and beside NEq's; only a file whose mark and step agree with what was resumed is taken.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from transformers import TrainerState, TrainingArguments

FILE = "neq.pt"
KEY = "neq"
"""Where the mark is in `TrainerState.stateful_callbacks`, among what Trainer keeps for other callbacks."""


class CheckpointFolder:
    """Writes NEq's state into a training's checkpoints and finds it there again.

    Args:
        resume_from: a folder to look in first; None: where Trainer saves its checkpoints.
    """

    def __init__(self, resume_from: str | None) -> None:
        self._resume_from = resume_from
        self._mark = ""

    def open(self, args: TrainingArguments, state: TrainerState) -> Mapping[str, Any] | None:
        """What was saved with the checkpoint that is resumed from; None: nothing is, or it was saved without NEq.

        Raises:
            ValueError: it was saved with NEq, and the file is not where it is looked for.
        """
        kept = cast(dict[str, Any], state.stateful_callbacks)  # declared as the list that Trainer makes it from
        if KEY not in kept:
            self._mark = uuid.uuid4().hex
            if is_kept(args, state):
                kept[KEY] = {"args": {}, "attributes": {"mark": self._mark}}
            return None
        self._mark = kept[KEY]["attributes"]["mark"]
        return self._find(args, state.global_step)

    def _find(self, args: TrainingArguments, step: int) -> Mapping[str, Any]:
        folders = list(dict.fromkeys(self._folders(args, step)))
        for folder in folders:
            if (folder / FILE).is_file():
                found = torch.load(folder / FILE, map_location="cpu", weights_only=True)
                if (found["mark"], found["step"]) == (self._mark, step):
                    return found["state"]  # type: ignore[no-any-return]
        raise ValueError(
            f"training resumes at step {step} with NEq, and none of {', '.join(map(str, folders))} has its {FILE}: "
            "give the callback resume_from, the folder that train() was given"
        )

    def _folders(self, args: TrainingArguments, step: int) -> Iterator[Path]:
        if self._resume_from is not None:
            yield Path(self._resume_from)
        if args.resume_from_checkpoint is not None:
            yield Path(args.resume_from_checkpoint)
        yield folder_of(args, step)

    def save(self, args: TrainingArguments, state: TrainerState, neq: Callable[[], dict[str, Any]]) -> None:
        """Writes beside a checkpoint that Trainer has just saved, in the process that wrote it.

        Args:
            args: of the training.
            state: of the training.
            neq: gives the state to write.
        """
        if not (is_kept(args, state) and args.should_save):
            return
        file = folder_of(args, state.global_step) / FILE
        unfinished = file.with_suffix(".unfinished")
        torch.save({"mark": self._mark, "step": state.global_step, "state": neq()}, unfinished)
        unfinished.replace(file)


def is_kept(args: TrainingArguments, state: TrainerState) -> bool:
    """Whether a checkpoint of this training holds what resuming exactly needs."""
    return not args.save_only_model and not state.is_hyper_param_search


def folder_of(args: TrainingArguments, step: int) -> Path:
    """Where Trainer saves the checkpoint of that step."""
    return Path(args.output_dir or ".") / f"checkpoint-{step}"
