"""The discriminant head: what it tells apart, what it chooses, and what it takes for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.trainers.timm import discriminant
from sightloop.trainers.timm.linear import loss

CLASSES = 3


def embedded(each: int, seed: int, copies: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Copies (C, N, 40): two numbers say the class, ten that vary far more say only how a copy was changed."""
    chance = np.random.default_rng(seed)
    targets = np.tile(np.arange(CLASSES), each)
    rows = chance.normal(0, 1, (len(targets), 40))
    rows[:, :2] = 0.35 * rows[:, :2] + np.array([[0, 1], [1, 0], [-1, -1]])[targets]
    changed = np.repeat(rows[None], copies, axis=0)
    changed[:, :, 2:12] += 6 * chance.normal(0, 1, (copies, len(targets), 10))
    changed[:, :, 0] += 0.2 * changed[:, :, 2]  # what a change does shows in what says the class
    return changed.astype(np.float32), targets


def test_it_sees_through_what_changes_of_a_photograph_alone_do() -> None:
    (copies, targets), (held, asked) = embedded(20, 1), embedded(200, 2, copies=1)
    head = discriminant.fit(copies, copies[0], targets, CLASSES, balanced=True)
    assert (head.logits(held[0]).argmax(axis=1) == asked).mean() > 0.9
    nearest = np.stack([copies[:, targets == kind].mean(axis=(0, 1)) for kind in range(CLASSES)])
    by_distance = ((held[0][:, None] - nearest) ** 2).sum(axis=2).argmin(axis=1)
    assert (by_distance == asked).mean() < 0.8


def test_its_answers_are_as_sure_as_they_are_right() -> None:
    (copies, targets), (held, asked) = embedded(80, 1), embedded(400, 2, copies=1)
    logits = discriminant.fit(copies, copies[0], targets, CLASSES, balanced=True).logits(held[0])
    lost = loss(logits, asked)
    assert min(loss(logits * np.float32(by), asked) for by in (0.25, 0.5, 2, 4)) > 0.9 * lost


def test_what_the_folds_say_is_close_to_what_comes() -> None:
    (copies, targets), (held, asked) = embedded(80, 3), embedded(400, 4, copies=1)
    head = discriminant.fit(copies, copies[0], targets, CLASSES, balanced=True)
    right = (head.logits(held[0]).argmax(axis=1) == asked).mean()
    assert head.found["folds_accuracy"] == pytest.approx(right, abs=0.06)
    assert set(head.found) == {"shrinkage", "temperature", "folds_loss", "folds_accuracy"}


def test_a_frequent_class_leads_only_where_it_may() -> None:
    copies, targets = embedded(40, 5)
    rows = np.flatnonzero((targets == 0) | (np.arange(len(targets)) < 12))
    few, kinds = copies[:, rows], targets[rows]
    middle = np.zeros((1, 40), np.float32)
    leads = []
    for balanced in (False, True):
        logits = discriminant.fit(few, few[0], kinds, CLASSES, balanced=balanced).logits(middle)[0]
        leads.append(logits[0] - logits[1:].max())
    assert leads[0] > leads[1]


def test_one_photograph_of_each_class_will_do_and_a_number_that_never_changes_says_nothing() -> None:
    copies, targets = embedded(1, 6)
    copies[:, :, 5] = 3
    head = discriminant.fit(copies, copies[0], targets, CLASSES, balanced=True)
    assert np.isfinite(head.weight).all()
    assert head.found == {}
    assert head.logits(copies[0]).argmax(axis=1).tolist() == targets.tolist()


def test_what_hardly_varies_counts_for_no_more_than_its_rounding() -> None:
    copies, targets = embedded(40, 7)
    copies[:, :, 5] = np.float32(0.1) + np.float32(1e-7) * (targets == 1)
    head = discriminant.fit(copies, copies[0], targets, CLASSES, balanced=True)
    rounded = copies[0].copy()
    rounded[:, 5] = np.float32(0.1) + np.float32(1e-6)
    assert head.logits(rounded) == pytest.approx(head.logits(copies[0]), abs=1e-2)


def test_fewer_photographs_than_numbers_give_the_layer_that_more_arithmetic_gives() -> None:
    copies, targets = embedded(4, 8, copies=2)
    wide = discriminant._Moments.of(copies, targets, CLASSES, balanced=True)
    assert len(wide.products) == 2 * len(targets) < copies.shape[2]
    covariance = wide.rows.T @ wide.rows / len(wide.rows)
    shrunk = 0.7 * covariance + 0.3 * np.trace(covariance) / 40 * np.eye(40)
    expected = np.linalg.solve(shrunk, wide.means.T).T / wide.scale
    assert wide.head(0.3).weight == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_small_part_counts_as_much_as_a_large_one() -> None:
    chance, targets = np.random.default_rng(8), np.tile(np.arange(CLASSES), 12)
    asked = np.tile(np.arange(CLASSES), 200)

    def rows(kinds: NDArray[np.int64]) -> NDArray[np.float32]:
        telling = chance.normal(0, 0.6, (len(kinds), 2)) + np.array([[0, 1], [1, 0], [-1, -1]])[kinds]
        return np.concatenate([telling, chance.normal(0, 1, (len(kinds), 400))], axis=1).astype(np.float32)

    learned, held = rows(targets), rows(asked)

    def right(parts: tuple[int, ...]) -> float:
        head = discriminant.fit(learned[None], learned, targets, CLASSES, balanced=True, parts=parts)
        return float((head.logits(held).argmax(axis=1) == asked).mean())

    assert right((2, 400)) > right(()) + 0.05
    assert right((402,)) == right(())
