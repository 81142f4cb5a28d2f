"""`python -m cli` is `neq`."""

from cli.entry import main

main()
