"""How a module of ours is started in a Python of its own."""

import sys


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs it.

    With -P: the folder that it is started in may hold a trainer.py, db.py or cli.py of somebody's, which would go
    before ours. What PYTHONPATH names is found all the same.
    """
    return [sys.executable, "-P", "-m", module, *arguments]
