"""NEq in the real Hugging Face Trainer, with a small BERT made from its description alone: nothing is fetched."""

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from neq import Equilibrium, NEq
from neq.integrations.transformers import NEqTrainerCallback, refuse_splitting
from tests.neq.integrations.comparing import assert_same, assert_same_weights

pytestmark = [pytest.mark.filterwarnings("ignore:.*pin_memory.*no accelerator"), pytest.mark.slow]

RANDOM = torch.Generator().manual_seed(3)
EPSILON = 2e-3
STEPS = 6
"""Of an epoch: 24 sequences in batches of 4."""


def sequences(count: int) -> list[dict[str, Tensor]]:
    """Which class it is shows in the tokens."""
    words = torch.randint(1, 50, (count, 8), generator=RANDOM)
    return [{"input_ids": row, "attention_mask": torch.ones_like(row), "labels": row[0] % 2} for row in words]


DATA = sequences(24)
PROBE = [{key: torch.stack([row[key] for row in sequences(5)]) for key in DATA[0]} for _ in range(2)]


def bert(dropout: float = 0.1) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return BertForSequenceClassification(config)


def training(
    callback: NEqTrainerCallback,
    folder: Path,
    *,
    model: nn.Module | None = None,
    evaluated: Any = None,
    **options: Any,
) -> Trainer:
    given = {
        "num_train_epochs": 5,
        "per_device_train_batch_size": 4,
        "learning_rate": 5e-3,
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        "report_to": "none",
        "logging_strategy": "epoch",
        **options,
    }
    args = TrainingArguments(output_dir=str(folder), **given)
    return Trainer(model or bert(), args, train_dataset=DATA, eval_dataset=evaluated, callbacks=[callback])  # type: ignore[arg-type]


def logged(trainer: Trainer) -> list[dict[str, float]]:
    return [row for row in trainer.state.log_history if "neq/phi" in row]


def batches() -> list[dict[str, Tensor]]:
    return [{key: torch.stack([row[key] for row in DATA[at : at + 4]]) for key in DATA[0]} for at in range(0, 24, 4)]


def test_it_trains_and_freezes_as_the_same_loop_by_hand_does(tmp_path: Path) -> None:
    found, wanted = [], []
    callback = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    trainer = training(
        callback,
        tmp_path,
        model=bert(0.0),
        optim="adamw_torch",
        lr_scheduler_type="constant",
        train_sampling_strategy="sequential",
        max_grad_norm=0.5,
    )
    trainer.train()

    model = bert(0.0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
    with NEq(model, optimizer, PROBE, epsilon=EPSILON) as neq:
        for _ in range(5):
            for batch in batches():
                model(**batch).loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                model.zero_grad()
            wanted.append(neq.end_epoch())
    assert_same(found, wanted)
    assert_same_weights(trainer.model, model)
    assert callback.equilibrium is found[-1]
    assert 0 < found[-1].applied_fraction < 1


def test_frozen_rows_stay_while_gradients_are_gathered(tmp_path: Path) -> None:
    model = bert()
    weight = model.bert.encoder.layer[0].intermediate.dense.weight
    kept = [weight.detach().clone()]
    found: list[Equilibrium] = []

    def note(equilibrium: Equilibrium) -> None:
        found.append(equilibrium)
        kept.append(weight.detach().clone())

    callback = NEqTrainerCallback(PROBE, epsilon=5e-3, on_equilibrium=note)
    training(callback, tmp_path, model=model, gradient_accumulation_steps=2).train()
    applied = [one.layers["bert.encoder.layer.0.intermediate.dense"].applied for one in found]
    moved = [(now != before).any(1) for before, now in pairwise(kept)]
    assert [rows.tolist() for rows in moved] == [(~mask).tolist() for mask in applied]
    assert any(bool(mask.any()) for mask in applied)


SAVED = {
    "at an epoch's end": ({"save_strategy": "epoch"}, 3 * STEPS),
    "after an epoch's last step": ({"save_strategy": "steps", "save_steps": STEPS}, 3 * STEPS),
    "within an epoch": ({"save_strategy": "steps", "save_steps": 4}, 16),
    "within the first epoch": ({"save_strategy": "steps", "save_steps": 4}, 4),
}


@pytest.mark.parametrize("moment", SAVED)
def test_resuming_from_a_checkpoint_gives_the_numbers_of_never_having_stopped(moment: str, tmp_path: Path) -> None:
    options, step = SAVED[moment]
    wanted, found = [], []
    set_seed(1)
    whole = training(
        NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=wanted.append),
        tmp_path,
        **options,
        num_train_epochs=6,
    )
    whole.train()
    set_seed(2)
    resumed = training(
        NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append), tmp_path, **options, num_train_epochs=6
    )
    resumed.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{step}"))
    assert_same(found, wanted[-len(found) :])
    assert found[0].epoch <= step / STEPS
    assert_same_weights(resumed.model, whole.model)
    assert logged(resumed) == logged(whole)
    assert wanted[-1].applied_fraction > 0


