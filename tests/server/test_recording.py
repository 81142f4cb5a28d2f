"""External runs over HTTP: made, told part by part, repeated, interrupted, taken over; and what is refused."""

import json
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.events import VELOCITY_EDGES, LayerSnapshot
from contract.runfile import RunFile
from contract.snapshot_arrays import pack, table_of
from db import Store
from server.app import create_app
from server.settings import ServerSettings
from trainer.worker.replay import begin_replay

pytestmark = pytest.mark.slow

RUNS = "/api/v1/runs"
RUN, WRITER, OTHER = "abcdefgh12", "0" * 32, "f" * 32
NEURONS = (10, 3)
Json = dict[str, Any]


class Recorder:
    """What a recorder sends, kept so that it can be sent again."""

    def __init__(self, client: TestClient, run: str = RUN, writer: str = WRITER) -> None:
        self.client, self.run, self.writer, self.next = client, run, writer, 1
        self.random = np.random.default_rng(0)
        self.arrays: list[list[np.ndarray[Any, Any]]] = [[] for _ in NEURONS]

    def make(self, **more: Any) -> Any:
        body = {"source": "external", "id": self.run, "writer": self.writer, "name": "mine"} | more
        return self.client.post(RUNS, json=body)

    def part(self, *events: Json, table: Any = None, packed: bytes = b"", first: int | None = None) -> bytes:
        """The bytes of the next part."""
        begins = self.next if first is None else first
        lines: list[Json] = [
            {"seq": seq, "at": "2026-01-31T12:00:00+00:00", "event": event} for seq, event in enumerate(events, begins)
        ]
        if table:
            lines[-1]["snapshots"] = table
        self.next = begins + len(events)
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        head = {"format": "neq-part", "version": 1, "run": self.run, "writer": self.writer, "first": begins}
        head |= {"events": len(text), "arrays": len(packed)}
        return json.dumps(head).encode() + b"\n" + zlib.compress(text + packed)

    def send(self, part: bytes) -> Any:
        return self.client.post(f"{RUNS}/{self.run}/parts", content=part)

    def say(self, *events: Json) -> Any:
        return self.send(self.part(*events))

    def started(self) -> list[Json]:
        layers = [
            {"index": index, "name": f"l{index}", "type": "Linear", "neurons": count, "parameters": count}
            for index, count in enumerate(NEURONS)
        ]
        watch = {"kind": "watch_started", "first": 0, "layers": layers, "neurons": 13, "parameters": 13}
        return [{"kind": "run_started", "device": "CPU", "versions": {}}, watch | {"epsilon": 0.001, "mu": 0.5}]

    def epoch(self, number: int) -> bytes:
        """The part of an epoch, with random arrays."""
        rows = []
        for index, count in enumerate(NEURONS):
            divergence = self.random.uniform(0, 2, count).astype("<f4")
            self.arrays[index].append(divergence)
            bits = np.packbits(np.zeros(count, bool)).tobytes()
            rows.append(LayerSnapshot(index, count, divergence.tobytes(), None, bits, bits))
        return self.part(epoch_event(number), table=table_of(rows), packed=pack(rows))


def epoch_event(number: int, **more: Any) -> Json:
    """What an epoch of two layers says."""
    none = [0, 0]
    layers = dict.fromkeys(("applied", "frozen", "froze", "thawed", "dead", "churning", "beyond"), none)
    columns = {
        "phi_mean": [0.5, None],
        "speed_mean": [None, None],
        "velocity_histogram": [None, [0] * (len(VELOCITY_EDGES) + 1)],
    }
    figures = dict.fromkeys(("learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy"))
    seconds = {"train": 1.0, "probe": 0.1, "evaluate": 0.0, "record": 0.0}
    fractions = {"applied_fraction": 0.0, "frozen_fraction": 0.25}
    return (
        {"kind": "epoch_finished", "epoch": number, "layers": layers | columns, "seconds": seconds}
        | figures
        | fractions
        | more
    )


def watched(index: int) -> Json:
    """A watch of one layer of four neurons."""
    layer = {"index": index, "name": "l", "type": "Linear", "neurons": 4, "parameters": 1}
    told = {"kind": "watch_started", "first": index, "layers": [layer], "neurons": 4, "parameters": 1}
    return told | {"epsilon": 0.001, "mu": 0.5}


def metrics(name: str, *values: Any, epoch: int | None = None) -> Json:
    """Points of one metric."""
    number = len(values)
    series = {"name": name, "steps": list(range(number)), "epochs": [epoch] * number, "times": [1.0] * number}
    return {"kind": "metrics_logged", "series": [series | {"values": list(values)}]}


