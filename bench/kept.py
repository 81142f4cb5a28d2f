"""What the graph of a forward pass keeps in memory for the backward pass."""

import torch
from torch import Tensor, nn


def kept_bytes(model: nn.Module, inputs: Tensor) -> int:
    """Of the tensors that the graph of one forward pass holds beside parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(inputs)
    assert output.requires_grad
    return sum(kept.values())
