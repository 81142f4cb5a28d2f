"""Writes the names of torchvision's networks into the description, which must not import torchvision.

`python -m trainer.models.write_names` renews `contract/config/torchvision_names.py`; a test holds the two together.
"""

from pathlib import Path

from torchvision import models

from contract import config

TARGET = Path(config.__file__).parent / "torchvision_names.py"
_HEAD = '''"""Names of torchvision's networks, in its own order. Written by `python -m trainer.models.write_names`."""

from typing import Literal
'''


def names_module() -> str:
    """The module's text, as the house's formatter leaves it."""
    classifiers = models.list_models(module=models)
    segmenters = models.list_models(module=models.segmentation)
    return _HEAD + _literal("Classifier", classifiers) + _literal("Segmenter", segmenters)


def _literal(name: str, values: list[str]) -> str:
    lines = "".join(f'    "{value}",\n' for value in values)
    return f"\n{name} = Literal[\n{lines}]\n"


if __name__ == "__main__":
    TARGET.write_text(names_module())
