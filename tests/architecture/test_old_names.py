"""What was documented under another name works for one release more, and says where its new place is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]

NEW_PLACES = {
    "from neq import Watch": "neq.LayerFilter",
    "import neq; neq.Options(savings='turned')": "savings='transposed'",
    "import neq; neq.GroupEquilibrium((), 0, 1.0, None, None, True).settled": "GroupEquilibrium.at_equilibrium",
    "import neq; neq.LayerEquilibrium(*8 * [None]).settled": "LayerEquilibrium.at_equilibrium",
    "from contract.plugins import OwnModel": "ModelPlugin",
    "from contract.plugins import OwnData": "DatasetPlugin",
    "from trainer.data import OwnSets": "trainer.data.DatasetSplits",
    "from trainer.models import Shape": "trainer.models.DataShape",
    "from trainer.neq import NEq, Watch, register_layer": "from neq import NEq",
    "from trainer.own import OwnData, OwnModel, wrong_field": "contract.plugins",
    "from trainer.integrations.lightning import NEqCallback": "neq.integrations.lightning",
    "from trainer.integrations.transformers import NEqTrainerCallback": "neq.integrations.transformers",
}

ONE_BY_ONE = """
import json, os, sys, warnings
import torch  # once for all; whatever is ours each child imports by itself

assert not any(name.partition(".")[0] in ("neq", "contract", "trainer") for name in sys.modules)
for statement in json.loads(sys.argv[1]):
    read, write = os.pipe()
    if not os.fork():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(statement)
        said = [str(each.message) for each in caught if issubclass(each.category, FutureWarning)]
        os.write(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    print(os.read(read, 65536).decode())
"""


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What each statement said, in a process of its own."""
    command = [sys.executable, "-c", ONE_BY_ONE, json.dumps(list(NEW_PLACES))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return dict(zip(NEW_PLACES, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize(("statement", "new"), NEW_PLACES.items())
def test_an_old_name_works_and_names_the_new(statement: str, new: str, said: dict[str, str]) -> None:
    assert any(new in each for each in json.loads(said[statement]))
