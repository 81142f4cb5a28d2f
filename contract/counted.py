"""Numbers with their nouns."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 epoch`, `12 epochs`, `6,000 images`: the one home of plurals in what is said to a person."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
