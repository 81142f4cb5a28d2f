"""Trained weights: from the data folder or torch's own cache, else by a download where the worker allows one.

They are read as tensors alone (`weights_only`): nothing in such a file is executed.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from contract.errors import RunError
from trainer.engines.environment import Workplace

FOLDER = "weights"
"""Below the data folder."""
_HASH = re.compile(r"-([0-9a-f]{8,})\.")
State = dict[str, Tensor]


def trained_state(weights: Any, workplace: Workplace) -> State:
    """The tensors that one of torchvision's weights names.

    Args:
        weights: a member of torchvision's `WeightsEnum`.

    Raises:
        RunError: they are not there and may not be, or could not be, downloaded; or the file is damaged.
    """
    name = Path(urlsplit(weights.url).path).name
    file = _found(name, workplace) or _downloaded(weights.url, name, workplace)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        return {key: value for key, value in state.items() if isinstance(value, Tensor)}
    except Exception as error:
        # torch and zipfile raise a dozen types for a file cut short or of another kind; all mean the same here.
        raise RunError(
            f"The weights {file} cannot be read: {str(error).splitlines()[0][:200] or type(error).__name__}",
            "Remove the file and put it there anew, or set model.weights to none.",
        ) from error


def _found(name: str, workplace: Workplace) -> Path | None:
    places = (workplace.data_root / FOLDER, Path(torch.hub.get_dir()) / "checkpoints")
    return next((place / name for place in places if (place / name).is_file()), None)


def _downloaded(url: str, name: str, workplace: Workplace) -> Path:
    target = workplace.data_root / FOLDER / name
    if not workplace.may_download:
        raise RunError(
            f"The weights {name} are not on this worker: {target} not found.",
            f"Put {url} there, or let the worker fetch it with NEQ_DOWNLOAD=1, or set model.weights to none.",
        )
    prefix = _HASH.search(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(target), prefix[1] if prefix else None, progress=False)
    except (OSError, RuntimeError) as error:
        raise RunError(
            f"The weights {name} are not on this worker and could not be downloaded: {error}",
            f"Check the network, or put {url} into {target.parent}.",
        ) from error
    return target


def load_fitting(model: nn.Module, state: State, *, classes_there: int, classes_here: int, name: str) -> None:
    """Loads a trained state into a network that may have another number of classes: such heads keep their new weights.

    Raises:
        RunError: anything else differs, so that the weights belong to another network.
    """
    wanted = model.state_dict()
    other = {key for key in state.keys() & wanted.keys() if state[key].shape != wanted[key].shape}
    heads = {key for key in other if len(state[key]) == classes_there and len(wanted[key]) == classes_here}
    # Counters of batches that norms have seen are younger than some of the files.
    absent = {key for key in wanted.keys() - state.keys() if not key.endswith("num_batches_tracked")}
    if other - heads or absent:
        wrong = ", ".join(sorted((other - heads) | absent)[:3])
        raise RunError(
            f"The weights do not belong to {name}: {wrong} differ.",
            "Remove the file of that name from the data folder and put torchvision's own there.",
        )
    model.load_state_dict(
        {key: value for key, value in state.items() if key in wanted and key not in heads}, strict=False
    )
