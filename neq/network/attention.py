"""The projections of torch's own attention, which it multiplies by without calling a module.

`nn.MultiheadAttention` hands its weights to one function, and what happens within cannot be seen. The query, key and
value projections are therefore computed once more, from what the module is called with; what the output projection
gives is what the module gives.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neq.network.kinds import PACKED_ATTENTION, kind_of
from neq.network.layers import WatchedLayer

OUTPUT = "out_proj"
"""The name of the output projection in its attention."""


def is_within_attention(layer: WatchedLayer) -> bool:
    """Whether it is the output projection of an attention, which gives what that gives."""
    attention = layer.caller
    if attention is None or kind_of(attention) is not PACKED_ATTENTION:
        return False
    return getattr(attention, OUTPUT, None) is layer.module


def given(inputs: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value that an attention was called with."""
    query, key, value = (*inputs, *(keywords[name] for name in ("query", "key", "value")[len(inputs) :]))[:3]
    return query, key, value


def projections(attention: Any, inputs: tuple[Tensor, Tensor, Tensor], weight: Tensor, bias: Tensor | None) -> Tensor:
    """What the packed projections give, one beside the other in the last dimension.

    Keys and values may be more or fewer than queries; the shorter ones are filled up with zeros, which add nothing to
    the sums that φ is made of.
    """
    weights = weight.chunk(3)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    parts = [functional.linear(*one) for one in zip(inputs, weights, biases, strict=True)]
    sequence = 1 if attention.batch_first and parts[0].dim() == 3 else 0
    longest = max(part.shape[sequence] for part in parts)
    return torch.cat([_filled_up(part, sequence, longest) for part in parts], dim=-1)


def _filled_up(part: Tensor, dimension: int, length: int) -> Tensor:
    missing = length - part.shape[dimension]
    if not missing:
        return part
    shape = list(part.shape)
    shape[dimension] = missing
    return torch.cat([part, part.new_zeros(shape)], dim=dimension)
