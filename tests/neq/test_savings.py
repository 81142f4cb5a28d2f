"""What frozen neurons save changes no number: gradients, optimizer states and losses are the same to the bit."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torchvision.models.swin_transformer import SwinTransformerBlock

from bench.kept import kept_bytes
from neq import LayerFilter, NEq
from neq.network.discovery import discover
from neq.network.layers import WatchedLayer
from neq.options import SavingsMode
from neq.savings import Savings


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums on several threads are split by their number and may round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


class Scaled(nn.Linear):
    """A class of the user's own."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "linear": (lambda: nn.Linear(20, 48), (9, 20), "rows"),
    "linear of tokens": (lambda: nn.Linear(20, 48), (3, 5, 20), "rows"),
    "linear of windows": (lambda: nn.Linear(20, 48, bias=False), (3, 2, 5, 20), "rows"),
    "linear without batch": (lambda: nn.Linear(20, 48), (20,), "rows"),
    "conv1d": (lambda: nn.Conv1d(6, 40, 5, stride=2, padding=3), (4, 6, 30), "rows"),
    "conv2d": (lambda: nn.Conv2d(6, 40, 3), (4, 6, 9, 9), "rows"),
    "conv2d strided, dilated": (lambda: nn.Conv2d(6, 40, (3, 2), 2, 3, 2, bias=False), (4, 6, 9, 9), "rows"),
    "conv2d without batch": (lambda: nn.Conv2d(6, 40, 3), (6, 9, 9), "rows"),
    "conv3d": (lambda: nn.Conv3d(3, 40, 3, padding=1), (2, 3, 5, 6, 7), "rows"),
    "conv2d, grouped": (lambda: nn.Conv2d(8, 40, 3, groups=4), (4, 8, 9, 9), "dense"),
    "conv2d, depthwise": (lambda: nn.Conv2d(8, 8, 3, groups=8), (4, 8, 9, 9), "dense"),
    "conv2d, padding same": (lambda: nn.Conv2d(6, 40, 3, padding="same"), (4, 6, 9, 9), "dense"),
    "conv2d, reflecting": (lambda: nn.Conv2d(6, 40, 3, padding=1, padding_mode="reflect"), (4, 6, 9, 9), "dense"),
    "transposed conv1d": (lambda: nn.ConvTranspose1d(6, 40, 3), (4, 6, 9), "dense"),
    "transposed conv2d": (lambda: nn.ConvTranspose2d(6, 40, 3, groups=2), (4, 6, 9, 9), "dense"),
    "transposed conv3d": (lambda: nn.ConvTranspose3d(4, 12, 2), (2, 4, 3, 3, 3), "dense"),
    "batch norm": (lambda: nn.BatchNorm2d(6), (4, 6, 9, 9), "dense"),
    "group norm": (lambda: nn.GroupNorm(2, 6), (4, 6, 9, 9), "dense"),
    "layer norm": (lambda: nn.LayerNorm(20), (4, 20), "dense"),
    "a class of one's own": (lambda: Scaled(20, 48), (9, 20), "dense"),
}


def watched(model: nn.Module, inputs: Tensor) -> tuple[WatchedLayer, ...]:
    training = model.training
    model.eval()
    layers = discover(model, lambda: model(inputs), LayerFilter()).layers
    model.train(training)
    return layers


def optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def random_mask(neurons: int, share: float = 0.5) -> Tensor:
    return torch.rand(neurons) < share


def gradients(run: Callable[[Tensor], Tensor], model: nn.Module, inputs: Tensor) -> dict[str, Tensor | None]:
    """Those of every parameter and of the input, for a loss that weighs every output differently."""
    model.zero_grad()
    leaf = inputs.clone().requires_grad_()
    output = run(leaf)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(7))
    (output.float() * weights).sum().backward()
    return {"input": leaf.grad, **{name: parameter.grad for name, parameter in model.named_parameters()}}


def rows_of(layer: WatchedLayer, gradient: Tensor, neurons: Tensor) -> Tensor:
    return layer.rows(gradient)[layer.place(neurons, gradient)]


