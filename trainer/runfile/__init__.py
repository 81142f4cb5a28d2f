"""A run as one file: its description, all that it said, and what its neurons did. The format: docs/run-file.md."""

from trainer.runfile.header import RunFileBroken, RunHeader
from trainer.runfile.reading import RunFile
from trainer.runfile.writing import Moment, run_file_chunks

__all__ = ["Moment", "RunFile", "RunFileBroken", "RunHeader", "run_file_chunks"]
