"""Attention whose layers are called as layers, so that their neurons can be watched and frozen.

torchvision's Swin blocks and torch's own multi-head attention read the weights of their linear layers and never call
them: nothing would see those outputs. What is computed stays the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torchvision.models.swin_transformer import ShiftedWindowAttention, ShiftedWindowAttentionV2


def call_attention_layers(model: nn.Module) -> None:
    """Changes every attention inside the model, in place, after its weights are final."""
    for module in list(model.modules()):
        if type(module) in _CALLED:
            module.__class__ = _CALLED[type(module)]
        for name, child in module.named_children():
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, _SelfAttention(child))


class _CallsOf(TorchFunctionMode):
    """Turns a product with a layer's weight into a call of the layer."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self._layers = layers

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function is linear:
            for layer in self._layers:
                if args[1] is layer.weight:
                    return self._call(layer, *args[:1], *args[2:])
        return function(*args, **(kwargs or {}))

    @staticmethod
    def _call(layer: nn.Linear, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        outputs: Tensor = layer(inputs)
        if bias is layer.bias or bias is None or layer.bias is None:
            return outputs
        return outputs + (bias - layer.bias)  # Swin v2 leaves the keys' bias out


class _ShiftedWindowAttention(ShiftedWindowAttention):  # type: ignore[misc]
    """Swin's, calling its two linear layers."""

    def forward(self, x: Tensor) -> Tensor:
        with _CallsOf((self.qkv, self.proj)):
            attended: Tensor = super().forward(x)
        return attended


class _ShiftedWindowAttentionV2(ShiftedWindowAttentionV2):  # type: ignore[misc]
    """That of Swin's second version."""

    def forward(self, x: Tensor) -> Tensor:
        with _CallsOf((self.qkv, self.proj)):
            attended: Tensor = super().forward(x)
        return attended


_CALLED: dict[type[nn.Module], type[nn.Module]] = {
    ShiftedWindowAttention: _ShiftedWindowAttention,
    ShiftedWindowAttentionV2: _ShiftedWindowAttentionV2,
}


class _SelfAttention(nn.Module):
    """Self-attention (batch, tokens, features) with the weights of torch's own, as two linear layers."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        width = attention.embed_dim
        device = attention.in_proj_weight.device
        self.heads, self.dropout = attention.num_heads, attention.dropout
        self.qkv = nn.Linear(width, 3 * width, device=device)
        self.qkv.weight, self.qkv.bias = attention.in_proj_weight, attention.in_proj_bias
        self.proj = nn.Linear(width, width, device=device)
        self.proj.weight, self.proj.bias = attention.out_proj.weight, attention.out_proj.bias

    def forward(self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False) -> tuple[Tensor, None]:
        """As torch's own is called for self-attention; the weights of attention are never given."""
        queries, keys, values = self.qkv(query).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(queries, keys, values, dropout_p=self.dropout if self.training else 0.0)
        joined: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return joined, None
