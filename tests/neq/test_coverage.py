"""How much of a model is watched, and what is told of the rest."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.optim import SGD
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
)

from neq import Coverage, LayerFilter, NEq
from tests.neq.marks import no_step_is_made


def covered(model: nn.Module, probe: object, layer_filter: LayerFilter | None = None) -> Coverage:
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe], layers=layer_filter, measure="streaming")
    coverage = neq.coverage()
    assert neq.unwatched == coverage.unwatched
    return coverage


def names_in_rows(coverage: Coverage) -> list[str]:
    return [f"{row.name}.{key}".lstrip(".") for row in coverage.modules for key in row.parameters]


def tokens() -> dict[str, Tensor]:
    return {"input_ids": torch.randint(0, 40, (3, 6))}


def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(
        GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=40, n_positions=16, bos_token_id=0, eos_token_id=0)
    )


def test_gpt2_is_watched_but_for_its_positions() -> None:
    coverage = covered(gpt2(), tokens())
    left = {row.name: row.reason for row in coverage.modules if row.watched < row.trainable}
    assert list(left) == ["transformer.wpe"]  # wte is tied to lm_head, whose rows are neurons
    assert left["transformer.wpe"] is not None and "looks its rows up" in left["transformer.wpe"]
    # 40·32 + two blocks of (64 + 32·96 + 96 + 32·32 + 32 + 64 + 32·128 + 128 + 128·32 + 32) + 64 = 26,752 of those and
    # 16·32 positions.
    assert (coverage.watched, coverage.trainable) == (26_752, 26_752 + 512)
    assert coverage.fraction == 26_752 / 27_264


def test_experts_are_named_with_their_reason() -> None:
    config = MixtralConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=1, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    coverage = covered(MixtralForCausalLM(config), tokens())
    rows = {row.name: row for row in coverage.modules}
    experts = rows["model.layers.0.mlp.experts"]
    assert experts.reason == "which samples an expert gets changes from epoch to epoch, so its outputs cannot be paired"
    assert experts.values == 3 * 48 * 16 + 3 * 16 * 24
    assert rows["lm_head"].is_watched and rows["model.layers.0.self_attn.q_proj"].reason is None


def test_a_module_of_an_unknown_kind_is_told_how_to_be_known() -> None:
    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    coverage = covered(LlamaForCausalLM(config), tokens())
    rows = {row.name: row for row in coverage.modules}
    assert rows["model.norm"].reason == (
        "where a LlamaRMSNorm has its neurons is not known; say so with register_layer"
    )


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(10, 4)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.cell = nn.GRUCell(5, 5)
        self.scale = nn.Parameter(torch.ones(5))
        self.head = nn.Linear(5, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        found, _ = self.lstm(self.table(inputs).unsqueeze(1))
        out: Tensor = self.head(self.cell(found[:, -1]) * self.scale)
        return out


def test_recurrent_layers_embeddings_and_bare_parameters_are_named() -> None:
    coverage = covered(Recurrent(), torch.randint(0, 10, (4, 3)))
    reasons = {row.name: row.reason or "" for row in coverage.modules}
    assert reasons[""].startswith("where a Recurrent has its neurons is not known")
    assert "looks its rows up" in reasons["table"]
    assert reasons["lstm"] == reasons["cell"]
    assert "computes its gates inside one call" in reasons["lstm"]
    assert reasons["head"] == ""
    # head 12 of: scale 5, table 40, LSTM 4·5·(4 + 5 + 2) = 220, cell 3·5·(5 + 5 + 2) = 180, head 12.
    assert (coverage.watched, coverage.trainable) == (12, 457)


def test_packed_attention_is_watched_whole() -> None:
    block = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    coverage = covered(block, torch.randn(2, 5, 8))
    assert coverage.fraction == 1.0
    assert coverage.unwatched == {}


def test_attention_with_other_widths_of_keys_is_named() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)
            self.head = nn.Linear(8, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            out: Tensor = self.head(self.attention(inputs, inputs[..., :6], inputs[..., :4])[0])
            return out

    coverage = covered(Cross(), torch.randn(2, 5, 8))
    assert "not packed in one matrix" in coverage.unwatched["attention"]


def test_what_stands_still_counts_in_neither_number() -> None:
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 2))
    coverage = covered(model, torch.randn(3, 4))
    first, second = coverage.modules
    assert (first.values, first.trainable, first.reason) == (20, 0, "none of its parameters requires a gradient")
    assert (second.watched, coverage.fraction) == (10, 1.0)


def test_layers_left_out_by_the_caller_are_told_as_that() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.PReLU(4), nn.Linear(4, 2))
    coverage = covered(model, torch.randn(3, 4), LayerFilter(never=("0",)))
    assert coverage.unwatched["0"] == "layers.never names it"
    assert coverage.unwatched["1"].startswith("where a PReLU has its neurons is not known")
    assert coverage.fraction == 10 / 34


def test_a_weight_computed_from_others_is_a_row_of_its_own_layer() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 3)), nn.Linear(3, 2))
    coverage = covered(model, torch.randn(3, 4))
    assert [(row.name, row.type) for row in coverage.modules] == [("0", "Linear"), ("1", "Linear")]
    assert coverage.fraction == 1.0


class Drawn(nn.Module):
    """Layers of many kinds in a row, some under two names, some sharing their weight."""

    def __init__(self, kinds: list[str], tied: list[int]) -> None:
        super().__init__()
        make = {
            "linear": lambda: nn.Linear(4, 4),
            "norm": lambda: nn.LayerNorm(4),
            "gru": lambda: nn.GRU(4, 4, batch_first=True),
            "attention": lambda: nn.MultiheadAttention(4, 2, batch_first=True),
            "prelu": lambda: nn.PReLU(4),
            "still": lambda: nn.Linear(4, 4).requires_grad_(False),
        }
        self.parts = nn.ModuleList(make[kind]() for kind in kinds)
        self.head = nn.Linear(4, 4)
        self.again = self.head
        for place in tied:
            other = self.parts[place % len(kinds)]
            if isinstance(other, nn.Linear):
                other.weight = self.head.weight

    def forward(self, inputs: Tensor) -> Tensor:
        for part in self.parts:
            if isinstance(part, nn.PReLU):
                inputs = part(inputs.transpose(1, 2)).transpose(1, 2)
            elif isinstance(part, nn.MultiheadAttention):
                inputs = part(inputs, inputs, inputs)[0]
            else:
                given = part(inputs)
                inputs = given[0] if isinstance(given, tuple) else given
        out: Tensor = self.again(self.head(inputs))
        return out


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["linear", "norm", "gru", "attention", "prelu", "still"]), min_size=1, max_size=5),
    st.lists(st.integers(0, 4), max_size=2),
)
def test_every_parameter_is_in_one_row_and_the_sums_add_up(kinds: list[str], tied: list[int]) -> None:
    model = Drawn(kinds, tied)
    coverage = covered(model, torch.randn(2, 3, 4))
    everywhere = dict(model.named_parameters(remove_duplicate=False))
    found = [id(everywhere[name]) for name in names_in_rows(coverage)]
    assert sorted(found) == sorted(id(parameter) for parameter in model.parameters())
    assert sum(row.values for row in coverage.modules) == sum(p.numel() for p in model.parameters())
    assert coverage.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert len({row.name for row in coverage.modules}) == len(coverage.modules)
    assert 0 < coverage.watched <= coverage.trainable
    for row in coverage.modules:
        assert 0 <= row.watched <= row.trainable <= row.values
        assert (row.reason is None) == (row.watched == row.trainable > 0)


def test_coverage_is_that_of_the_beginning_while_layers_are_stopped() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [torch.randn(3, 4)])
    model(torch.randn(3, 4)).sum().backward()
    optimizer.step()
    neq.freeze({"0": torch.ones(4, dtype=torch.bool)})
    assert neq.coverage().fraction == 1.0


@pytest.mark.parametrize("batch_first", [True, False])
@no_step_is_made
def test_attention_fed_with_fewer_keys_than_queries_is_measured(batch_first: bool) -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=batch_first)

        def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
            out: Tensor = self.attention(queries, key=keys, value=keys)[0]
            return out

    torch.manual_seed(0)
    model = Cross()
    probe = {"queries": torch.randn(3, 5, 4), "keys": torch.randn(3, 2, 4)}
    if not batch_first:
        probe = {name: value.transpose(0, 1) for name, value in probe.items()}
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe])
    assert {layer.name: layer.neurons for layer in neq.layers} == {"attention": 12, "attention.out_proj": 4}
    with torch.no_grad():
        model.attention.in_proj_weight[5] *= -1
        model.attention.in_proj_bias[5] *= -1
        model.attention.out_proj.weight[2] *= -1
    found = neq.end_epoch(explain=True).layers
    assert found["attention"].phi.tolist() == pytest.approx([1.0] * 5 + [-1.0] + [1.0] * 6, abs=1e-6)
    own = found["attention.out_proj"].own
    assert own is not None and own.tolist() == pytest.approx([1.0, 1.0, -1.0, 1.0], abs=1e-6)
