"""The programs in docs/library.md run as they stand there."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch
import pytest
import torch
import transformers
from torch.utils.data import DataLoader, TensorDataset

from tests.neq.integrations.classifier import Classifier

pytestmark = pytest.mark.slow

LIBRARY = (Path(__file__).parents[3] / "docs/library.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", LIBRARY, flags=re.DOTALL)


def program_with(words: str) -> str:
    found = [program for program in PROGRAMS if words in program]
    assert len(found) == 1
    return found[0]


def run(program: str, **given: Any) -> dict[str, Any]:
    names = {"__name__": "__main__", **given}
    exec(compile(program, "docs/library.md", "exec"), names)
    return names


def test_the_loop_by_hand_runs_as_it_stands_and_freezes(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    names = run(program_with("NEq(model, optimizer, probe"))
    lines = capsys.readouterr().out.splitlines()
    shares = [
        int(found[1]) for line in lines if (found := re.fullmatch(r"epoch \d+: (\d+)% of 36 neurons frozen", line))
    ]
    assert len(shares) == len(lines) == names["epoch"] + 1
    assert shares[0] == 0
    assert max(shares) > 20
    with torch.no_grad():
        answers = names["model"].eval()(names["images"]).argmax(1)
    assert (answers == names["labels"]).float().mean() > 0.9


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec.*:FutureWarning")  # Lightning 2.6 on torch 2.14
def test_the_lightning_example_runs_as_it_stands() -> None:
    train = DataLoader(TensorDataset(torch.randn(6, 4), torch.zeros(6, dtype=torch.long)), batch_size=3)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    names = run(
        program_with("integrations.lightning"),
        Trainer=partial(lightning.pytorch.Trainer, enable_model_summary=False, **quiet),
        module=Classifier(),
        train=train,
        probe=[torch.randn(5, 4)],
    )
    assert names["trainer"].current_epoch == 20
    assert "neq/frozen_fraction" in names["trainer"].callback_metrics


@pytest.mark.filterwarnings("ignore:.*pin_memory.*no accelerator")
def test_the_transformers_example_runs_as_it_stands(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    data = [{"input_ids": torch.tensor([n, 1, 2]), "labels": torch.tensor(n % 2)} for n in range(8)]
    names = run(
        program_with("integrations.transformers"),
        Trainer=transformers.Trainer,
        model=transformers.BertForSequenceClassification(config),
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path), use_cpu=True, disable_tqdm=True, report_to="none", save_strategy="no"
        ),
        data=data,
        probe=[{key: torch.stack([row[key] for row in data]) for key in data[0]}],
    )
    assert sum("neq/frozen_fraction" in row for row in names["trainer"].state.log_history) == 3
