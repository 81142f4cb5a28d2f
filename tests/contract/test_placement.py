"""What a run asks of a cluster's nodes: which of them have it, and what is said where none does."""

from typing import Any

import pytest
from pydantic import ValidationError

from contract.checks.capabilities import Node
from contract.config import Compute, RunConfig
from contract.cost_key import cost_key
from contract.placement import GIB, Request

SMALL = Node(id="1", name="small", cpus=2, free_cpus=1, memory_bytes=8 * GIB, free_memory_bytes=8 * GIB)
GPUS = Node(
    id="2", name="gpus", cpus=8, free_cpus=8, gpus=2, free_gpus=0.5, memory_bytes=64 * GIB, labels={"zone": "a"}
)


def asked(*nodes: Node, **compute: Any) -> Request:
    return Request.of(Compute(**compute), nodes)


@pytest.mark.parametrize(
    ("compute", "field", "words"),
    [
        ({"cpus": 0}, "cpus", "greater than or equal to 1"),
        ({"cpus": 10**6}, "cpus", "less than or equal to 4096"),
        ({"gpus": -1}, "gpus", "greater than or equal to 0"),
        ({"gpus": True}, "gpus", "Must be a number"),
        ({"gpus": 2}, "gpus", "a single process uses one GPU: choose 1"),
        ({"gpus": 1.5}, "gpus", "a single process uses one GPU"),
        ({"gpus": 1, "processes": 2}, "gpus", "each process uses one GPU: choose 2"),
        ({"gpus": 0.5, "processes": 2}, "gpus", "2 processes need a whole GPU each: choose 2 or 0"),
        ({"gpus": 0, "device": "cuda"}, "gpus", "a run on cuda needs a GPU"),
        ({"gpus": 1, "device": "cpu"}, "gpus", "a run on the CPU needs no GPU"),
        ({"gpus": 0, "processes": 2, "sync_batch_norm": True}, "sync_batch_norm", "on GPUs only"),
        ({"memory_gib": 0}, "memory_gib", "greater than 0"),
        ({"memory_gib": float("nan")}, "memory_gib", "finite"),
        ({"labels": ["zone"]}, "labels.0", "match pattern"),
        ({"labels": ["zone=a b"]}, "labels.0", "match pattern"),
        ({"labels": ["zone=!a"]}, "labels.0", "match pattern"),
        ({"labels": ["zone=in(a,b)"]}, "labels.0", "match pattern"),
        ({"labels": ["zone=a", "zone=b"]}, "labels", "a node has one value of zone"),
        ({"labels": [f"k{n}=v" for n in range(21)]}, "labels", "at most 20"),
    ],
)
def test_what_cannot_be_asked_for_names_its_field(compute: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as told:
        RunConfig.model_validate({"compute": compute})
    (error,) = told.value.errors()
    named = ".".join(str(part) for part in error["loc"] + tuple(filter(None, (error.get("ctx", {}).get("field"),))))
    assert named == f"compute.{field}" and words in error["msg"]


@pytest.mark.parametrize("label", ["zone=a", "ray.io/accelerator-type=H100", " zone=a ", "a=1", "team/x_y=v1.2"])
def test_labels_as_ray_has_them_are_taken(label: str) -> None:
    assert Compute(labels=(label,)).labels == (label.strip(),)


def test_a_run_that_says_nothing_takes_a_gpu_where_there_is_one() -> None:
    assert asked(SMALL) == Request(1, 0)
    assert asked(SMALL, GPUS) == Request(1, 1)
    assert asked(SMALL, GPUS, processes=4) == Request(4, 4)
    assert asked(SMALL, GPUS, device="cpu") == asked(SMALL, GPUS, gpus=0) == Request(1, 0)
    assert asked(SMALL, device="cuda") == Request(1, 1), "it waits for one"
    assert asked(SMALL, GPUS, labels=("zone=b",)).gpus == 0, "the GPU's node is not for it"


def test_what_a_run_asks_for_is_asked() -> None:
    wanted = asked(GPUS, cpus=4, gpus=0.5, memory_gib=1.5, labels=("zone=a",))
    assert wanted == Request(4, 0.5, 1.5 * GIB, (("zone", "a"),))
    assert wanted.words() == ["4 CPUs", "0.5 GPUs", "1.5 GiB of memory"]


def test_a_node_could_hold_a_run_and_has_no_room_now() -> None:
    two = asked(gpus=0, cpus=2)
    assert two.could_fit(SMALL) and not two.fits_now(SMALL)
    assert asked(gpus=0, cpus=1).fits_now(SMALL)
    assert asked(gpus=0.5).fits_now(GPUS) and not asked(gpus=1).fits_now(GPUS)
    remembered = asked(gpus=0.5, memory_gib=1)
    assert remembered.could_fit(GPUS) and not remembered.fits_now(GPUS), "its memory is all reserved"


def test_fractions_that_do_not_add_up_exactly_fit() -> None:
    third = GPUS.model_copy(update={"free_gpus": 1 - 0.3 - 0.3, "free_memory_bytes": 1.0})
    assert asked(gpus=0.4).fits_now(third)


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        ({"cpus": 8}, None),
        ({"gpus": 4, "processes": 4}, "the largest has 2 GPUs"),
        ({"cpus": 9, "gpus": 0}, "the largest has 8 CPUs"),
        ({"memory_gib": 100}, "the largest has 64.0 GiB of memory"),
        ({"labels": ["zone=b"]}, "none has the label zone=b"),
        ({"labels": ["zone=a"], "cpus": 9, "gpus": 0}, "the largest with its labels has 8 CPUs"),
        ({"labels": ["zone=a", "disk=ssd"]}, "none has the label disk=ssd"),
    ],
)
def test_why_no_node_could_hold_it(compute: dict[str, Any], reason: str | None) -> None:
    assert asked(SMALL, GPUS, **compute).why_nowhere((SMALL, GPUS)) == reason


def test_why_no_node_could_hold_it_at_once() -> None:
    many = SMALL.model_copy(update={"cpus": 32.0, "labels": {"disk": "ssd"}})
    both = asked(GPUS, cpus=16, gpus=1)
    assert both.why_nowhere((many, GPUS)) == "none has 16 CPUs and 1 GPU at once"
    assert asked(labels=("zone=a", "disk=ssd")).why_nowhere((many, GPUS)) == "none has all of its labels"
    assert asked(device="cuda").why_nowhere((SMALL,)) == "none has a GPU"
    assert asked().why_nowhere(()) == "the cluster has no nodes"


def test_what_is_not_asked_for_is_in_no_cost_key() -> None:
    """Runs of before go on telling what such a run will take."""
    plain = cost_key(RunConfig())
    assert plain == "575783772ddb953f0d0c10f9723de252e3e2695136f55b67055186fb45b72bbb"
    assert cost_key(RunConfig(compute=Compute(cpus=4))) != plain != cost_key(RunConfig(compute=Compute(gpus=0.5)))
