"""What is known of a run before it is launched: refused at its field, or launched with a warning."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.config.overlay import laid_over
from db import Store
from server.schemas import Check, Run
from tests.server.checking import SMALL_CPU, has_worker

pytestmark = pytest.mark.slow

RUNS, CHECKS = "/api/v1/runs", "/api/v1/checks"
QUICK: dict[str, Any] = {
    "data": {"kind": "fashion-mnist-mini", "train_samples": 300},
    "schedule": {"kind": "constant"},
    "training": {"epochs": 3},
    "neq": {"probe": {"kind": "split", "samples": 50}},
}
"""A run about which there is nothing to say."""
EIGHT_PIXELS = {"kind": "synthetic", "size": 8, "classes": 10, "train_samples": 1000}


def of_torchvision(name: str, **more: Any) -> dict[str, Any]:
    return {"model": {"kind": "torchvision", "name": name, **more}}


REFUSED = [
    # what was accepted, and failed 8 to 50 seconds later
    (
        {"neq": {"probe": {"kind": "test", "samples": 50_000}}},
        "neq.probe.samples",
        "2,000 test images: choose at most 2,000",
    ),
    (
        {"data": EIGHT_PIXELS, "model": {"kind": "cnn", "channels": [4] * 20}},
        "model.channels",
        "at most 8 convolutions",
    ),
    (of_torchvision("vit_b_16"), "model.name", "a multiple of 16 px, and these images have 28 × 28 px"),
    (of_torchvision("alexnet"), "model.name", "set model.input_size to 224"),
    (of_torchvision("inception_v3"), "model.name", "at least 75 × 75 px"),
    ({"data": {"kind": "cifar10"}, "model": {"kind": "resnet-cifar"}}, "data.kind", "set NEQ_DOWNLOAD=yes"),
    ({"data": {"kind": "image-folder", "folder": "cats", "size": 64}}, "data.folder", "There is no folder 'cats'"),
    ({"compute": {"device": "cuda"}}, "compute.device", "no GPU that torch can use"),
    (of_torchvision("resnet18", weights="default"), "model.weights", "resnet18-f37072fd.pth are not on the worker"),
    ({"recipe": "foo"}, "recipe", "There is no recipe 'foo'; choose one of paper-resnet32-sgd"),
    # siblings
    ({"recipe": "paper-resnet32-sdg"}, "recipe", "did you mean paper-resnet32-sgd?"),
    ({"data": {"kind": "imagenet"}}, "data.kind", "ImageNet is not in the worker's data folder"),
    ({"data": {"kind": "mnist"}}, "data.kind", "MNIST is not in"),
    ({"schedule": {"kind": "cosine", "warmup": 100, "warmup_unit": "steps"}}, "schedule.warmup", "none of the run's 9"),
    (
        {"data": {**EIGHT_PIXELS, "size": 256, "channels": 16, "train_samples": 1_000_000}},
        "data.train_samples",
        "4.2 TB",
    ),
    ({"model": {"kind": "mlp", "hidden": [16_384] * 20}}, "model.hidden", "choose a smaller network"),
    (of_torchvision("vit_b_16", input_size=100), "model.input_size", "a multiple of 16"),
    (
        {
            "data": {"kind": "synthetic-segmentation"},
            "model": {"kind": "torchvision-segmentation", "name": "deeplabv3_resnet50", "weights": "backbone"},
        },
        "model.weights",
        "resnet50-0676ba61.pth",
    ),
]


@pytest.mark.parametrize(("changed", "field", "words"), REFUSED)
def test_what_fails_on_every_living_worker_is_refused_at_its_field(
    client: TestClient, store: Store, changed: dict[str, Any], field: str, words: str
) -> None:
    has_worker(store)
    answer = client.post(RUNS, json=QUICK | changed)
    assert answer.status_code == 422
    said = {each["field"]: each["message"] for each in answer.json()["detail"]}
    assert list(said) == [field]
    assert words in said[field]
    assert store.runs().items == []
    looked_over = Check.model_validate_json(client.post(CHECKS, json=QUICK | changed).content)
    assert (looked_over.state, looked_over.id) == ("refused", None)
    assert [(each.field, each.message) for each in looked_over.errors] == [(field, said[field])]
    assert field not in [each.field for each in looked_over.warnings]  # which would say that it works after all


DOUBTFUL = [
    (
        {"training": {"epochs": 3, "batch_size": 60_000}},
        "training.batch_size",
        "All 250 training images are",
    ),
    (
        {"schedule": {"kind": "multistep", "milestones": [100, 200]}},
        "schedule.milestones",
        "100, 200 are never",
    ),
    ({"neq": {"warmup": 400}}, "neq.warmup", "the first mask would apply in epoch 400"),
    ({"compute": {"precision": "fp16"}}, "compute.precision", "slower than float32"),
    ({"compute": {"precision": "bf16"}}, "compute.precision", "slower than float32"),
    ({"training": {"epochs": 1}}, "training.epochs", "Nothing will freeze"),
    ({"optimizer": {"kind": "sgd", "learning_rate": 10}}, "optimizer.learning_rate", "probably diverge"),
    # siblings
    ({"optimizer": {"kind": "adam", "learning_rate": 0.5}}, "optimizer.learning_rate", "unusually high for Adam"),
    ({"checkpoints": {"every_n_epochs": 50}}, "checkpoints.every_n_epochs", "the run has 3 epochs in all"),
    ({"schedule": {"kind": "step", "step_size": 30}}, "schedule.step_size", "never drops"),
    ({"schedule": {"kind": "cosine", "warmup": 2}}, "schedule.warmup", "2 of 3 epochs"),
    (
        {"training": {"epochs": 3, "gradient_accumulation_steps": 50}},
        "training.gradient_accumulation_steps",
        "An epoch has 3 batches",
    ),
    ({"neq": {"probe": {"kind": "split", "samples": 3}}}, "neq.probe.samples", "at least one per class"),
    ({"neq": {"probe": {"kind": "fraction", "fraction": 0.001}}}, "neq.probe.fraction", "1 probe image of 10 classes"),
    ({"neq": {"epsilon": 0}}, "neq.epsilon", "no |v| is below it"),
    (
        {"neq": {"select": {"kind": "topk", "fraction": 0}}},
        "neq.select.fraction",
        "the fraction of neurons to freeze is 0",
    ),
    ({"neq": {"select": {"kind": "topk", "fraction": 1}}}, "neq.select.fraction", "every neuron is frozen"),
    ({"data": {**EIGHT_PIXELS, "classes": 50, "test_samples": 20}}, "data.test_samples", "never tested"),
]


@pytest.mark.parametrize(("changed", "field", "words"), DOUBTFUL)
def test_what_only_smells_is_launched_with_a_warning(
    client: TestClient, store: Store, changed: dict[str, Any], field: str, words: str
) -> None:
    has_worker(store)
    answer = client.post(RUNS, json=laid_over(QUICK, changed))
    assert answer.status_code == 201
    run = Run.model_validate_json(answer.content)
    assert [each.field for each in run.warnings] == [field]
    assert words in run.warnings[0].message
    assert store.run(run.id).warnings == ({"field": field, "message": run.warnings[0].message},)


def test_a_usual_run_has_no_warning(client: TestClient, store: Store) -> None:
    has_worker(store)
    assert client.post(RUNS, json=QUICK).json()["warnings"] == []
    assert client.post(RUNS, json={}).json()["warnings"] == []


def test_it_is_enough_that_one_living_worker_can_train_it(client: TestClient, store: Store) -> None:
    has_worker(store)
    body = QUICK | {"data": {"kind": "cifar10"}, "model": {"kind": "resnet-cifar"}}
    assert client.post(RUNS, json=body).status_code == 422
    able = has_worker(store, sets=["cifar10"])
    assert client.post(RUNS, json=body).status_code == 201
    asked = client.post(CHECKS, json=body).json()
    assert asked["state"] == "pending"
    assert store.check(asked["id"]).workers == (able,)


def test_without_a_worker_it_queues_and_says_so(client: TestClient) -> None:
    body = QUICK | {"data": {"kind": "cifar10"}, "model": {"kind": "resnet-cifar"}}
    answer = client.post(RUNS, json=body)
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert (warning["field"], "No worker is running" in warning["message"]) == ("", True)
    assert client.get(f"{RUNS}/{answer.json()['id']}").json()["warnings"] == [], "a worker may have come since"
    assert client.post(CHECKS, json=body).json()["state"] == "no_worker"


def test_what_no_worker_could_train_is_refused_without_one_too(client: TestClient) -> None:
    body = QUICK | {"neq": {"probe": {"kind": "test", "samples": 50_000}}}
    assert client.post(RUNS, json=body).json()["detail"][0]["field"] == "neq.probe.samples"


def test_a_worker_that_has_not_said_what_it_has_may_have_everything(client: TestClient, store: Store) -> None:
    store.register_worker(name="w", host="h", pid=1, device="auto", slots=1)
    assert client.post(RUNS, json=QUICK | {"data": {"kind": "cifar10"}}).status_code == 201


def test_what_may_be_downloaded_is_not_missing_but_told(client: TestClient, store: Store) -> None:
    has_worker(store, may_download=True)
    body = QUICK | {"data": {"kind": "cifar10"}, "model": {"kind": "resnet-cifar"}}
    (warning,) = client.post(RUNS, json=body).json()["warnings"]
    assert warning == {
        "field": "data.kind",
        "message": "CIFAR-10 is not on the worker yet; it will be downloaded when the run starts",
    }


def test_a_folder_is_known_by_what_lies_in_it(client: TestClient, store: Store) -> None:
    folders = [
        {"name": "cats", "masks": False, "classes": 1, "train": 9},
        {"name": "pets", "masks": False, "classes": 2, "train": 40, "test": 10},
    ]
    has_worker(store, folders=folders)

    def said(**data: Any) -> dict[str, str]:
        answer = client.post(CHECKS, params={"dry_pass": False}, json=QUICK | {"data": data})
        return {each["field"]: each["message"] for each in answer.json()["errors"]}

    assert "one of cats, pets" in said(kind="image-folder", folder="dogs")["data.folder"]
    assert "has 1 class folder" in said(kind="image-folder", folder="cats")["data.folder"]
    masks = {
        "data": {"kind": "mask-folder", "folder": "pets", "classes": 3},
        "model": {"kind": "torchvision-segmentation"},
        "neq": {"probe": {"kind": "split", "samples": 10}},
    }
    (wrong,) = client.post(CHECKS, json=masks).json()["errors"]
    assert (wrong["field"], "contains no masks" in wrong["message"]) == ("data.folder", True)
    # 50 probe images of 40: QUICK holds back more than there are
    assert "of 40 leave too few" in said(kind="image-folder", folder="pets")["neq.probe.samples"]


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 422),
        ({"seconds_ago": 0}, 422),
        ({"seconds_ago": 3600}, 201),
        ({"folders_complete": False}, 201),
        ({"seconds_ago": 0, "folders_complete": False}, 201),
    ],
)
def test_a_folder_is_missing_only_where_a_complete_and_fresh_list_lacks_it(
    client: TestClient, store: Store, said: dict[str, Any], status: int
) -> None:
    looked_at = {"looked_at": ago(said["seconds_ago"])} if "seconds_ago" in said else {}
    has_worker(store, folders=[{"name": "cats"}], **looked_at, **said)
    body = QUICK | {"data": {"kind": "image-folder", "folder": "dogs", "size": 32}}
    assert client.post(RUNS, json=body).status_code == status
    assert client.post(CHECKS, json=body).json()["state"] == ("refused" if status == 422 else "pending")


def test_the_time_of_a_look_asks_for_no_new_trial(client: TestClient, store: Store) -> None:
    worker = has_worker(store, looked_at=ago(1))
    first = client.post(CHECKS, json=QUICK).json()["id"]
    store.describe_worker(worker, SMALL_CPU | {"looked_at": ago(0)})
    assert client.post(CHECKS, json=QUICK).json()["id"] == first


def test_a_trial_that_nobody_answers_is_said_to_be_without_answer(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = has_worker(store)
    asked = client.post(CHECKS, json=QUICK).json()
    assert asked["state"] == "pending"
    with monkeypatch.context() as later:
        later.setattr("server.routes.checks.ANSWER_SECONDS", -1)
        for _ in range(2):  # waiting, and taken by a worker
            found = client.get(f"{CHECKS}/{asked['id']}").json()
            assert (found["state"], "No worker responded within" in found["reason"]) == ("unknown", True)
            store.claim_check(worker)
    store.answer_check(asked["id"], worker, "ok", {"seconds": 0.5})
    assert client.get(f"{CHECKS}/{asked['id']}").json()["state"] == "ok"


def test_what_is_not_utf_8_in_what_a_worker_says_can_be_read(client: TestClient, store: Store) -> None:
    worker = has_worker(store, folders=[{"name": "caf\udce9"}], weights=["\udcff.pth"])
    health = client.get("/api/v1/health")
    assert (health.status_code, health.json()["workers"][0]["capabilities"]["weights"]) == (200, ["\\xff.pth"])
    assert client.post(RUNS, json=QUICK | {"data": {"kind": "image-folder", "folder": "x"}}).status_code == 422
    asked = client.post(CHECKS, json=QUICK).json()["id"]
    store.claim_check(worker)
    store.answer_check(asked, worker, "failed", {"errors": [{"field": "", "message": "No file caf\udce9.png"}]})
    found = client.get(f"{CHECKS}/{asked}")
    assert (found.status_code, found.json()["errors"][0]["message"]) == (200, "No file caf\\xe9.png")


def test_the_workers_say_what_they_have_in_health(client: TestClient, store: Store) -> None:
    gpu = {"name": "NVIDIA H200", "memory_bytes": 150_000_000_000, "number": 1}
    has_worker(store, sets=["cifar10"], gpus=[gpu])
    store.register_worker(name="silent", host="h", pid=1, device="auto", slots=1)
    first, second = client.get("/api/v1/health").json()["workers"]
    assert (first["capabilities"]["sets"], second["capabilities"]) == (["cifar10"], None)
    assert first["capabilities"]["gpus"] == [gpu]


def test_a_trial_is_asked_of_a_worker_and_its_answer_found_under_its_id(client: TestClient, store: Store) -> None:
    worker = has_worker(store)
    body = QUICK | {"neq": {"layers": {"only": ["nosuch*"]}, "probe": {"kind": "split", "samples": 50}}}
    asked = client.post(CHECKS, json=body).json()
    assert asked["state"] == "pending"
    assert client.get(f"{CHECKS}/{asked['id']}").json()["state"] == "pending"
    taken = store.claim_check(worker)
    assert taken is not None
    said = {"errors": [{"field": "neq.layers.only", "message": "No layer is called nosuch*"}], "seconds": 0.5}
    store.answer_check(taken.id, worker, "failed", said)
    found = Check.model_validate_json(client.get(f"{CHECKS}/{asked['id']}").content)
    assert (found.state, found.worker, found.seconds) == ("failed", "w", 0.5)
    assert [(each.field, each.message) for each in found.errors] == [("neq.layers.only", "No layer is called nosuch*")]
    assert client.post(CHECKS, json=body).json() == found.model_dump(mode="json")


def test_a_name_asks_for_no_new_trial(client: TestClient, store: Store) -> None:
    has_worker(store)
    first = client.post(CHECKS, json=QUICK | {"name": "one", "tags": ["a"]}).json()["id"]
    assert client.post(CHECKS, json=QUICK | {"name": "two"}).json()["id"] == first
    assert client.post(CHECKS, json=QUICK | {"training": {"epochs": 4}}).json()["id"] != first


@pytest.mark.parametrize("check_id", ["0" * 64, "nothing", "..%2f..", "x" * 300])
def test_an_unknown_check_is_no_server_error(client: TestClient, check_id: str) -> None:
    assert client.get(f"{CHECKS}/{check_id}").status_code in (404, 422)
