"""What ends a run, said so that a person can act on it. Imports nothing."""


class RunError(Exception):
    """The run cannot go on.

    Attributes:
        message: one sentence, what happened.
        remedy: one sentence, what to do about it; None where nothing is known to help.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class DataMissing(RunError):
    """The images that the run names are not in the data folder."""


class DataDamaged(RunError):
    """The images are there and cannot be read."""
