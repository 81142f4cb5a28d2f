"""The training process: `python -m trainer.engines.child PIPE`, started by `trainer.engines.process` alone.

Its parent writes one line of JSON to its standard input (the run's description, the workplace, the generator to call)
and after it one byte for each epoch that is recorded; the end of that input means that the parent is gone. Events go
out over the pipe whose number is the argument; standard output and error are the run's log.
"""

import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any, BinaryIO

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import EpochFinished, Event, RunFailed
from trainer.engines.device_errors import explained_failure, first_line, is_memory, sentence
from trainer.engines.environment import Workplace
from trainer.engines.frames import write_begun, write_frame
from trainer.engines.memory import go_first, less_memory
from trainer.engines.resume_point import ResumePoint

Train = Callable[[RunConfig, Workplace, ResumePoint], Generator[Event, None, None]]


def main() -> None:
    """Takes the job, trains, and says how it went. The exit status is 0 when it could say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    faulthandler.register(signal.SIGUSR1)  # asked by a parent that hears nothing: where every thread is, into the log
    go_first()
    control = _take_standard_input()
    job = json.loads(control.readline())
    recorded = threading.Semaphore(0)
    threading.Thread(target=_listen, args=(control, recorded), name="parent", daemon=True).start()
    number = int(sys.argv[1])
    os.set_inheritable(number, False)
    with os.fdopen(number, "wb") as pipe:
        config: RunConfig | None = None
        try:
            config = RunConfig.model_validate(job["config"])
            events = _started(config, job)
            write_begun(pipe)
            for event in events:
                write_frame(pipe, event)
                if isinstance(event, EpochFinished):
                    recorded.acquire()
        except BaseException as error:
            failure = explain(error, config)
            sys.stdout.flush()
            sys.stderr.flush()
            write_frame(pipe, failure)


def explain(error: BaseException, config: RunConfig | None = None) -> RunFailed:
    """What a person should read when training raised this; what else is known goes to the log, by way of stderr."""
    if isinstance(error, RunError):
        return RunFailed(reason=error.message, remedy=error.remedy)
    traceback.print_exception(error)
    if is_memory(error):
        return RunFailed(
            reason=f"The training process ran out of memory: {first_line(error)}",
            remedy=sentence(less_memory(config)),
        )
    if (known := explained_failure(error)) is not None:
        return RunFailed(reason=known.message, remedy=known.remedy)
    return RunFailed(
        reason=f"Training raised {type(error).__name__}: {first_line(error)}",
        remedy="The last lines of the run's log show where.",
    )


def generator_of(job: dict[str, Any]) -> Train:
    """What trains, and torch with it."""
    module, _, name = job["train"].partition(":")
    train: Train = getattr(import_module(module), name)
    return train


def _started(config: RunConfig, job: dict[str, Any]) -> Generator[Event, None, None]:
    """The run's events, once all that it needs is imported, in this process or in those that train together."""
    if config.compute.processes > 1:
        from trainer.engines.together import train_together

        return train_together(config, job)
    return generator_of(job)(config, Workplace.from_json(job["workplace"]), ResumePoint(**job["resume_point"]))


def _take_standard_input() -> BinaryIO:
    """The control pipe, out of reach of whatever training starts; what reads standard input finds nothing."""
    control = os.fdopen(os.dup(0), "rb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return control


def _listen(control: BinaryIO, recorded: threading.Semaphore) -> None:
    while control.read(1):
        recorded.release()
    # The parent is gone, by whatever end: nobody will record what comes, so end with all that was started here.
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