def assert_same_gradients(
    model: nn.Module,
    inputs: Tensor,
    masks: dict[str, Tensor],
    expected: dict[str, str],
    run: Callable[[nn.Module, Tensor], Tensor] = lambda model, inputs: model(inputs),
    mode: SavingsMode = "rows",
) -> None:
    """Active rows as torch's own code gives them, frozen ones zero; `expected`: the kinds of plan by layer."""
    plain = copy.deepcopy(model)
    dense = gradients(lambda x: run(plain, x), plain, inputs)
    layers = {layer.name: layer for layer in watched(model, inputs)}
    model.load_state_dict(plain.state_dict())
    savings = Savings(tuple(layers.values()), optimizer(model), mode)
    savings.change(masks)
    found = gradients(lambda x: run(model, x), model, inputs)
    savings.after_step()  # plans are made in the first step
    found = gradients(lambda x: run(model, x), model, inputs)
    assert {name: plan.kind for name, plan in savings.plans().items() if name in expected} == expected
    of_parameter = {id(parameter): layer for layer in layers.values() for parameter in layer.parameters()}
    parameters = dict(model.named_parameters())
    for name, gradient in found.items():
        layer = of_parameter.get(id(parameters.get(name)))
        mask = None if layer is None else masks.get(layer.name)
        whole = dense[name]
        if gradient is None or layer is None or mask is None:
            assert (gradient is None) == (mask is not None and bool(mask.all()))
            assert gradient is None or torch.equal(gradient, whole), name
            continue
        active, frozen = (~mask).nonzero().flatten(), mask.nonzero().flatten()
        assert torch.equal(rows_of(layer, gradient, active), rows_of(layer, whole, active)), name
        if expected.get(layer.name) == "rows":
            assert not rows_of(layer, gradient, frozen).any(), name


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_active_rows_get_the_gradients_of_the_whole_to_the_bit(kind: str, share: float) -> None:
    make, shape, plan = LAYERS[kind]
    model = nn.Sequential(make())
    mask = random_mask(watched(model, torch.randn(shape))[0].neurons, share)
    mask[0], mask[-1] = True, False
    assert_same_gradients(model, torch.randn(shape), {"0": mask}, {"0": plan})


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), ((3, 5), (1, 2))])
@pytest.mark.parametrize("active", [1, 3, 9])
def test_turned_about_a_convolution_computes_no_row_but_the_active_ones(kernel: int, padding: int, active: int) -> None:
    model, inputs = nn.Sequential(nn.Conv2d(16, 16, kernel, padding=padding, bias=False)), torch.randn(8, 16, 9, 9)
    mask = torch.randperm(16) >= active
    assert_same_gradients(copy.deepcopy(model), inputs, {"0": mask}, {"0": "rows"}, mode="transposed")
    with NEq(model, optimizer(model), [inputs], savings="transposed") as neq:
        neq.freeze({"0": mask})
        model(inputs).sum().backward()
        assert neq.plans()["0"].computed == active


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Conv1d(16, 32, 5, padding=4, dilation=2), (4, 16, 30)),
        (lambda: nn.Conv2d(24, 40, 1), (4, 24, 9, 7)),
        (lambda: nn.Conv2d(16, 32, 3, padding=1), (16, 9, 9)),
        (lambda: nn.Conv3d(16, 32, 3, padding=1, bias=False), (2, 16, 5, 6, 7)),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_is_turned_about_only_where_it_has_the_bits_of_the_whole(
    make: Callable[[], nn.Module], shape: tuple[int, ...], share: float, layout: torch.memory_format
) -> None:
    model, inputs = nn.Sequential(make()), torch.randn(shape)
    if layout == torch.channels_last and inputs.dim() == 4:
        model, inputs = model.to(memory_format=layout), inputs.to(memory_format=layout)
    mask = random_mask(model[0].out_channels, share)
    assert_same_gradients(model, inputs, {"0": mask}, {}, mode="transposed")


@pytest.mark.parametrize("kind", LAYERS)
def test_a_whole_frozen_layer_gets_no_gradient_and_passes_its_input_s_on(kind: str) -> None:
    make, shape, _ = LAYERS[kind]
    model = nn.Sequential(make())
    neurons = watched(model, torch.randn(shape))[0].neurons
    assert_same_gradients(model, torch.randn(shape), {"0": torch.ones(neurons, dtype=torch.bool)}, {"0": "stopped"})


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 40, 3, stride=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(40, 24, 1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(24 * 9, 20),
    )


IMAGES = (6, 3, 8, 8)
ROWS = {"0": "rows", "3": "rows", "5": "rows", "8": "rows"}


