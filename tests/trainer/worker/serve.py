"""A worker process for tests to signal and kill: `python -m tests.trainer.worker.serve URL FOLDER`."""

import signal
import sys
import threading
from pathlib import Path

from db import Store
from tests.trainer.worker.stub import TRAIN
from trainer.engines.environment import Workplace
from trainer.engines.process import process_engine
from trainer.worker import run_worker

if __name__ == "__main__":
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store.open(sys.argv[1])
    run_worker(
        store,
        engine=process_engine(Workplace(Path(sys.argv[2])), train=TRAIN),
        name="",
        device="auto",
        slots=2,
        silence_limit_seconds=60,
        stop=stop,
    )
    store.close()
    assert "torch" not in sys.modules, "torch belongs in the training process"
