"""`python -m cli` is `neq`."""

from cli.main import app

app()