def half(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    return {layer.name: random_mask(layer.neurons) for layer in watched(copy.deepcopy(model), inputs)}


def test_a_network_with_activations_in_place() -> None:
    model, inputs = convolutions(), torch.randn(IMAGES)
    assert_same_gradients(model, inputs, half(model, inputs), ROWS)


def test_channels_last() -> None:
    model = convolutions().to(memory_format=torch.channels_last)
    inputs = torch.randn(IMAGES).to(memory_format=torch.channels_last)
    assert_same_gradients(model, inputs, half(model, inputs), ROWS)


def test_autocast_to_bfloat16() -> None:
    def run(model: nn.Module, inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return model(inputs)

    model, inputs = convolutions(), torch.randn(IMAGES)
    assert_same_gradients(model, inputs, half(model, inputs), ROWS, run)


def test_gradients_gathered_over_several_passes() -> None:
    def run(model: nn.Module, inputs: Tensor) -> Tensor:
        model(inputs[:2]).sum().backward()
        return model(inputs[2:])

    model, inputs = convolutions(), torch.randn(IMAGES)
    assert_same_gradients(model, inputs, half(model, inputs), ROWS, run)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointed_activations(reentrant: bool) -> None:
    def run(model: nn.Module, inputs: Tensor) -> Tensor:
        first, second = model[:3], model[3:]
        middle = checkpoint(first, inputs, use_reentrant=reentrant)
        return checkpoint(second, middle, use_reentrant=reentrant)

    model, inputs = convolutions(), torch.randn(IMAGES)
    assert_same_gradients(model, inputs, half(model, inputs), ROWS, run)


class Twice(nn.Module):
    """One module called twice, and another module with its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(24, 24), nn.Linear(24, 24)
        self.second.weight = self.first.weight

    def forward(self, inputs: Tensor) -> Tensor:
        return self.second(self.first(self.first(inputs).relu()).relu())


def test_shared_modules_and_weights() -> None:
    model, inputs = Twice(), torch.randn(30, 24)
    assert_same_gradients(model, inputs, {"first": random_mask(24)}, {"first": "rows"})


class Tied(nn.Module):
    """A weight that is used without its module too."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 24)

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.functional.linear(self.layer(inputs).relu(), self.layer.weight)


def test_a_weight_used_without_its_module_has_its_frozen_rows_zeroed() -> None:
    model, inputs = Tied(), torch.randn(30, 24)
    layers = watched(model, inputs)
    with NEq(model, optimizer(model), [inputs], savings="rows") as neq:
        mask = random_mask(24)
        neq.freeze({"layer": mask})
        for _ in range(3):
            found = gradients(model, model, inputs)["layer.weight"]
            assert found is not None
            assert not found[mask].any()
        plan = neq.plans()["layer"]
        assert (plan.kind, plan.computed) == ("dense", 24)
        assert "elsewhere" in plan.reason
    assert_same_gradients(Tied(), inputs, {"layer": torch.zeros(24, dtype=torch.bool)}, {"layer": "untouched"})
    assert len(layers) == 1


def test_a_parametrized_layer_stays_free_and_untouched() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(20, 30)), nn.Linear(30, 4))
    with NEq(model, optimizer(model), [torch.randn(5, 20)]) as neq:
        plan = neq.plans()["0"]
        assert plan.kind == "untouched"
        assert "computed from other parameters" in plan.reason


def test_under_lbfgs_masks_hold_and_nothing_is_saved() -> None:
    model, inputs = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 4)), torch.randn(5, 20)
    optim = torch.optim.LBFGS(model.parameters())
    with NEq(model, optim, [inputs]) as neq:
        mask = random_mask(30)
        neq.freeze({"0": mask, "2": torch.tensor([True, False, False, False])})
        before = model[0].weight.detach().clone()

        def closure() -> Tensor:
            optim.zero_grad()
            loss = model(inputs).square().sum()
            loss.backward()
            return loss

        optim.step(closure)
        changed = (model[0].weight != before).any(1)
        assert not changed[mask].any()
        assert changed[~mask].any()
        assert {plan.kind for plan in neq.plans().values()} == {"dense"}
        assert "LBFGS" in neq.plans()["0"].reason


