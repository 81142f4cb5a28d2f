"""The layers' plans, epoch by epoch, as the API puts them together from what has changed."""

from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient
from torch import nn

from contract.costs import PlanChanges
from db import Store
from neq import NEq
from neq.freeze.plan import LayerPlan
from tests.server.recording import Recording
from trainer.training.costs import CostRecorder

pytestmark = pytest.mark.slow

EPOCHS = 55
NAMES = ("kind", "computed", "reason", "dense_ms", "rows_ms")


class Plans:
    """Plans that change from epoch to epoch, told by the trainer's own account of them."""

    def __init__(self) -> None:
        model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 17), nn.Linear(17, 3))
        self._neq = NEq(model, torch.optim.SGD(model.parameters(), lr=0.1), [torch.zeros(2, 4)], savings="rows")
        self._costs = CostRecorder(model, self._neq, torch.zeros(1, 4))
        self.told: list[list[LayerPlan]] = []

    def __call__(self, epoch: int) -> tuple[None, None, PlanChanges]:
        draw = torch.Generator().manual_seed(epoch // 2)  # every second epoch changes nothing
        shares = torch.randint(3, (3,), generator=draw) / 2
        masks = {
            layer.name: torch.rand(layer.neurons, generator=draw) < share
            for layer, share in zip(self._neq.layers[:2], shares.tolist(), strict=False)
        }
        self._neq.freeze(masks)
        self.told.append(list(self._neq.plans().values()))
        return None, None, self._costs.changes(epoch)


@pytest.fixture
def plans() -> Plans:
    return Plans()


@pytest.fixture
def planned(store: Store, plans: Plans) -> Recording:
    recording = Recording(store, costs=plans)
    recording.start()
    for _ in range(EPOCHS):
        recording.epoch()
    return recording


def ask(client: TestClient, recording: Recording, query: str = "") -> Any:
    answer = client.get(f"/api/v1/runs/{recording.id}/plans{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_epoch_s_plans_come_out_as_they_were(client: TestClient, planned: Recording, plans: Plans) -> None:
    kinds = set()
    for epoch in range(EPOCHS):
        found = ask(client, planned, f"?epoch={epoch}")
        assert found["epoch"] == epoch
        told = [tuple(layer[name] for name in NAMES) for layer in found["layers"]]
        assert told == [tuple(getattr(plan, name) for name in NAMES) for plan in plans.told[epoch]]
        held = [int(planned.applied[layer][epoch].sum()) for layer in range(3)]
        assert [(each["neurons"], each["active"]) for each in found["layers"]] == [
            (neurons, neurons - frozen) for neurons, frozen in zip((5, 17, 3), held, strict=True)
        ]
        kinds |= {layer["kind"] for layer in found["layers"]}
    assert len(kinds) > 2
    assert ask(client, planned) == ask(client, planned, f"?epoch={EPOCHS - 1}")


def test_only_changes_are_stored(store: Store, planned: Recording) -> None:
    told = [event.payload["layers"]["plans"] for event in store.epochs_after(planned.id)]
    assert [epoch for epoch, changes in enumerate(told) if changes["whole"]] == [0, 25, 50]
    assert [len(changes["layers"]) for changes in told[1:12:2]] == [0] * 6
    assert any(0 < len(changes["layers"]) < 3 for changes in told)


def test_a_run_that_tells_no_plans_has_none(client: TestClient, recording: Recording) -> None:
    assert ask(client, recording) == {"epoch": 3, "layers": []}


def test_a_run_without_an_epoch_has_none(client: TestClient, store: Store) -> None:
    recording = Recording(store)
    assert ask(client, recording) == {"epoch": None, "layers": []}


def test_an_epoch_that_is_not_finished_is_refused(client: TestClient, recording: Recording) -> None:
    answer = client.get(f"/api/v1/runs/{recording.id}/plans?epoch=4")
    assert answer.status_code == 422
    assert "4 epochs" in answer.json()["detail"][0]["message"]


def test_what_a_browser_has_is_not_sent_again(client: TestClient, planned: Recording) -> None:
    address = f"/api/v1/runs/{planned.id}/plans?epoch=7"
    tag = client.get(address).headers["etag"]
    assert client.get(address, headers={"if-none-match": tag}).status_code == 304
