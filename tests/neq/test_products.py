"""φ is measured in float32, or in TF32 where that is asked for, whatever torch's switches say; they are put back."""

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import NEq
from neq.device.tf32 import products_in
from tests.neq.marks import no_step_is_made
from tests.pretended.device import pretending

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")


def newer() -> dict[str, str]:
    backends: Any = torch.backends
    places = {
        "matmul": backends.cuda.matmul,
        "conv": backends.cudnn.conv,
        "rnn": backends.cudnn.rnn,
        "cpu matmul": backends.mkldnn.matmul,
        "cpu conv": backends.mkldnn.conv,
    }
    return {name: place.fp32_precision for name, place in places.items()}


def readable(name: str) -> object:
    try:
        return torch.get_float32_matmul_precision() if name == "matmul" else torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return "mixed"


def switches() -> dict[str, object]:
    """All that can be read of TF32."""
    return newer() | {"older matmul": readable("matmul"), "older conv": readable("conv")}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = newer()
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = True
    backends: Any = torch.backends
    backends.cuda.matmul.fp32_precision = before["matmul"]
    backends.cudnn.conv.fp32_precision, backends.cudnn.rnn.fp32_precision = before["conv"], before["rnn"]
    backends.mkldnn.matmul.fp32_precision = before["cpu matmul"]


SETTINGS = {
    "torch's own": lambda: None,
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "older off": lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
    "newer matmul": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
    "newer conv": lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "ieee"),
}


@pytest.mark.parametrize(("products", "setting"), list(itertools.product(["float32", "tf32"], SETTINGS)))
@pytest.mark.filterwarnings("ignore:Please use the new API")
def test_torchs_switches_say_what_is_asked_and_are_put_back(products: Any, setting: str) -> None:
    SETTINGS[setting]()
    before = switches()
    with products_in(products, CUDA):
        inside = switches()
        expected = {"tf32"} if products == "tf32" else {"ieee", "none"}
        assert {inside[name] for name in ("matmul", "conv", "rnn")} <= expected
        for older in ("older matmul", "older conv"):  # whoever reads these meanwhile meets no error, or the same one
            assert (inside[older] == "mixed") <= (before[older] == "mixed")
    assert switches() == before


def test_a_cpu_measures_in_float32_where_its_owner_lets_it_round_to_bfloat16() -> None:
    torch.set_float32_matmul_precision("medium")
    before = switches()
    for products in ("float32", "tf32"):
        with products_in(products, CPU):  # type: ignore[arg-type]
            assert newer()["cpu matmul"] in ("ieee", "none")
            assert newer()["matmul"] == "tf32"  # a GPU's are left alone
        assert switches() == before


def test_on_a_cpu_nothing_is_set_where_nothing_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_float32_matmul_precision", pytest.fail)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with products_in("float32", CPU):
            pass


class Asking(nn.Module):
    """Notes how products are computed while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.seen: set[str] = set()

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training:
            self.seen |= {newer()["matmul"], newer()["conv"]}
        out: Tensor = self.layer(inputs)
        return out


@no_step_is_made
@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize(("asked", "expected"), [("float32", "ieee"), ("tf32", "tf32")])
def test_phi_is_measured_in_the_precision_that_was_asked_for(asked: Any, expected: str, way: Any) -> None:
    with pretending():
        model = Asking().to("cuda")
        torch.set_float32_matmul_precision("high" if asked == "float32" else "highest")
        before = switches()
        neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(5, 4).cuda()], phi_precision=asked, measure=way)
        model.seen.clear()
        neq.end_epoch(explain=True)
        assert model.seen == {expected}
        assert switches() == before


def test_an_unknown_precision_of_phi_is_refused() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="phi_precision is 'bf16'; choose one of float32, tf32"):
        NEq(model, SGD(model.parameters(), lr=0.1), [torch.ones(2, 3)], phi_precision="bf16")  # type: ignore[arg-type]