def test_a_frozen_prefix_keeps_no_graph_and_its_running_statistics_follow() -> None:
    model, inputs = convolutions(), torch.randn(IMAGES)
    optim = optimizer(model)
    with NEq(model, optim, [inputs]) as neq:
        step(model, optim, inputs)
        model.zero_grad()
        neq.freeze({name: torch.ones(layer.neurons, dtype=torch.bool) for name, layer in named(neq, "0", "1", "3")})
        before = model[1].running_mean.clone()
        middle = model[:4](inputs)
        assert middle.grad_fn is None
        assert bool((model[1].running_mean != before).all())
        model[4:](middle).sum().backward()
        assert [name for name, p in model.named_parameters() if p.grad is None] == [
            "0.weight",
            "1.weight",
            "1.bias",
            "3.weight",
            "3.bias",
        ]


def step(model: nn.Module, optim: torch.optim.Optimizer, inputs: Tensor) -> None:
    optim.zero_grad()
    model(inputs).square().sum().mul(1e-3).backward()
    optim.step()


def named(neq: NEq, *names: str) -> list[tuple[str, WatchedLayer]]:
    return [(layer.name, layer) for layer in neq.layers if layer.name in names]


@pytest.mark.parametrize("middle", [nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 8)])
def test_a_frozen_layer_between_moving_ones_does_not_keep_its_input(middle: nn.Module) -> None:
    model = nn.Sequential(nn.Linear(8, 8), middle, nn.Linear(8, 8))
    inputs = torch.randn(2, 8, 8, 8)
    dense = kept_bytes(model, inputs)
    optim = optimizer(model)
    with NEq(model, optim, [inputs]) as neq:
        step(model, optim, inputs)
        neq.freeze({"1": torch.ones(8, dtype=torch.bool)})
        assert kept_bytes(model, inputs) == dense - inputs.nbytes


def test_everything_is_found_again_after_closing() -> None:
    model, inputs = convolutions(), torch.randn(IMAGES)
    model[5].bias.requires_grad_(False)
    flags = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    kinds = [type(module) for module in model.modules()]
    contents = [dict(vars(module)) for module in model.modules()]
    keys = list(model.state_dict())
    optim = optimizer(model)
    neq = NEq(model, optim, [inputs], savings="rows")
    masks = half(model, inputs)
    step(model, optim, inputs)
    masks["1"][:] = True
    neq.freeze(masks)
    assert [type(module) for module in model.modules()] != kinds
    assert [type(module).__name__ for module in model.modules()] == [kind.__name__ for kind in kinds]
    assert [vars(module) for module in model.modules()] == contents
    assert list(model.state_dict()) == keys
    neq.freeze({"3": masks["3"]})
    neq.close()
    assert {name: parameter.requires_grad for name, parameter in model.named_parameters()} == flags
    assert [type(module) for module in model.modules()] == kinds
    assert not any(parameter._post_accumulate_grad_hooks for parameter in model.parameters())


def test_a_copy_of_a_saving_model_is_a_plain_model() -> None:
    model, inputs = convolutions(), torch.randn(IMAGES)
    with NEq(model, optimizer(model), [inputs], savings="rows") as neq:
        neq.freeze(half(model, inputs))
        twin = copy.deepcopy(model)
        assert str(twin) == str(model)
        assert type(twin[0]) is nn.Conv2d
        assert type(model[0]) is not nn.Conv2d
        assert torch.equal(twin(inputs), model(inputs))


def test_hooks_of_a_saving_layer_still_run() -> None:
    model, inputs = convolutions(), torch.randn(IMAGES)
    model[4] = nn.ReLU()  # torch forbids in-place code after a module with a backward hook
    seen: list[str] = []
    model[3].register_forward_hook(lambda *_: seen.append("forward"))
    model[3].register_full_backward_hook(lambda *_: seen.append("backward"))
    with NEq(model, optimizer(model), [inputs], savings="rows") as neq:
        neq.freeze({"3": random_mask(40)})
        seen.clear()
        model(inputs).sum().backward()
    assert seen == ["forward", "backward"]