@pytest.fixture
def recorder(client: TestClient) -> Recorder:
    recorder = Recorder(client)
    assert recorder.make().status_code == 201
    return recorder


def stored(client: TestClient) -> Json:
    answer: Json = client.get(f"{RUNS}/{RUN}").json()
    return answer


def test_a_run_is_made_told_and_finished(client: TestClient, store: Store, recorder: Recorder) -> None:
    assert recorder.say(*recorder.started()).json() == {
        "last_seq": 2,
        "stop_requested": False,
        "heartbeat_seconds": 10.0,
    }
    for number in range(3):
        recorder.say(metrics("val/loss", 0.5, "NaN", epoch=number))
        assert recorder.send(recorder.epoch(number)).json()["last_seq"] == 4 + 2 * number
    assert (stored(client)["state"], stored(client)["epochs_done"], stored(client)["neurons"]) == ("running", 3, 13)
    recorder.say({"kind": "run_finished", "epochs": 3, "test_accuracy": None, "frozen_fraction": 0.25, "seconds": 3.0})
    run = stored(client)
    assert (run["state"], run["source"], run["epochs_planned"], run["name"]) == ("finished", "external", None, "mine")
    for index in range(len(NEURONS)):
        kept = store.layer_history(RUN, index, "divergence").values
        assert kept.tobytes() == np.stack(recorder.arrays[index]).tobytes()
    points = client.get(f"{RUNS}/{RUN}/metrics/points?name=val/loss").json()
    assert points["values"] == [0.5, None] * 3 and points["epochs"] == [0, 0, 1, 1, 2, 2]


def all_of(store: Store) -> Any:
    """What is stored of the run."""
    return store.run(RUN).last_seq, store.events_after(RUN, 0), store.metric_points(RUN, "a").values.tolist()


def test_a_stretch_of_a_metric_comes_with_what_its_lines_lead_to(client: TestClient, recorder: Recorder) -> None:
    recorder.say(metrics("a", *range(10)))
    address = f"{RUNS}/{RUN}/metrics/points"
    for query, steps in (
        ({"start": "3", "end": "5"}, [2, 3, 4, 5, 6]),
        ({"start": "3.2", "end": "3.8"}, [3, 4]),
        ({"start": "8"}, [7, 8, 9]),
        ({"end": "1"}, [0, 1, 2]),
        ({"start": "20", "end": "30"}, []),
        ({"start": "3", "end": "5", "after": "5"}, [5, 6]),
    ):
        answer = client.get(address, params={"name": "a", **query}).json()
        assert (answer["steps"], answer["points"]) == (steps, 10), query
    by_time = client.get(address, params={"name": "a", "axis": "time", "start": "0.5", "end": "1.5"}).json()
    assert by_time["steps"] == list(range(10))
    thinned = client.get(address, params={"name": "a", "start": "0", "end": "9", "columns": "1"}).json()
    assert thinned["thinned"] and thinned["steps"] == [0, 9]
    for wrong in ("nan", "inf", "x"):
        assert client.get(address, params={"name": "a", "start": wrong}).status_code == 422


def nested(deep: int) -> Json:
    body: Json = {"a": 1}
    for _ in range(deep - 1):
        body = {"a": body}
    return body


@pytest.mark.parametrize("config", [nested(300), {"a\0b": 1}, {"a": [["\0"]]}])
def test_a_config_that_no_answer_could_hold_makes_no_run(client: TestClient, config: Json) -> None:
    assert Recorder(client).make(config=config).status_code == 422
    assert client.get(RUNS).json()["runs"] == []
    assert Recorder(client).make(config=nested(40)).status_code == 201
    assert client.get(RUNS).json()["runs"][0]["config"] == nested(40)


@pytest.mark.parametrize(
    "wrong", [{"epochs": -1}, {"test_accuracy": 7.0}, {"frozen_fraction": 5.0}, {"seconds": -1.0}, {"epochs": 10**8}]
)
def test_a_run_does_not_end_with_figures_that_cannot_be(recorder: Recorder, wrong: Json) -> None:
    end = {"kind": "run_finished", "epochs": 0, "test_accuracy": 1.0, "frozen_fraction": 0.0, "seconds": 0.0}
    refused = recorder.say(end | wrong)
    assert refused.status_code == 422 and next(iter(wrong)) in refused.text
    recorder.next -= 1
    assert recorder.say(end).status_code == 200