def a_checkpoint(folder: Path) -> tuple[list[Equilibrium], Path]:
    wanted: list[Equilibrium] = []
    callback = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=wanted.append)
    training(callback, folder, save_strategy="epoch").train()
    return wanted, folder / f"checkpoint-{3 * STEPS}"


def test_a_checkpoint_that_was_moved_is_gone_on_from_where_it_is_named(tmp_path: Path) -> None:
    wanted, checkpoint = a_checkpoint(tmp_path / "first")
    moved = shutil.move(checkpoint, tmp_path / "elsewhere")
    found: list[Equilibrium] = []
    again = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append, resume_from=str(moved))
    training(again, tmp_path / "second").train(resume_from_checkpoint=str(moved))
    assert_same(found, wanted[3:])


def test_a_checkpoint_whose_state_is_not_found_is_refused_and_another_trainings_is_not_taken(tmp_path: Path) -> None:
    _, checkpoint = a_checkpoint(tmp_path / "first")
    a_checkpoint(tmp_path / "second")  # has a checkpoint of the same step, of another training
    trainer = training(NEqTrainerCallback(PROBE, epsilon=EPSILON), tmp_path / "second")
    with pytest.raises(ValueError, match=r"resumes at step 18 .*second/checkpoint-18 has its neq\.pt.*resume_from"):
        trainer.train(resume_from_checkpoint=str(checkpoint))


def test_a_checkpoint_made_without_neq_starts_it_anew(tmp_path: Path) -> None:
    args = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        save_strategy="epoch",
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
    )
    Trainer(bert(), args, train_dataset=DATA).train()  # type: ignore[arg-type]
    found: list[Equilibrium] = []
    callback = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    training(callback, tmp_path, num_train_epochs=4).train(resume_from_checkpoint=str(tmp_path / "checkpoint-12"))
    assert [one.epoch for one in found] == [0, 1]


def test_a_checkpoint_of_the_model_alone_has_no_state_of_neqs(tmp_path: Path) -> None:
    training(NEqTrainerCallback(PROBE), tmp_path, save_strategy="epoch", save_only_model=True).train()
    assert (tmp_path / "checkpoint-6" / "model.safetensors").exists()
    assert not (tmp_path / "checkpoint-6" / "neq.pt").exists()


def test_training_again_starts_anew(tmp_path: Path) -> None:
    found: list[Equilibrium] = []
    callback = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    trainer = training(callback, tmp_path, num_train_epochs=3)
    trainer.train()
    assert callback.neq is None
    trainer.train()
    assert [one.epoch for one in found] == [0, 1, 2, 0, 1, 2]


def test_its_figures_are_in_trainers_history_beside_the_loss(tmp_path: Path) -> None:
    found: list[Equilibrium] = []
    callback = NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=found.append)
    trainer = training(callback, tmp_path)
    trainer.train()
    rows = logged(trainer)
    assert [row["neq/frozen_fraction"] for row in rows] == [one.frozen_fraction for one in found]
    assert [(row["epoch"], row["step"]) for row in rows] == [(n, STEPS * n) for n in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert ["neq/speed" in row for row in rows] == [False, True, True, True, True]
    assert json.loads(json.dumps(rows)) == rows


def test_phi_is_measured_in_the_weights_precision_under_autocast(tmp_path: Path) -> None:
    """The classifier's rows against a float64 cosine of its outputs; bfloat16 would be wrong by up to 0.02."""
    model = bert()
    outputs: list[Tensor] = []
    phis: list[Tensor] = []
    original = type(model).forward

    def note(equilibrium: Equilibrium | None) -> None:
        training_now = model.training
        with torch.no_grad():
            inputs = [{key: value for key, value in batch.items() if key != "labels"} for batch in PROBE]
            model.eval()
            outputs.append(torch.cat([original(model, **batch).logits for batch in inputs]).double().T)
            model.train(training_now)
        if equilibrium is not None:
            phis.append(equilibrium.layers["classifier"].phi)

    note(None)
    trainer = training(
        NEqTrainerCallback(PROBE, epsilon=EPSILON, on_equilibrium=note), tmp_path, model=model, bf16=True
    )
    trainer.train()
    assert hasattr(model, "_original_forward")  # accelerate did wrap it
    for before, now, phi in zip(outputs, outputs[1:], phis, strict=False):
        assert torch.allclose(torch.cosine_similarity(before, now).float(), phi, atol=1e-6)


class _Splitting(torch.optim.SGD):
    """What accelerate hands to callbacks under that kind of training, as far as it is looked at."""

    def __init__(self, kind: DistributedType) -> None:
        super().__init__([nn.Parameter(torch.zeros(1))])
        self.accelerator_state = type("State", (), {"distributed_type": kind})()


@pytest.mark.parametrize("kind", [DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM])
def test_training_that_splits_parameters_is_refused(kind: DistributedType) -> None:
    with pytest.raises(ValueError, match=f"{kind.value} splits parameters"):
        refuse_splitting(_Splitting(kind))


def test_an_option_that_neq_has_not_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"'epsilom' is no option.*epsilon"):
        NEqTrainerCallback(PROBE, epsilom=1e-3)  # type: ignore[call-arg]
