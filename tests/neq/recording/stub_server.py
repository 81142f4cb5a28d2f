"""A server that keeps to docs/run-file.md and to nothing else, and can be made to fail as servers do."""

import json
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
LAST = (("last_step", False), ("last_sample", True))
"""Greatest steps of what the script logged and of what the machine tells."""
END_KINDS = ("run_finished", "run_stopped", "run_failed")
Reply = tuple[int, Json]


@dataclass
class StoredRun:
    """What the store has of a run."""

    described: Json
    writer: str
    lines: list[Json] = field(default_factory=list)
    arrays: dict[int, bytes] = field(default_factory=dict)
    """By the number of the line that announces them."""
    heartbeats: int = 0
    stop_requested: bool = False

    @property
    def last_seq(self) -> int:
        return int(self.lines[-1]["seq"]) if self.lines else 0

    @property
    def kinds(self) -> list[str]:
        return [line["event"]["kind"] for line in self.lines]

    def events(self, kind: str) -> list[Json]:
        return [line["event"] for line in self.lines if line["event"]["kind"] == kind]

    @property
    def state(self) -> str:
        ends = [kind for kind in self.kinds if kind in (*END_KINDS, "run_continued")]
        return "running" if not ends or ends[-1] == "run_continued" else ends[-1]

    def points(self, name: str) -> list[tuple[int, int | None, Any]]:
        """(step, epoch, value) of a metric."""
        found = []
        for event in self.events("metrics_logged"):
            for series in event["series"]:
                assert len({len(series[column]) for column in ("steps", "epochs", "times", "values")}) == 1
                if series["name"] == name:
                    found += list(zip(series["steps"], series["epochs"], series["values"], strict=True))
        return found


