"""What the planner asks of a GPU, and what it decides there, on a pretended one."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neq import NEq
from neq.device.timing import Load
from neq.freeze.plan import LayerPlan
from neq.savings import Savings, detour, measuring
from neq.savings.balance import Times, weighed
from neq.savings.choice import NO_MEMORY, WeightGradientTask
from neq.savings.detour import detour_ms
from neq.savings.step_load import StepLoad
from neq.savings.trial import Trial
from tests.pretended.device import GPU, capturing, counted, plain, pretending

pytestmark = pytest.mark.slow

FROZEN = ("0", "2", "5")


@pytest.fixture(autouse=True)
def pretended_gpu() -> Iterator[None]:
    """On one thread, and with nothing known from other tests, nor left for them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    measuring.forget()
    with pretending():
        yield
    measuring.forget()
    torch.set_num_threads(threads)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 40, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(40, 48, 3, padding=1, bias=False),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(48 * 36, 56),
        nn.ReLU(),
        nn.Linear(56, 4),
    )


def masks(model: nn.Sequential, active: int = 17) -> dict[str, Tensor]:
    neurons = {name: model.get_parameter(f"{name}.weight").shape[0] for name in FROZEN}
    return {name: torch.arange(count) >= active for name, count in neurons.items()}


class Run:
    """A network with some frozen neurons that trains on the pretended GPU, or on the CPU."""

    def __init__(self, savings: Any = True, *, device: torch.device = GPU, active: int = 17) -> None:
        self.model = network().to(device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.inputs = torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(1)).to(device)
        self.neq = NEq(self.model, self.optimizer, [self.inputs], savings=savings)
        self.neq.freeze(masks(self.model, active))

    def step(self, scale: float = 1.0) -> None:
        """One step of training."""
        self.optimizer.zero_grad()
        (self.model(self.inputs).square().mean() * scale).backward()
        self.optimizer.step()

    def plans(self) -> list[LayerPlan]:
        """Of the layers with frozen neurons."""
        found = self.neq.plans()
        return [found[name] for name in FROZEN]

    def kinds(self) -> list[str]:
        """Of their plans."""
        return [plan.kind for plan in self.plans()]

    def parameters(self) -> list[Tensor]:
        """On the CPU."""
        return [plain(parameter).detach().clone() for parameter in self.model.parameters()]


@pytest.mark.parametrize(("savings", "waits"), [(True, 3 + 1), ("rows", 1), ("transposed", 1)])
def test_the_first_step_after_a_change_of_the_masks_waits_once_a_shape_and_once_in_all_and_no_later_one_does(
    savings: Any, waits: int
) -> None:
    detour_ms(GPU)
    run = Run(savings)
    first = counted(run.step)
    assert first.waits == waits, first.where
    assert [counted(run.step).waits for _ in range(5)] == [0] * 5
    run.neq.freeze({})
    run.neq.freeze(masks(run.model))
    assert counted(run.step).waits <= 1  # all shapes are known


def test_shapes_that_are_known_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Run()
    first.step()
    monkeypatch.setattr(WeightGradientTask, "run", lambda *given: pytest.fail("it was tried again"))
    again = Run()
    again.step()
    assert set(again.kinds()) <= {"rows", "dense"}


def test_where_rows_are_known_not_to_pay_another_number_of_them_is_not_even_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up(monkeypatch, dense=Load(0.1, 0.01), rows=Load(0.2, 0.01), step=Load(30.0, 5.0))
    first = Run(active=17)
    first.step()
    monkeypatch.setattr(WeightGradientTask, "run", lambda *given: pytest.fail("it was tried again"))
    again = Run(active=18)
    again.step()
    assert first.kinds() == again.kinds() == ["dense"] * 3
    assert {plan.reason for plan in again.plans()} == {"measured on the device 0.20 ms, and 0.10 ms for all rows"}


@pytest.mark.parametrize("savings", ["rows", "transposed"])
def test_rows_come_in_blocks_of_8_and_no_convolution_is_turned_about(
    monkeypatch: pytest.MonkeyPatch, savings: Any
) -> None:
    monkeypatch.setattr("neq.savings.layer.transposed", lambda *given, **more: pytest.fail("transposed"))
    monkeypatch.setattr("neq.savings.choice.transposed", lambda *given, **more: pytest.fail("transposed"))
    for active, computed in ((17, 24), (3, 8), (24, 24)):
        run = Run(savings, active=active)
        run.step()
        run.step()
        assert run.kinds() == ["rows"] * 3
        assert [plan.computed for plan in run.plans()] == [computed] * 3


def test_rows_computed_alone_train_as_all_rows_do() -> None:
    rows, dense, on_cpu = Run("rows"), Run(False), Run(False, device=torch.device("cpu"))
    for run in (rows, dense, on_cpu):
        for _ in range(4):
            run.step()
    assert rows.kinds() == ["rows"] * 3
    for one, other, third in zip(rows.parameters(), dense.parameters(), on_cpu.parameters(), strict=True):
        assert torch.equal(other, third)
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def made_up(monkeypatch: pytest.MonkeyPatch, *, rows: Load, dense: Load, step: Load) -> None:
    monkeypatch.setattr(Trial, "times", lambda trial: Times(dense, rows))
    monkeypatch.setattr(StepLoad, "read", lambda load: step)
    monkeypatch.setattr(measuring, "detour_ms", lambda device: 0.1)


