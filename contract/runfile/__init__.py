"""A run as one file: its description, all that it said, and what its neurons did. The format: docs/run-file.md."""

from contract.runfile.header import RunFileBroken, RunHeader
from contract.runfile.reading import RunFile
from contract.runfile.writing import Moment, run_file_chunks

__all__ = ["Moment", "RunFile", "RunFileBroken", "RunHeader", "run_file_chunks"]
