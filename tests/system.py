"""The real system under test: web process and worker as a person starts them, on a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

STARTED = re.compile(r"(http://127\.0\.0\.1:\d+)\S*")


class Process:
    """A command of ours, its output gathered; ended by `stop` whatever happened before."""

    def __init__(
        self, *arguments: str, environment: dict[str, str], module: str = "cli", folder: Path | None = None
    ) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("NEQ_")}
        self._popen = subprocess.Popen(
            [sys.executable, *(() if folder is None else ("-P",)), "-m", module, *arguments],
            cwd=folder,
            env={**clean, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        self.lines.extend(iter(self._popen.stdout.readline, ""))

    @property
    def said(self) -> str:
        """Everything printed so far."""
        return "".join(self.lines)

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._popen.poll()

    def wait_for(self, pattern: re.Pattern[str], seconds: float = 60) -> re.Match[str]:
        """The first match in what it prints; an error with all of it where none comes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := pattern.search(self.said):
                return found
            if self._popen.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{pattern.pattern!r} was not printed:\n{self.said}")

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Sends a signal, as Ctrl-C does."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 30) -> int:
        """The exit status."""
        return self._popen.wait(seconds)

    def stop(self) -> None:
        """Ends it: politely, then not."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(20)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._reader.join(5)
        if self._popen.stdout is not None:
            self._popen.stdout.close()


class System:
    """A store in a folder, and the processes on it, started and stopped one by one."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.environment = {
            "NEQ_DATABASE_URL": database_url or f"sqlite:///{folder / 'neq.db'}",
            "NEQ_DATA_ROOT": str(folder / "datasets"),
            "NEQ_CHECKPOINTS": str(folder / "checkpoints"),
            "NEQ_DEVICE": "cpu",
        }
        self.server: Process | None = None
        self.worker: Process | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start_server(self) -> None:
        """Starts the web process; a second time at the same port."""
        self.server = Process("serve", "--port", str(self.port), environment=self.environment)
        self.port = int(self.server.wait_for(STARTED)[1].rsplit(":", 1)[1])

    def start_worker(self, slots: int = 2) -> None:
        """Starts a worker."""
        self.worker = Process("worker", "--slots", str(slots), environment=self.environment)

    def wait_for_worker(self, seconds: float = 120) -> None:
        """Returns once the server knows of a worker."""
        until = time.monotonic() + seconds
        while not self.ask("GET", "/health")["workers"]:
            if time.monotonic() > until:
                raise AssertionError(f"no worker after {seconds} s")
            time.sleep(0.1)

    def stop_server(self) -> None:
        """Ends the web process."""
        if self.server:
            self.server.stop()

    def stop(self) -> None:
        """Ends everything."""
        for process in (self.worker, self.server):
            if process:
                process.stop()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The API's JSON answer."""
        answer = httpx.request(method, f"{self.url}/api/v1{path}", timeout=30, trust_env=False, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def wait_until(self, run_id: str, condition: Any, seconds: float = 120) -> dict[str, Any]:
        """The run, once the condition holds of it."""
        until = time.monotonic() + seconds
        run: dict[str, Any] = {}
        while time.monotonic() < until:
            run = self.ask("GET", f"/runs/{run_id}")
            if condition(run):
                return run
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {run_id}: {run}")


@contextmanager
def running(folder: Path, *, worker: bool = True, database_url: str | None = None) -> Iterator[System]:
    """A system that stands, and is gone afterwards."""
    system = System(folder, database_url)
    try:
        system.start_server()
        if worker:
            system.start_worker()
        yield system
    finally:
        system.stop()