@pytest.mark.parametrize(
    ("step", "kind", "why"),
    [
        (Load(30.0, 5.0), "rows", "0.12 ms more of the host's time; the step is bound by the device"),
        (Load(5.0, 9.0), "dense", "0.12 ms more of the host's time; the step is bound by the host"),
    ],
)
def test_the_side_that_the_step_waits_for_decides_and_is_told(
    monkeypatch: pytest.MonkeyPatch, step: Load, kind: str, why: str
) -> None:
    made_up(monkeypatch, dense=Load(0.11, 0.01), rows=Load(0.08, 0.03), step=step)
    run = Run()
    run.step()
    assert run.kinds() == [kind] * 3
    for plan in run.plans():
        assert plan.reason == f"measured on the device 0.080 ms instead of 0.11 ms, and {why}"
        assert (plan.dense_ms, plan.rows_ms) == (0.11, 0.08)
    classes = [type(run.model[int(name)]) in (nn.Conv2d, nn.Linear) for name in FROZEN]
    assert classes == [kind == "dense"] * 3  # torch's own code again where all rows are computed


@pytest.mark.parametrize("savings", [True, "rows"])
def test_a_layer_that_runs_out_of_memory_while_it_is_tried_computes_all_rows(
    monkeypatch: pytest.MonkeyPatch, savings: Any
) -> None:
    given_back: list[torch.device] = []
    monkeypatch.setattr(measuring, "give_back_unused", given_back.append)
    made_up(monkeypatch, dense=Load(0.9, 0.01), rows=Load(0.2, 0.01), step=Load(30.0, 5.0))
    real = WeightGradientTask.run

    def run_out(task: WeightGradientTask, way: Any, rows: Any) -> Any:
        if task.weight.dim() == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")
        return real(task, way, rows)

    monkeypatch.setattr(WeightGradientTask, "run", run_out)
    run, dense = Run(savings), Run(False)
    for _ in range(3):
        run.step()
        dense.step()
    assert run.kinds() == ["rows", "rows", "dense"]
    assert run.plans()[2].reason == NO_MEMORY.reason
    assert given_back == [GPU]
    for one, other in zip(run.parameters(), dense.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_gradients_that_are_not_finite_decide_nothing_and_the_next_step_tries_anew() -> None:
    run = Run("rows")
    before = copy.deepcopy(run.model.state_dict())
    run.step(torch.inf)
    assert run.kinds() == ["undecided"] * 3
    assert "not finite" in run.plans()[0].reason
    assert not measuring._same
    run.model.load_state_dict(before)
    run.step()
    assert run.kinds() == ["rows"] * 3


def test_a_layer_that_a_step_calls_twice_is_tried_once_and_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def noted(layers: Any, measured: Load) -> Any:
        seen.extend(layer.calls for layer in layers.values())
        return weighed(layers, measured)

    monkeypatch.setattr(measuring, "weighed", noted)
    run = Run()
    for _ in range(2):
        run.model(run.inputs).square().mean().backward()
    run.optimizer.step()
    assert seen == [2, 2, 2]


def test_while_a_step_is_captured_nothing_is_tried_and_the_next_plain_one_makes_up_for_it() -> None:
    run = Run(False)
    savings = Savings(run.neq.layers, run.optimizer)
    run.neq.close()
    savings.change(masks(run.model))

    def step() -> None:
        run.model(run.inputs).square().mean().backward()
        savings.after_step()

    with capturing():
        assert counted(step).by_kernel["sleep"] == 0  # and whatever waits is an error
    assert {savings.plans()[name].kind for name in FROZEN} == {"undecided"}
    step()
    assert {savings.plans()[name].kind for name in FROZEN} <= {"rows", "dense"}


def test_the_detour_of_a_layer_is_measured_without_a_wait_and_draws_no_random_numbers() -> None:
    detour_ms.cache_clear()
    random = torch.get_rng_state()
    found: list[float] = []
    assert counted(lambda: found.append(detour_ms(GPU))).waits == 0
    assert 0 <= found[0] < 50
    assert torch.equal(torch.get_rng_state(), random)


def test_the_detour_is_what_a_layer_with_its_own_gradient_takes_longer_in_the_median(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, rounds = detour._run, iter(range(1000))

    def timed(layer: nn.Module, inputs: Tensor) -> float:
        """3.25 ms for a layer whose forward pass was swapped, 3 ms for one with torch's own; now and then a minute."""
        assert run(layer, inputs) > 0
        return 60_000.0 if next(rounds) % 5 == 0 else 3.25 if type(layer) is not nn.Linear else 3.0

    monkeypatch.setattr(detour, "_run", timed)
    detour_ms.cache_clear()
    assert detour_ms(GPU) == 0.25
    detour_ms.cache_clear()
