"""The pretended GPU follows CUDA's rules, and counts what a GPU would be told."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from tests.pretended.device import GPU, Generator, PretendedTensor, capturing, counted, plain, pretending


@pytest.fixture(autouse=True)
def pretended() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        stack.enter_context(pretending())
        yield stack


def there(*shape: int, **options: bool) -> Tensor:
    return torch.ones(shape, device="cuda", **options)  # type: ignore[call-overload, no-any-return]


WAITS: dict[str, Callable[[Tensor], object]] = {
    "a value is read": lambda x: x.sum().item(),
    "a tensor is asked whether it is true": lambda x: bool(x.sum() > 0),
    "values become a list": lambda x: x.tolist(),
    "two tensors are compared": lambda x: torch.equal(x, x),
    "a number is written at an index": lambda x: x.__setitem__(torch.zeros(1, dtype=torch.int64, device="cuda"), 0),
    "a mask picks values": lambda x: x[x > 0],
    "non-zeros are looked for": lambda x: x.nonzero(),
    "an index lies on the host": lambda x: x[torch.tensor([0])],
    "a list becomes a tensor": lambda x: torch.tensor([1.0], device="cuda"),
    "a tensor of the host is sent": lambda x: torch.ones(2).to("cuda"),
    "it is sent without waiting, but from pageable memory": lambda x: torch.ones(2).to("cuda", non_blocking=True),
    "it is copied into one that is there": lambda x: x.copy_(torch.ones(4, 3)),
    "it is fetched": lambda x: x.cpu(),
    "everything is awaited": lambda x: torch.cuda.synchronize(),
}


@pytest.mark.parametrize("does", WAITS)
def test_the_host_waits_where(does: str) -> None:
    x = there(4, 3)
    counts = counted(lambda: WAITS[does](x))
    assert counts.waits == 1
    with capturing(), pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        WAITS[does](x)


GOES_ON: dict[str, tuple[Callable[[Tensor], object], int]] = {
    "multiplied in place": (lambda x: x.mul_(2), 1),
    "a number is written by its kernel": (lambda x: x.index_fill_(0, torch.zeros_like(x[:1, 0]).long(), 0.0), 3),
    "filled": (lambda x: x.fill_(0), 1),
    "a slice is filled": (lambda x: x.__setitem__(slice(1, 2), 0), 1),
    "written at an index of the device": (
        lambda x: x.__setitem__(torch.arange(2, device="cuda"), torch.zeros((), device="cuda")),
        3,
    ),
    "chosen between two": (lambda x: torch.where(x > 0, x, 2 * x, out=x), 3),
    "masked": (lambda x: x.masked_fill_(x > 0, 0), 2),
    "seen as integers": (lambda x: x.view(torch.int32).t()[None].expand(2, 3, 4), 0),
    "a number of the host joins in": (lambda x: x + torch.tensor(1.0), 1),
    "an empty one is made": (lambda x: torch.empty_like(x), 0),
}


@pytest.mark.parametrize("does", GOES_ON)
def test_the_host_goes_on_and_kernels_are_counted_where_it_is(does: str) -> None:
    run, kernels = GOES_ON[does]
    counts = counted(lambda: run(there(4, 3)))
    assert (counts.waits, counts.kernels) == (0, kernels + 1)  # one makes the tensor


def test_lists_of_one_layout_are_told_at_once_and_others_one_by_one() -> None:
    def of(*layouts: torch.memory_format, count: int) -> list[list[Tensor]]:
        return [
            [torch.ones(2, 3, 4, 4, device="cuda").contiguous(memory_format=m) for _ in range(count)] for m in layouts
        ]

    alike = of(torch.channels_last, torch.channels_last, count=65)
    assert counted(lambda: torch._foreach_mul_(*alike)).kernels == 2  # 64 pairs go into a kernel
    mixed = of(torch.channels_last, torch.contiguous_format, count=5)
    assert counted(lambda: torch._foreach_mul_(*mixed)).kernels == 5
    large = [[torch.empty(65536 * 300, dtype=torch.int8, device="cuda")] * 2] * 2
    assert counted(lambda: torch._foreach_add_(*large)).kernels == 2  # 320 blocks go into a kernel


def test_pinned_memory_is_sent_while_the_host_goes_on() -> None:
    pinned = torch.ones(6).pin_memory()
    counts = counted(lambda: pinned[2:].to("cuda", non_blocking=True))
    assert (counts.waits, counts.copies) == (0, 1)
    assert counted(lambda: pinned.to("cuda")).waits == 1


MIXES: dict[str, Callable[[Tensor, Tensor], object]] = {
    "added": lambda x, host: x + host,
    "multiplied into": lambda x, host: x.mul_(host),
    "a linear layer": lambda x, host: nn.functional.linear(x, host),
    "put beside": lambda x, host: torch.cat([x, host]),
    "a number of the host, stacked": lambda x, host: torch.stack([x[0, 0], host[0, 0]]),
    "the host's is indexed": lambda x, host: host[torch.zeros(1, dtype=torch.int64, device="cuda")],
    "compared": lambda x, host: torch.equal(x, host),
    "given as an array": lambda x, host: x.numpy(),
}


@pytest.mark.parametrize("does", MIXES)
def test_what_mixes_devices_is_refused(does: str) -> None:
    with pytest.raises((RuntimeError, TypeError), match=r"cuda:0|same device"):
        MIXES[does](there(4, 3), torch.ones(4, 3))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 5))


def trained(device: str, kind: Callable[..., Optimizer], **options: bool) -> dict[str, Tensor]:
    model = network()
    optimizer = kind(model.parameters(), lr=0.01, **options)
    model.to(device)
    for seed in range(3):
        inputs = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(seed)).to(device)
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    return {name: plain(value) for name, value in model.state_dict().items()}


@pytest.mark.parametrize("kind", [SGD, AdamW])
@pytest.mark.parametrize("how", ["fused", "foreach"])
def test_training_gives_the_cpus_numbers_to_the_bit(kind: Callable[..., Optimizer], how: str) -> None:
    ours, cpus = trained("cuda", kind, **{how: True}), trained("cpu", kind, **{how: True})
    assert all(torch.equal(value, cpus[name]) for name, value in ours.items())


def test_a_model_goes_there_and_back_with_its_own_parameters() -> None:
    model = network()
    before, owned = copy.deepcopy(model.state_dict()), [id(one) for one in model.parameters()]
    model.cuda()
    assert {one.device for one in (*model.parameters(), *model.buffers())} == {GPU}
    assert all(isinstance(one, nn.Parameter) for one in model.parameters())
    model.cpu()
    assert {one.device.type for one in (*model.parameters(), *model.buffers())} == {"cpu"}
    assert [id(one) for one in model.parameters()] == owned
    assert not any(isinstance(one, PretendedTensor) for one in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_optimizers_take_lists_there_as_on_cuda() -> None:
    model = network().to("cuda")
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert any(name.startswith("_foreach_") for name in counted(optimizer.step).by_kernel)


def test_autocast_for_cuda_computes_in_its_type() -> None:
    with torch.autocast("cuda", torch.bfloat16):
        assert torch.is_autocast_enabled("cuda")
        assert nn.functional.linear(there(2, 3), there(4, 3)).dtype == torch.bfloat16
    assert not torch.is_autocast_enabled("cuda")


def test_a_scaler_for_cuda_leaves_a_step_out_where_a_gradient_is_infinite() -> None:
    model = nn.Linear(3, 2).to("cuda")
    optimizer, scaler = SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cuda")
    before = model.weight.detach().clone()
    scaler.scale(model(there(2, 3)).sum() * float("inf")).backward()
    counts = counted(lambda: scaler.step(optimizer))
    scaler.update()
    assert counts.waits == 1  # torch's own look at what was found
    assert torch.equal(model.weight, before)


def test_generators_and_random_states_are_those_of_the_device() -> None:
    assert torch.Generator(device="cuda").device == GPU
    assert torch.Generator().device.type == "cpu"
    assert isinstance(torch.Generator(), torch.Generator) and torch.Generator is Generator
    lot = torch.Generator(device="cuda").manual_seed(1)
    assert torch.randperm(5, generator=lot, device="cuda").device == GPU


def test_times_are_told_by_events() -> None:
    first, second = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    second.record()
    assert first.elapsed_time(second) >= 0
    assert counted(second.synchronize).waits == 1


def test_afterwards_torch_is_as_it_was(pretended: ExitStack) -> None:
    pretended.close()
    assert not torch.cuda.is_available()
    assert torch.Generator is not Generator
    assert torch.zeros(1).to("cpu").is_cpu
    replaced = (torch.zeros, torch.is_autocast_enabled, torch.Tensor.to, torch.Tensor.new_zeros, torch.random.fork_rng)
    assert not any("pretended" in repr(one) or "<locals>" in repr(one) for one in replaced)
