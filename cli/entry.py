"""Where `neq` and `python -m cli` begin."""

from cli.early import enter


def main() -> None:
    """Runs the command; signals are looked after before what it needs is loaded."""
    enter()
    from cli.main import app

    app()
