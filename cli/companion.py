"""The worker that `neq up` keeps beside its web process."""

import os
import subprocess
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import click

from trainer.engines.own_python import module_command

PATIENCE_SECONDS = 15.0
PAUSE_SECONDS = 2.0


class Companion:
    """One worker process, started again should it end by itself; ended with the context.

    It stands in a session of its own, so that Ctrl-C reaches the web process alone, which then ends it in order. Its
    standard input is a pipe that nobody writes to: it closes when this process dies, however it dies, and the worker
    takes that as its signal to end.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Args: environment: variables that the worker sees besides this process's own."""
        self._environment = {**os.environ, **environment}
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._process = self._start()
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._keeper.join(PATIENCE_SECONDS)

    def _start(self) -> subprocess.Popen[bytes]:
        command = module_command("cli", "worker", "--end-with-input")
        return subprocess.Popen(command, env=self._environment, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def _keep(self) -> None:
        while not self._ending.is_set():
            status = self._process.wait()
            if self._ending.wait(PAUSE_SECONDS):
                return
            click.echo(f"neq: the worker exited unexpectedly (status {status}); restarting it", err=True)
            self._process = self._start()
