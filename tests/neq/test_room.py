"""Portions by free memory, and what becomes of a portion for which memory runs out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import Equilibrium, NEq, NEqError
from neq.device import free_memory as room
from neq.measure.probing import preserve_state
from tests.neq.marks import no_step_is_made
from tests.pretended.device import counted, pretending

pytestmark = pytest.mark.slow

MB, GB = 2**20, 2**30
CUDA = torch.device("cuda", 0)


@pytest.fixture
def gpu() -> Iterator[None]:
    with pretending():
        yield


@pytest.fixture
def free(gpu: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Says how much of the GPU's 80 GB is free."""

    def say(free: int) -> None:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (free, 80 * GB))

    return say


@pytest.mark.parametrize(
    ("free_bytes", "expected"),
    [(64 * GB, GB), (8 * GB, GB), (4 * GB, 512 * MB), (5 * GB, 512 * MB), (2 * GB, 256 * MB), (0, 1)],
)
def test_a_portion_takes_a_share_of_what_is_free_on_the_gpu(
    free: Callable[[int], None], free_bytes: int, expected: int
) -> None:
    free(free_bytes)
    assert room.portion_bytes(CUDA) == expected


def test_what_torch_holds_unused_is_free(free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    free(GB)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device=None: 5 * GB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device=None: 2 * GB)
    assert room.free_bytes(CUDA) == 4 * GB


