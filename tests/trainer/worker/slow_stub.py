"""The stub, in a module that takes as long to be imported as torch on a busy machine."""

import time

time.sleep(4)

from tests.trainer.worker.stub import train as train  # noqa: E402