def test_a_metric_that_there_is_not_is_not_found(client: TestClient, recorder: Recorder) -> None:
    recorder.say(metrics("a", 1.0, 2.0))
    address = f"{RUNS}/{RUN}/metrics/points"
    missing = client.get(address, params={"name": "b"})
    assert missing.status_code == 404 and "no metric 'b'" in missing.json()["detail"]
    behind = client.get(address, params={"name": "a", "after": 2**31}).json()
    assert (behind["points"], behind["values"]) == (2, [])
    turned = client.get(address, params={"name": "a", "start": 5, "end": 1})
    assert turned.status_code == 422 and turned.json()["detail"][0]["field"] == "start"


def test_the_same_again_is_success_and_changes_nothing(client: TestClient, store: Store, recorder: Recorder) -> None:
    parts = [recorder.part(*recorder.started()), recorder.epoch(0), recorder.part(metrics("a", 1.0)), recorder.epoch(1)]
    for part in parts:
        assert recorder.send(part).status_code == 200
    before = all_of(store)
    assert [recorder.send(part).json()["last_seq"] for part in parts] == [5, 5, 5, 5]
    assert (
        stored(client)["last_seq"],
        store.events_after(RUN, 0),
        store.metric_points(RUN, "a").values.tolist(),
    ) == before
    again = recorder.make()
    assert (again.status_code, again.json()["id"]) == (200, RUN)


