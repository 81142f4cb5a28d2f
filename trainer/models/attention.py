"""Multi-head attention whose layers are called as layers, so that their neurons can be watched and frozen.

Torch's own holds the weights of its projections as bare parameters and hands them to one function, so that ViT's
attention would have no neurons. What is computed stays the same.
"""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


def call_attention_layers(model: nn.Module) -> None:
    """Changes every multi-head attention inside the model, in place, after its weights are final."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, _SelfAttention(child))


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
