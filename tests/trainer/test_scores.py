"""Scores against numbers worked by hand and against plain sums in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainer.training.tasks import Classification, Segmentation, logits_in

CPU = torch.device("cpu")


def one_hot(chosen: list[list[list[int]]], classes: int) -> Tensor:
    """Answers that choose these classes, pixel by pixel."""
    return torch.nn.functional.one_hot(torch.tensor(chosen), classes).permute(0, 3, 1, 2).float()


def test_top_five_counts_an_image_whose_class_is_among_the_five_likeliest() -> None:
    logits = torch.tensor([[9, 8, 7, 6, 5, 4.0]]).repeat(4, 1)
    accumulator = Classification(6).accumulator(CPU, whole=True)
    # classes 0 (hit), 4 (fifth), 5 (sixth) and 1 (second)
    accumulator.update(torch.tensor(0.5), logits[:3], torch.tensor([0, 4, 5]))
    accumulator.update(torch.tensor(1.5), logits[3:], torch.tensor([1]))
    score = accumulator.compute()
    assert score.accuracy == 1 / 4
    assert score.scores == {"top5": 3 / 4}
    assert score.loss == pytest.approx((3 * 0.5 + 1.5) / 4)


def test_top_five_is_left_out_where_five_guesses_are_all() -> None:
    accumulator = Classification(5).accumulator(CPU, whole=True)
    accumulator.update(torch.tensor(0.0), torch.eye(5), torch.arange(5))
    assert accumulator.compute().scores == {}


def test_the_mean_intersection_over_union_of_four_pixels_by_hand() -> None:
    task = Segmentation(3, 255)
    accumulator = task.accumulator(CPU, whole=True)
    targets = torch.tensor([[[0, 0], [1, 255]]])
    accumulator.update(torch.tensor(1.0), one_hot([[[0, 1], [1, 2]]], 3), targets)
    score = accumulator.compute()
    # class 0: met 1 of a union of 2; class 1: met 1 of a union of 2; class 2 is nowhere but where it is ignored
    assert score.scores == {"miou": pytest.approx((1 / 2 + 1 / 2) / 2)}
    assert score.accuracy == pytest.approx(2 / 3)


def test_scores_over_batches_are_those_of_a_float64_confusion_matrix() -> None:
    random = torch.Generator().manual_seed(0)
    classes, task = 7, Segmentation(7, 255)
    logits = torch.randn(9, classes, 6, 5, generator=random)
    targets = torch.randint(0, classes - 1, (9, 6, 5), generator=random)  # the last class is never meant
    targets[torch.rand(targets.shape, generator=random) < 0.3] = 255
    accumulator = task.accumulator(CPU, whole=True)
    for part in (slice(0, 4), slice(4, 9)):
        accumulator.update(task.test_loss(logits[part], targets[part]), logits[part], targets[part])
    score = accumulator.compute()

    exact = logits.double().numpy().transpose(0, 2, 3, 1).reshape(-1, classes)
    meant = targets.numpy().reshape(-1)
    counted = meant != 255
    chosen = exact.argmax(1)
    matrix = np.zeros((classes, classes))
    for truth, guess in zip(meant[counted], chosen[counted], strict=True):
        matrix[truth, guess] += 1
    overlap = [matrix[c, c] / (matrix[c].sum() + matrix[:, c].sum() - matrix[c, c]) for c in range(classes)]
    log_sums = np.log(np.exp(exact).sum(1))
    losses = [log_sums[i] - exact[i, meant[i]] for i in np.flatnonzero(counted)]
    assert score.scores["miou"] == pytest.approx(float(np.mean(overlap)), rel=1e-12)
    assert score.accuracy == pytest.approx(np.trace(matrix) / matrix.sum(), rel=1e-12)
    assert score.loss == pytest.approx(float(np.mean(losses)), rel=1e-6)


def test_what_is_answered_where_pixels_are_ignored_changes_nothing() -> None:
    random = torch.Generator().manual_seed(1)
    task = Segmentation(4, 255)
    targets = torch.randint(0, 4, (2, 5, 5), generator=random)
    targets[:, 2:] = 255
    first = torch.randn(2, 4, 5, 5, generator=random)
    second = first.clone()
    second[:, :, 2:] = torch.randn(2, 4, 3, 5, generator=random) * 50
    scores = []
    for logits in (first, second):
        accumulator = task.accumulator(CPU, whole=True)
        accumulator.update(task.test_loss(logits, targets), logits, targets)
        scores.append((accumulator.compute(), task.training_loss({"out": logits, "aux": logits}, targets).item()))
    assert scores[0] == scores[1]


def test_a_batch_in_which_all_is_ignored_has_no_loss_and_pulls_nowhere() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = Segmentation(3, 255).training_loss(logits, torch.full((1, 2, 2), 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_auxiliary_heads_weigh_as_their_papers_say() -> None:
    random = torch.Generator().manual_seed(2)
    one, two, three = (torch.randn(4, 6, generator=random) for _ in range(3))
    targets = torch.tensor([0, 1, 2, 5])
    task = Classification(6, label_smoothing=0.1)

    def loss(logits: Tensor) -> Tensor:
        return cross_entropy(logits, targets, label_smoothing=0.1)

    assert torch.equal(task.training_loss(one, targets), loss(one))
    assert torch.equal(task.training_loss((one, None), targets), loss(one))
    torch.testing.assert_close(task.training_loss((one, two), targets), loss(one) + 0.4 * loss(two))
    torch.testing.assert_close(
        task.training_loss((one, two, three), targets), loss(one) + 0.3 * loss(two) + 0.3 * loss(three)
    )
    masks, pixels = torch.randint(0, 6, (2, 4, 4), generator=random), torch.randn(2, 2, 6, 4, 4, generator=random)
    torch.testing.assert_close(
        Segmentation(6, 255).training_loss({"out": pixels[0], "aux": pixels[1]}, masks),
        cross_entropy(pixels[0], masks) + 0.5 * cross_entropy(pixels[1], masks),
    )


def test_a_smoothed_segmentation_loss_is_torchs_own() -> None:
    random = torch.Generator().manual_seed(3)
    logits, targets = torch.randn(2, 5, 4, 4, generator=random), torch.randint(0, 5, (2, 4, 4), generator=random)
    targets[0, 0] = 255
    torch.testing.assert_close(
        Segmentation(5, 255, label_smoothing=0.2).training_loss(logits, targets),
        cross_entropy(logits, targets, ignore_index=255, label_smoothing=0.2),
    )


def test_an_answer_that_is_no_tensor_is_named() -> None:
    with pytest.raises(TypeError, match="answers with a list"):
        logits_in([torch.ones(1)])