def test_deterministic_runs_have_portions_that_do_not_depend_on_what_is_free(
    free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    sizes = set()
    for free_bytes in (0, GB, 64 * GB):
        free(free_bytes)
        sizes.add(room.portion_bytes(CUDA))
    assert sizes == {GB}


def test_a_device_that_does_not_tell_gets_the_largest_portions(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(device: object = None) -> tuple[int, int]:
        raise RuntimeError("not supported")

    monkeypatch.setattr(torch.cuda, "mem_get_info", silent)
    assert room.free_bytes(CUDA) is None
    assert room.portion_bytes(CUDA) == GB


def test_a_cpu_has_portions_that_fit_its_caches() -> None:
    assert room.portion_bytes(torch.device("cpu")) == 64 * MB
    assert room.free_bytes(torch.device("cpu")) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_SUBLIBRARY_ALLOC_ERROR"), True),
        (RuntimeError("GET was unable to find an engine to execute this computation"), True),
        (RuntimeError("FIND was unable to find an engine to execute this computation"), True),
        (RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasSgemm(…)`"), False),
        (RuntimeError("HIP error: hipErrorOutOfMemory"), True),
        (RuntimeError("CUDA error: cudaErrorMemoryAllocation"), True),
        (RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"), True),
        (RuntimeError("level_zero backend failed with error: 38 (UR_RESULT_ERROR_OUT_OF_HOST_MEMORY)"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("unable to mmap 4096 bytes: Cannot allocate memory (12)"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("CUDA Error: Out Of Memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_known_by_class_and_by_words(error: Exception, expected: bool) -> None:
    assert room.is_out_of_memory(error) is expected


class Small(nn.Module):
    """Takes so many samples at once and no more, and says how many it was given."""

    def __init__(self, wide: int = 6) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm, self.second = nn.Linear(5, wide), nn.BatchNorm1d(wide), nn.Linear(wide, 3)
        self.room = {"most": 1_000}  # no plain number, which last epoch's network would have as it was then
        self.calls: list[int] = []

    @property
    def most(self) -> int:
        return self.room["most"]

    @most.setter
    def most(self, samples: int) -> None:
        self.room["most"] = samples

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.norm(self.first(inputs))
        self.calls.append(len(inputs))
        if len(inputs) > self.most and not self.training:  # in the middle: one layer was compared already
            raise torch.OutOfMemoryError("CUDA out of memory.")
        out: Tensor = self.second(hidden.relu())
        return out


BATCH = torch.randn(24, 5, generator=torch.Generator().manual_seed(2))


def course(
    device: str, way: str, most: dict[int, int] | None = None, *, explain: bool = False, epochs: int = 4
) -> tuple[list[Equilibrium], list[list[int]]]:
    """Some epochs, seeded, and the calls of each one's measuring.

    Args:
        most: how many samples fit from an epoch on.
    """
    model = Small().to(device)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    with NEq(model, optimizer, [BATCH.to(device)], epsilon=0.05, measure=way) as neq:  # type: ignore[arg-type]
        found, calls = [], []
        for epoch in range(epochs):
            optimizer.zero_grad()
            model(BATCH.to(device)).square().mean().backward()
            optimizer.step()
            model.most = (most or {}).get(epoch, model.most)
            model.calls = []
            found.append(neq.end_epoch(explain=explain))
            calls.append(list(model.calls))
    return found, calls


def assert_close(first: list[Equilibrium], second: list[Equilibrium], *, to_the_bit: bool = False) -> None:
    """Equal φ, and what follows from it."""
    tolerance = 0.0 if to_the_bit else 1e-6
    for one, other in zip(first, second, strict=True):
        for name, layer in one.layers.items():
            assert torch.allclose(layer.phi, other.layers[name].phi, rtol=0, atol=tolerance)
            assert torch.equal(layer.frozen, other.layers[name].frozen)
            if layer.own is not None and other.layers[name].own is not None:
                assert torch.allclose(layer.own, other.layers[name].own, rtol=0, atol=tolerance)


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_a_portion_that_does_not_fit_is_measured_in_halves(gpu: None, way: str, explain: bool) -> None:
    whole, calls = course("cuda", way, explain=explain)
    assert set(calls[1]) == {24}
    halved, calls = course("cuda", way, {1: 7}, explain=explain)
    assert_close(whole, halved)
    assert [size for size in calls[1] if size <= 7] and max(calls[2]) <= 7  # found out once
    assert not any(size > 7 for epoch in calls[2:] for size in epoch)


def test_a_cache_is_filled_anew_in_portions_that_fit(gpu: None) -> None:
    _, calls = course("cuda", "cached", {1: 7})
    assert calls[3] == [6, 6, 6, 6]  # today's network alone: what was kept is in portions of this size again


def test_a_cache_that_was_begun_in_larger_portions_is_filled_from_its_beginning(gpu: None) -> None:
    found = []
    for way in ("streaming", "cached"):
        model = Small().to("cuda")
        optimizer = SGD(model.parameters(), lr=0.1)
        probe = [BATCH[:10].cuda(), BATCH.cuda()]
        neq = NEq(model, optimizer, probe, measure=way, select="none")  # type: ignore[arg-type]
        optimizer.zero_grad()
        model(BATCH.cuda()).square().mean().backward()
        optimizer.step()
        model.most = 10  # the first batch fits as it is, the second in portions of six
        neq.load_state_dict(neq.state_dict())
        found.append(neq.end_epoch())
        neq.close()
    assert_close(found[:1], found[1:])


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_memory_that_never_suffices_is_told_with_a_remedy_and_decides_nothing(gpu: None, way: str) -> None:
    model = Small().to("cuda")
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [BATCH.cuda()], measure=way, select="none")  # type: ignore[arg-type]
    before = outputs(model)
    optimizer.zero_grad()
    model(BATCH.cuda()).square().mean().backward()
    optimizer.step()
    model.most = 0
    with pytest.raises(
        NEqError, match=r"memory ran out while φ was measured on 24 of the .* samples.*make room"
    ) as caught:
        neq.end_epoch()
    assert type(caught.value).__name__ == "ProbeDoesNotFit"
    model.most = 1_000
    expected = nn.functional.cosine_similarity(outputs(model), before, dim=1)
    found = neq.end_epoch()
    assert found.epoch == 0
    assert torch.allclose(found.layers["second"].phi.double(), expected, rtol=0, atol=1e-6)


def test_memory_that_does_not_suffice_for_one_sample_is_told(gpu: None) -> None:
    with pytest.raises(NEqError, match="measured on a single sample of the probe set"):
        course("cuda", "streaming", {1: 7, 2: 0})


def outputs(model: Small) -> Tensor:
    """float64 (neurons, samples) of the last layer in eval mode."""
    training = model.training
    model.eval()
    with torch.no_grad():
        out: Tensor = model(BATCH.to(next(model.parameters()).device)).cpu().double().T
    model.train(training)
    return out


def test_a_callers_own_batch_that_does_not_fit_is_not_taken_apart(gpu: None) -> None:
    model = Small().to("cuda")
    optimizer = SGD(model.parameters(), lr=0.1)
    forward: Any = lambda model, batch: model(batch)  # noqa: E731
    neq = NEq(model, optimizer, [BATCH.cuda()], forward=forward, measure="streaming", select="none")
    model(BATCH.cuda()).sum().backward()
    optimizer.step()
    model.most = 4
    with pytest.raises(NEqError, match="measured on a batch of the probe set"):
        neq.end_epoch()


@no_step_is_made
def test_portions_follow_what_is_free_from_epoch_to_epoch(
    free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    free(64 * GB)
    model = Small(wide=97).to("cuda")  # 4 × (97 + 97 + 3) bytes a sample
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH.cuda()], measure="streaming", select="none")
    seen = []
    for free_bytes in (64 * GB, 8 * 8192, 0, 64 * GB):
        free(free_bytes)
        model.calls = []
        neq.end_epoch()
        seen.append(max(model.calls[-3:]))
    assert seen == [24, 10, 4, 24]


@no_step_is_made
def test_processes_take_the_portions_of_the_one_with_the_least_memory(
    free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Small().to("cuda")
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH.cuda()], measure="streaming", select="none")
    told: list[int] = []

    def least(tensor: Tensor, operation: object, group: object) -> None:
        told.append(int(tensor))
        assert operation == torch.distributed.ReduceOp.MIN
        tensor.fill_(5)

    monkeypatch.setattr(torch.distributed, "all_reduce", least)
    neq._measure.make_room(object())  # type: ignore[arg-type]
    assert told == [GB // (4 * (6 + 6 + 3))]
    model.calls = []
    neq.end_epoch()  # alone again
    assert max(model.calls) == 24
    neq._measure.make_room(object())  # type: ignore[arg-type]
    with preserve_state(model):
        assert [len(portion) for portion in neq._measure._portions.of(BATCH.cuda())] == [5, 5, 5, 5, 4]


def test_what_is_cached_keeps_its_portions(free: Callable[[int], None]) -> None:
    whole, _ = course("cuda", "cached")
    free(8 * 8192)
    assert_close(whole, course("cuda", "cached")[0])


@pytest.mark.parametrize("way", ["cached", "auto"])
def test_outputs_wait_in_the_machines_memory_where_the_gpu_is_small(free: Callable[[int], None], way: str) -> None:
    streamed, _ = course("cuda", "streaming")
    there, _ = course("cuda", way)
    free(3_000)  # a quarter of it is less than the outputs take
    model = Small().to("cuda")
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH.cuda()], measure=way, select="none")  # type: ignore[arg-type]
    assert neq.caches and neq.memory().outputs_on_host
    kept = [buffer for outputs in neq._measure.cache or () for every in outputs._buffers.values() for buffer in every]
    assert kept and all(buffer.device.type == "cpu" and buffer.is_pinned() for buffer in kept)
    assert neq.memory().outputs == sum(buffer.nbytes for buffer in kept)
    away, _ = course("cuda", way)
    assert_close(there, away)
    free(64 * GB)
    assert_close(streamed, there, to_the_bit=True)


def test_outputs_from_the_machines_memory_give_the_same_numbers_to_the_bit(
    free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, _ = course("cuda", "cached")
    monkeypatch.setattr("neq.measure.output_cache.DEVICE_SHARE", 2**40)  # nothing may stay, and portions are the same
    away, _ = course("cuda", "cached")
    assert_close(there, away, to_the_bit=True)
    assert any(epoch.frozen_fraction for epoch in there)


@no_step_is_made
def test_outputs_come_from_the_machines_memory_and_go_there_without_a_wait(
    gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for share in (4, 2**60):
        monkeypatch.setattr("neq.measure.output_cache.DEVICE_SHARE", share)
        model = Small().to("cuda")
        neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH.cuda()], measure="cached", select="none")
        neq.end_epoch()
        counts.append(counted(neq.end_epoch))
    there, away = counts
    assert away.waits == there.waits
    assert away.copies - there.copies == 2 * 3  # of each layer's outputs, there and back


def test_where_filling_the_cache_takes_all_memory_it_goes_to_the_machine(
    gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Small().to("cuda")
    real = Small.forward
    tried: list[int] = []

    def forward(self: Small, inputs: Tensor) -> Tensor:
        tried.append(len(inputs))
        if len(tried) == 3:  # the second batch, when the cache is filled
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(self, inputs)

    monkeypatch.setattr(Small, "forward", forward)
    probe = [BATCH[:12].cuda(), BATCH[12:].cuda()]
    neq = NEq(model, SGD(model.parameters(), lr=0.1), probe, measure="cached", select="none", checks="off")
    assert tried == [12, 12, 12, 12]  # the first batch is looked at, and then both, the second twice
    assert neq.caches and neq.memory().outputs_on_host, tried