class Checkpointed(nn.Module):
    """A network whose first part is outside of the checkpoint and whose second is inside."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.stem, self.rest, self.head = nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 4)
        self._reentrant = reentrant

    def forward(self, inputs: Tensor) -> Tensor:
        middle = self.stem(inputs).relu()
        if not self.training:
            return self.head(self.rest(middle).relu())
        middle = checkpoint(lambda x: self.rest(x).relu(), middle, use_reentrant=self._reentrant)
        return self.head(middle)


@pytest.mark.parametrize(("reentrant", "kind"), [(False, "stopped"), (True, "zeros")])
def test_a_frozen_prefix_takes_no_gradient_from_a_checkpointed_part_that_moves(reentrant: bool, kind: str) -> None:
    model, inputs = Checkpointed(reentrant), torch.randn(6, 20)
    optim = optimizer(model)
    with NEq(model, optim, [inputs]) as neq:
        for _ in range(2):
            neq.freeze({"stem": torch.ones(32, dtype=torch.bool)})
            before = [layer.module.weight.detach().clone() for layer in neq.layers]
            step(model, optim, inputs)
            moved = [bool((layer.module.weight != old).any()) for layer, old in zip(neq.layers, before, strict=True)]
            assert moved == [False, True, True]
        assert neq.plans()["stem"].kind == kind


def test_the_projections_of_swin_s_attention_are_computed_by_rows_though_it_calls_no_module_for_them() -> None:
    model = nn.Sequential(SwinTransformerBlock(32, 2, [4, 4], [2, 2]), nn.Linear(32, 40))
    masks = half(model, inputs := torch.randn(2, 8, 8, 32))
    names = ("0.attn.qkv", "0.attn.proj", "0.mlp.0", "0.mlp.3")
    masks["0.attn.proj"] = torch.arange(32) < 20
    masks["0.mlp.3"] = torch.arange(32) > 5
    kind, training = type(model[0].attn), model.train()
    assert_same_gradients(copy.deepcopy(training), inputs, masks, dict.fromkeys(names, "rows"))
    with NEq(model, optimizer(model), [inputs], savings="rows") as neq:
        for frozen in (masks, {"0.attn.qkv": masks["0.attn.qkv"]}, masks):
            neq.freeze(frozen)
            model(inputs).sum().backward()
        assert type(copy.deepcopy(model)[0].attn) is kind
    assert type(model[0].attn) is kind


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6, 20), (3, 5, 20), (3, 2, 5, 20)])
def test_no_gradient_of_a_linear_layer_is_copied_for_a_change_of_a_view(shape: tuple[int, ...], bias: bool) -> None:
    layers = [nn.Linear(20, 48, bias=bias), nn.Linear(48, 8)]
    model = nn.Sequential(*layers)
    inputs = torch.randn(shape, requires_grad=True)
    with NEq(model, optimizer(model), [inputs.detach()], savings="rows") as neq:
        neq.freeze({"0": torch.arange(48) < 24, "1": torch.arange(8) < 4})
        output = model(inputs)
        pending, seen = [output.grad_fn], set()
        while pending:
            node = pending.pop()
            if node is not None:
                seen.add(node.name())
                pending += [following for following, _ in node.next_functions]
    assert "OwnWeightGradientBackward" in seen
    assert "CopySlices" not in seen


def test_what_follows_a_linear_layer_of_tokens_may_overwrite_its_output() -> None:
    inputs = torch.randn(3, 5, 20)
    gradients = []
    for savings in ("rows", False):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(20, 48), nn.ReLU(inplace=True), nn.Linear(48, 48), nn.ReLU(inplace=True))
        with NEq(model, optimizer(model), [inputs], savings=savings) as neq:  # type: ignore[arg-type]
            mask = torch.arange(48) % 2 == 0
            neq.freeze({"0": mask, "2": mask})
            model(inputs).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert one is not None and other is not None
        assert torch.equal(one, other)


def test_while_a_step_is_captured_nothing_is_timed_or_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    # No GPU here: what tells of a capture is replaced, and what a capture would refuse fails.
    model, inputs = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3)), torch.randn(9, 20)
    plain = copy.deepcopy(model)
    dense = gradients(plain, plain, inputs)
    neq = NEq(model, optimizer(model), [inputs], savings="rows")
    frozen = random_mask(64)
    neq.freeze({"0": frozen})
    with monkeypatch.context() as during:
        during.setattr("neq.savings.layer._captured", lambda tensor: True)
        during.setattr("neq.savings.layer.choose", lambda *given: pytest.fail("it was measured"))
        during.setattr("neq.freeze.held.HeldRows._frozen_gradient", lambda held: pytest.fail("it was looked at"))
        captured = gradients(model, model, inputs)
        assert neq.plans()["0"].kind == "undecided"
    for name in ("0.weight", "0.bias"):
        found, wanted = captured[name], dense[name]
        assert found is not None and wanted is not None
        assert torch.equal(found[~frozen], wanted[~frozen])
        assert not found[frozen].any()
    gradients(model, model, inputs)
    assert neq.plans()["0"].kind == "rows"
