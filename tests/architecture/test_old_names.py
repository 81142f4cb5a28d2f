"""What was documented under another name works for one release more, and says where its new place is."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("statement", "new"),
    [
        ("from neq import Watch", "neq.LayerFilter"),
        ("import neq; neq.Options(savings='turned')", "savings='transposed'"),
        ("import neq; neq.GroupEquilibrium((), 0, 1.0, None, None, True).settled", "GroupEquilibrium.at_equilibrium"),
        ("import neq; neq.LayerEquilibrium(*8 * [None]).settled", "LayerEquilibrium.at_equilibrium"),
        ("from contract.plugins import OwnModel", "ModelPlugin"),
        ("from contract.plugins import OwnData", "DatasetPlugin"),
        ("from trainer.data import OwnSets", "trainer.data.DatasetSplits"),
        ("from trainer.models import Shape", "trainer.models.DataShape"),
        ("from trainer.neq import NEq, Watch, register_layer", "from neq import NEq"),
        ("from trainer.own import OwnData, OwnModel, wrong_field", "contract.plugins"),
        ("from trainer.integrations.lightning import NEqCallback", "neq.integrations.lightning"),
        ("from trainer.integrations.transformers import NEqTrainerCallback", "neq.integrations.transformers"),
    ],
)
def test_an_old_name_works_and_names_the_new(statement: str, new: str) -> None:
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "FutureWarning" in done.stderr
    assert new in done.stderr