def test_a_part_that_overlaps_is_taken_from_where_it_is_new(store: Store, recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    lines = [{"kind": "logged", "text": str(number)} for number in range(4)]
    recorder.send(recorder.part(*lines[:2], first=3))
    assert recorder.send(recorder.part(*lines, first=3)).json()["last_seq"] == 6
    assert [event.payload["text"] for event in store.events_after(RUN, 0, kinds=("logged",))] == list("0123")


def test_a_gap_is_refused_with_what_is_there(recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    answer = recorder.send(recorder.part({"kind": "logged", "text": "x"}, first=9))
    assert (answer.status_code, answer.json()["reason"], answer.json()["last_seq"]) == (409, "gap", 2)


def test_another_writer_is_refused_until_the_run_has_ended(client: TestClient, recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    other = Recorder(client, writer=OTHER)
    assert other.make().status_code == 409
    assert other.send(other.part(first=3)).json()["reason"] == "writer"
    held = client.post(f"{RUNS}/{RUN}/take-over", json={"writer": OTHER})
    assert (held.status_code, held.headers["Retry-After"]) == (409, "40")  # the limit of 30 s, and two rounds of 5 s
    recorder.send(recorder.epoch(0))
    recorder.say({"kind": "run_stopped", "epochs": 1, "reason": "enough"})
    ended = recorder.say({"kind": "logged", "text": "late"})
    assert (ended.status_code, ended.json()["reason"]) == (409, "ended")
    taken = client.post(f"{RUNS}/{RUN}/take-over", json={"writer": OTHER}).json()
    assert (taken["last_seq"], taken["epochs_done"], [layer["neurons"] for layer in taken["layers"]]) == (4, 1, [10, 3])
    other.next = 5
    assert other.say({"kind": "run_continued", "epoch": 1, "device": "CPU", "versions": {}}).json()["last_seq"] == 5
    assert stored(client)["state"] == "running"
    assert recorder.send(recorder.part(first=6)).json()["reason"] == "writer"


def test_a_layer_that_nobody_watched_in_an_epoch_has_no_frozen_fraction_there(
    client: TestClient, recorder: Recorder
) -> None:
    recorder.say(*recorder.started())
    bits = np.packbits(np.zeros(10, bool)).tobytes()
    first = [LayerSnapshot(0, 10, np.full(10, np.nan, "<f4").tobytes(), None, bits, bits)]
    counts = epoch_event(0)["layers"] | {"frozen": [0, 0]}
    for number, means in enumerate(([0.5, None], [None, None])):  # the second time φ is NaN, and watched
        event = epoch_event(number, layers=counts | {"phi_mean": means})
        assert recorder.send(recorder.part(event, table=table_of(first), packed=pack(first))).status_code == 200
    recorder.send(recorder.epoch(2))  # of both
    recorder.say(epoch_event(3))  # of which no neuron is told
    answer = client.get(f"{RUNS}/{RUN}/overview?field=frozen&format=json").json()
    assert answer["values"] == [[0.0, 0.0, 0.0, 0.0], [None, None, 0.0, 0.0]]


def test_runs_beyond_the_limit_wait_until_one_ends(client: TestClient, store: Store, settings: ServerSettings) -> None:
    settings.most_external_runs = 2
    first, second, third = (Recorder(client, run=f"abcdefgh1{number}") for number in range(3))
    assert [first.make().status_code, second.make().status_code] == [201, 201]
    refused = third.make()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    sentence = "2 external runs are being recorded, the most that may be at once: wait until one ends, or raise "
    assert refused.json()["detail"] == f"{sentence}NEQ_MOST_EXTERNAL_RUNS"
    assert first.make().status_code == 200, "asked again, it is no further run"
    assert client.post(RUNS, json={}).status_code == 201, "launched runs are not counted"
    assert third.make().status_code == 429
    first.say(*first.started())
    first.say({"kind": "run_stopped", "epochs": 0, "reason": "enough"})
    assert third.make().status_code == 201
    taken = client.post(f"{RUNS}/{first.run}/take-over", json={"writer": WRITER})
    assert taken.status_code == 200, "one that goes on is taken, as its script holds what nobody else has"


def last_step_of(client: TestClient, store: Store) -> int | None:
    """As a new recorder hears it."""
    store.requeue_silent(-1)
    found: int | None = client.post(f"{RUNS}/{RUN}/take-over", json={"writer": WRITER}).json()["last_step"]
    return found


def test_who_takes_over_hears_the_greatest_step_that_was_logged(
    client: TestClient, store: Store, recorder: Recorder
) -> None:
    recorder.say(*recorder.started())
    for number in range(3):
        recorder.say(epoch_event(number, learning_rate=0.1))
    assert last_step_of(client, store) is None, "the epochs' own figures have the epoch as their step"
    recorder.say(metrics("system/cpu_cores", *range(9)))
    assert last_step_of(client, store) is None, "samples of the machine count themselves"
    recorder.say(metrics("a", 5.0, 6.0), metrics("b", 1.0))
    assert last_step_of(client, store) == 1
    backwards = {"name": "b", "steps": [4, 0], "epochs": [None, None], "times": [1.0, 1.0], "values": [1.0, 1.0]}
    recorder.say({"kind": "metrics_logged", "series": [backwards]}, metrics("c", 1.0))
    assert last_step_of(client, store) == 4, "the greatest is not the last"
    recorder.say(metrics("learning_rate", *range(7)))
    assert last_step_of(client, store) == 6, "a script may log under the name of a figure"


def test_who_takes_over_hears_the_number_of_the_newest_sample_of_the_machine(
    client: TestClient, store: Store, recorder: Recorder
) -> None:
    def last_sample() -> object:
        store.requeue_silent(-1)
        return client.post(f"{RUNS}/{RUN}/take-over", json={"writer": WRITER}).json()["last_sample"]

    recorder.say(*recorder.started(), metrics("systematic", *range(20)))
    assert last_sample() is None
    recorder.say(metrics("system/cpu_cores", *range(9)), metrics("system/gpu0/memory_gib", *range(3)))
    assert last_sample() == 8


def test_a_silent_recorder_is_lost_and_taken_up_by_its_next_part(
    client: TestClient, store: Store, recorder: Recorder
) -> None:
    recorder.say(*recorder.started())
    assert store.requeue_silent(-1) == {RUN: "failed"}
    run = stored(client)
    assert run["state"] == "failed" and run["reason"].startswith("The recorder is lost: it sent nothing for")
    assert not run["can_resume"] and not run["can_fork"]
    assert recorder.send(recorder.epoch(0)).json()["last_seq"] == 3
    run = stored(client)
    assert (run["state"], run["reason"], run["ended_at"], run["epochs_done"]) == ("running", None, None, 1)
    assert [turn["kind"] for turn in run["turns"]] == ["run_started", "run_failed", "run_continued"]


def test_its_own_writer_takes_up_a_run_that_has_ended(client: TestClient, store: Store, recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    recorder.send(recorder.epoch(0))
    store.request_stop(RUN)
    recorder.say({"kind": "run_stopped", "epochs": 1, "reason": "stop requested"})
    assert recorder.say(metrics("a", 1.0)).json()["reason"] == "ended"
    recorder.next -= 1
    ended = store.run(RUN)
    assert (ended.state, ended.reason) == ("stopped", "stop requested")
    goes_on = {"kind": "run_continued", "epoch": 1, "device": "CPU", "versions": {}}
    part = recorder.part(goes_on, metrics("a", 2.0))
    answer = recorder.send(part)
    assert answer.status_code == 200 and answer.json()["stop_requested"] is False
    run = store.run(RUN)
    assert (run.state, run.reason, run.ended_at, run.stop_requested) == ("running", None, None, False)
    assert run.revision > ended.revision
    assert recorder.send(part).status_code == 200  # repeated, it changes nothing
    assert [each.kind for each in store.events_after(RUN, 0, kinds=("run_continued",))] == ["run_continued"]
    recorder.writer = OTHER
    assert recorder.say(goes_on).json()["reason"] == "writer"


def told(store: Store, run: str) -> list[tuple[int, str, Json]]:
    return [(each.seq, each.kind, each.payload) for each in store.events_after(run, 0)]


def progressed(batch: int) -> Json:
    event = {"kind": "epoch_progressed", "epoch": 0, "phase": "train", "batch": batch, "batches": 9, "loss": None}
    return event | {"samples_per_second": None}


def test_events_of_one_part_are_stored_as_though_they_came_one_by_one(
    client: TestClient, store: Store, recorder: Recorder
) -> None:
    other = Recorder(client, "abcdefgh34")
    assert other.make().status_code == 201
    together = [*recorder.started(), progressed(1), metrics("a", 1.0, 2.0), metrics("b", 5.0), metrics("a", 3.0)]
    assert recorder.say(*together, progressed(2), progressed(3)).status_code == 200
    for event in (*together, progressed(2), progressed(3)):
        assert other.say(event).status_code == 200
    assert told(store, RUN) == told(store, other.run)
    accurate = [epoch_event(number, test_accuracy=accuracy) for number, accuracy in enumerate((0.25, 0.75, 0.5))]
    for event in accurate:
        assert other.say(event).status_code == 200
    assert recorder.say(*accurate, metrics("a", 4.0), progressed(4)).status_code == 200
    assert other.say(metrics("a", 4.0)).status_code == 200 and other.say(progressed(4)).status_code == 200
    assert told(store, RUN) == told(store, other.run)
    one, many = store.run(RUN), store.run(other.run)
    for field in ("neurons", "epochs_done", "best_test_accuracy", "test_accuracy", "frozen_fraction", "last_seq"):
        assert getattr(one, field) == getattr(many, field), field
    assert (one.best_test_accuracy, one.neurons, one.progress) == (0.75, 13, many.progress)
    for name in ("a", "b", "test_accuracy"):
        mine, theirs = (store.metric_points(run, name) for run in (RUN, other.run))
        assert mine.values.tolist() == theirs.values.tolist() and mine.steps.tolist() == theirs.steps.tolist()
    assert store.metric_points(RUN, "a").values.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_two_servers_of_one_store_take_parts_of_one_run_by_turns(
    client: TestClient, store: Store, settings: ServerSettings, recorder: Recorder
) -> None:
    with TestClient(create_app(store, settings), base_url=str(client.base_url)) as second:
        recorder.say(*recorder.started())
        for number in range(2):
            recorder.client = (second, client)[number]
            assert recorder.send(recorder.epoch(number)).status_code == 200
        recorder.client = second
        assert recorder.say(watched(2)).status_code == 200
        recorder.client = client  # which heard nothing of this layer
        wrong = recorder.send(recorder.part(epoch_event(2)))
        assert wrong.status_code == 422 and "for 3 layers" in wrong.text
    assert [epoch for epoch, _ in store.epoch_seqs(RUN)] == [0, 1]


def test_a_heartbeat_keeps_it_and_hears_of_a_stop(client: TestClient, store: Store, recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    assert client.post(f"{RUNS}/{RUN}/stop").status_code == 202
    assert recorder.send(recorder.part()).json()["stop_requested"] is True
    revision = stored(client)["revision"]
    recorder.send(recorder.part())
    assert stored(client)["revision"] == revision, "a heartbeat is no change that a reader sees"


def test_a_launched_run_takes_no_parts(client: TestClient) -> None:
    launched = client.post(RUNS, json={}).json()["id"]
    other = Recorder(client, run=launched)
    assert other.send(other.part()).status_code == 409
    assert client.post(f"{RUNS}/{launched}/take-over", json={"writer": OTHER}).status_code == 409
    assert other.make().status_code == 409


WRONG: dict[str, Json] = {
    "an epoch of other layers": epoch_event(0, layers=epoch_event(0)["layers"] | {"frozen": [0]}),
    "more frozen than there are": epoch_event(0, layers=epoch_event(0)["layers"] | {"frozen": [11, 0]}),
    "fewer than none": epoch_event(0, layers=epoch_event(0)["layers"] | {"applied": [-1, 0]}),
    "an epoch below 0": epoch_event(-1),
    "an epoch that no column holds": epoch_event(2**31),
    "a number that no database holds": {"kind": "run_continued", "epoch": 2**64, "device": "CPU", "versions": {}},
    "seconds that do not add up": epoch_event(0, seconds=epoch_event(0)["seconds"] | {"train": "NaN"}),
    "more neurons than a column holds": {"kind": "run_started", "device": "CPU", "versions": {}, "neurons": 2**31},
    "a second beginning": {"kind": "run_started", "device": "CPU", "versions": {}},
    "a layer of another size": watched(0),
    "layers with a gap": watched(9),
    "what the store alone says": {"kind": "run_requeued", "reason": "x", "epochs": 0, "interruptions": 0},
    "a kind that is none": {"kind": "exec"},
    "a name with control characters": metrics("a\nb", 1.0),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused_and_nothing_of_its_part_is_stored(
    client: TestClient, store: Store, recorder: Recorder, what: str
) -> None:
    recorder.say(*recorder.started())
    before = store.events_after(RUN, 0)
    answer = recorder.say({"kind": "logged", "text": "before it"}, WRONG[what])
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["message"]
    assert store.events_after(RUN, 0) == before


def test_an_epoch_is_not_told_twice(store: Store, recorder: Recorder) -> None:
    recorder.say(*recorder.started())
    recorder.send(recorder.epoch(0))
    answer = recorder.send(recorder.epoch(0))
    assert answer.status_code == 422 and "Epoch 0 is recorded already: the next is 1" in answer.text
    assert len(store.epoch_seqs(RUN)) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"id": "../etc"}, "id"),
        ({"writer": "x"}, "writer"),
        ({"name": "x" * 121}, "name"),
        ({"config": 3}, "config"),
        ({"tags": ["a,b"]}, "tags.0"),
        ({"group": ""}, "group"),
        ({"epochs": 0}, "epochs"),
        ({"more": 1}, "more"),
        ({"source": "elsewhere"}, "source"),
    ],
)
def test_a_wrong_description_is_refused_at_its_field(client: TestClient, more: Json, field: str) -> None:
    answer = Recorder(client).make(**more)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["detail"]] == [field]


def test_a_launch_is_still_told_by_field(client: TestClient) -> None:
    answer = client.post(RUNS, json={"training": {"epochs": 0}})
    assert [each["field"] for each in answer.json()["detail"]] == ["training.epochs"]


def test_a_config_of_ones_own_comes_back_as_it_was(client: TestClient) -> None:
    config = {"lr": 0.1, "schedule": {"factor": 3, "kind": "step"}, "list": [1, {"a": None}], "training": "mine"}
    Recorder(client).make(config=config, group="sweep 1", tags=["a"], notes="n", epochs=7)
    run = stored(client)
    assert (run["config"], run["group"], run["tags"], run["notes"]) == (config, "sweep 1", ["a"], "n")
    assert run["epochs_planned"] == 7


def test_an_external_run_is_exported_and_replayed_with_its_metrics(
    client: TestClient, store: Store, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.say(*recorder.started())
    for number in range(3):
        recorder.say(metrics("val/loss", 0.5, "NaN", "-Infinity", epoch=number), metrics("other", 1.0 * number))
        recorder.send(recorder.epoch(number))
    recorder.say({"kind": "run_finished", "epochs": 3, "test_accuracy": None, "frozen_fraction": 0.25, "seconds": 3.0})
    path = tmp_path / "external.neq"
    path.write_bytes(client.get(f"{RUNS}/{RUN}/file").content)
    with RunFile.open(path) as file:
        replay = begin_replay(store, file.header)
        assert replay.play(file, speed=None, stop=threading.Event()).kind == "run_finished"
    for name in ("val/loss", "other"):
        mine, theirs = (store.metric_points(run, name) for run in (RUN, replay.run.id))
        for column in ("steps", "epochs", "times", "values"):
            assert getattr(mine, column).tobytes() == getattr(theirs, column).tobytes(), (name, column)
    for index in range(len(NEURONS)):
        mine_, theirs_ = (store.layer_history(run, index, "divergence").values for run in (RUN, replay.run.id))
        assert mine_.tobytes() == theirs_.tobytes()
    assert (store.run(replay.run.id).source, store.run(replay.run.id).epochs_planned) == ("external", None)