@dataclass
class Store:
    """What outlives a server that is started again; and how the one that runs now behaves.

    Attributes:
        misbehave: called with the number of the request before it is answered: a status to answer with, or None. It may
            sleep, too.
        refuses: called with an event: whether a part with it is answered with 422.
        repeat: every part is taken twice, as by a proxy that asks again.
        lose_answers: called with the number of the request after it took effect: whether the connection breaks then.
    """

    runs: dict[str, StoredRun] = field(default_factory=dict)
    requests: int = 0
    token: str | None = None
    retry_after: str | None = None
    misbehave: Callable[[int], int | None] = lambda number: None
    lose_answers: Callable[[int], bool] = lambda number: False
    refuses: Callable[[Json], bool] = lambda event: False
    repeat: bool = False
    most_runs: int = 1_000
    lock: Any = field(default_factory=threading.Lock)

    @property
    def run(self) -> StoredRun:
        """The only one."""
        (run,) = self.runs.values()
        return run

    def make(self, body: Json) -> Reply:
        assert body["source"] == "external"
        assert len(body["id"]) == 10 and len(body["writer"]) == 32
        if (found := self.runs.get(body["id"])) is not None:
            return (200, {"id": body["id"]}) if found.writer == body["writer"] else (409, {"detail": "another's"})
        if sum(run.state == "running" for run in self.runs.values()) >= self.most_runs:
            return 429, {"detail": f"{self.most_runs} runs are recorded now."}
        self.runs[body["id"]] = StoredRun(body, body["writer"])
        return 201, {"id": body["id"]}

    def take_over(self, run: StoredRun, writer: str) -> Reply:
        if run.state == "running" and run.writer != writer:
            return 409, {"detail": "its writer is alive", "reason": "writer"}
        run.writer = writer
        layers = [layer for event in run.events("watch_started") for layer in event["layers"]]
        done = len(run.events("epoch_finished"))
        logged = [series for event in run.events("metrics_logged") for series in event["series"]]
        steps: dict[bool, list[int]] = {False: [], True: []}
        for series in logged:
            steps[series["name"].startswith("system/")] += series["steps"]
        last = {name: max(steps[of_machine], default=None) for name, of_machine in LAST}
        told = {"last_seq": run.last_seq, **last}
        return 200, told | {"epochs_done": done, "layers": layers}

    def take(self, run: StoredRun, data: bytes) -> Reply:
        head, _, body = data.partition(b"\n")
        header = json.loads(head)
        unpacked = zlib.decompress(body)
        assert len(data) <= 64 << 20 and len(head) <= 1000
        assert len(unpacked) == header["events"] + header["arrays"]
        assert (header["format"], header["version"]) == ("neq-part", 1)
        if header["writer"] != run.writer:
            return 409, {"detail": "another writer", "reason": "writer"}
        lines = [json.loads(line) for line in unpacked[: header["events"]].splitlines()]
        assert [line["seq"] for line in lines] == list(range(header["first"], header["first"] + len(lines)))
        assert len(lines) <= 500
        last = header["first"] + len(lines) - 1
        if any(self.refuses(line["event"]) for line in lines if line["seq"] > run.last_seq):
            return 422, {"detail": "there is no such thing."}
        answer = 200, {"last_seq": max(run.last_seq, last), "stop_requested": run.stop_requested}
        if last <= run.last_seq and lines:
            return answer
        if header["first"] != run.last_seq + 1:
            return 409, {"detail": "a gap", "reason": "gap", "last_seq": run.last_seq}
        if run.state != "running" and not (lines and lines[0]["event"]["kind"] == "run_continued"):
            return 409, {"detail": "it has ended", "reason": "ended"}
        self._check(run, lines, unpacked[header["events"] :])
        run.heartbeats += not lines
        return answer

    def _check(self, run: StoredRun, lines: list[Json], arrays: bytes) -> None:
        known = [layer for event in run.events("watch_started") for layer in event["layers"]]
        for line in lines:
            event = line["event"]
            if event["kind"] == "watch_started":
                assert event["first"] == len(known)
                known += event["layers"]
                assert [layer["index"] for layer in known] == list(range(len(known)))
            if event["kind"] == "epoch_finished":
                assert event["epoch"] not in [told["epoch"] for told in run.events("epoch_finished")]
                assert all(len(column) == len(known) for column in event["layers"].values() if column is not None)
                assert all(row[1] == known[row[0]]["neurons"] for row in line["snapshots"])
            assert ("snapshots" in line) == (event["kind"] == "epoch_finished")
            run.lines.append(line)
        assert not any(line["event"]["kind"] in END_KINDS for line in lines[:-1])
        assert not any("snapshots" in line for line in lines[:-1])
        if lines and "snapshots" in lines[-1]:
            assert sum(size or 0 for row in lines[-1]["snapshots"] for size in row[2:]) == len(arrays)
            run.arrays[lines[-1]["seq"]] = arrays
        else:
            assert not arrays


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store
    faults: list[BaseException]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        store = self.store
        with store.lock:
            store.requests += 1
            number = store.requests
        status = store.misbehave(number)
        if status is not None:
            self._answer(status, {"detail": "not now"})
            return
        try:
            with store.lock:
                reply = self._reply(body)
        except AssertionError as error:
            self.faults.append(error)
            traceback.print_exc()
            reply = 422, {"detail": repr(error)}
        if store.lose_answers(number):
            self.close_connection = True
            self.connection.close()
            return
        self._answer(*reply)

    def _reply(self, body: bytes) -> Reply:
        store = self.store
        if store.token is not None and self.headers.get("Authorization") != f"Bearer {store.token}":
            return 401, {"detail": "the token is wrong"}
        _, _, words = self.path.partition("/api/v1/runs")
        if not words:
            return store.make(json.loads(body))
        _, run_id, action = words.split("/")
        run = store.runs.get(run_id)
        if run is None:
            return 404, {"detail": "no such run"}
        if action == "take-over":
            return store.take_over(run, json.loads(body)["writer"])
        if store.repeat:
            store.take(run, body)
        return store.take(run, body)

    def _answer(self, status: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.store.retry_after is not None and status in (429, 503):
            self.send_header("Retry-After", self.store.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    faults: list[Any]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # a client that is gone
            self.faults.append(error)
            traceback.print_exc()


@contextmanager
def serving(store: Store, port: int = 0) -> Iterator[str]:
    """A server over a store; its address. What it found wrong with the requests fails the test at its end."""
    faults: list[BaseException] = []
    handler = type("Handler", (_Handler,), {"store": store, "faults": faults})
    server = _Server(("127.0.0.1", port), handler)
    server.faults = faults
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not faults, faults


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
