"""What is wrong with a filter, and where."""


class FilterError(ValueError):
    """A filter or an order that cannot be read.

    Attributes:
        message: what is wrong and the remedy, without a full stop.
        start: where in the text it is wrong, in characters from 0.
        end: the place behind it; both are the text's length where something is missing at its end.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
