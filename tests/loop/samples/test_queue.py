"""What a person is asked next: pure ranking, and whether labels that it chose teach more than labels by chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import tens

from sightloop.errors import NotReady
from sightloop.loop.samples.collect import collect
from sightloop.loop.samples.queue import Queue, margins, rank
from sightloop.store import predictions
from sightloop.store.predictions import Recorded
from sightloop.trainers.sklearn.trainer import TRAINER
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.image import Image
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Answer
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, Place, digest_of
from sightloop.wiring import Parts

Make = Callable[..., Parts]
ANSWER = Answer(label="0", index=0, confidence=0.5, probabilities=[0.1] * 10)


def sure(*confidences: float) -> NDArray[np.float32]:
    """Answers of two classes, as sure as that."""
    return np.array([[confidence, 1 - confidence] for confidence in confidences], np.float32)


def test_doubt_decides_where_all_are_alike() -> None:
    assert rank(sure(0.9, 0.5, 0.7), np.eye(3, dtype=np.float32), 2) == [1, 2]


def test_of_three_that_are_nearly_the_same_one_is_asked() -> None:
    places = np.array([[0, 0], [0.01, 0], [0, 0.01], [5, 5]], np.float32)
    assert rank(sure(0.5, 0.51, 0.52, 0.8), places, 2) == [0, 3]


def test_what_was_asked_already_counts_as_chosen() -> None:
    places = np.array([[0, 0], [5, 5]], np.float32)
    assert rank(sure(0.5, 0.8), places, 1, asked=np.array([[0.1, 0]], np.float32)) == [1]


def test_each_row_is_asked_once_and_never_more_than_there_are() -> None:
    same = np.zeros((4, 2), np.float32)
    assert sorted(rank(sure(0.6, 0.6, 0.6, 0.6), same, 9)) == [0, 1, 2, 3]
    assert margins(sure(0.75)).tolist() == [0.5]


def pixels(items: list[Labelled]) -> Arrays:
    """Digits as a trainer takes them."""
    return Arrays(
        np.stack([Image.decode(item.content).pixels for item in items]), np.array([int(item.label) for item in items])
    )


def turned(arrays: Arrays) -> Arrays:
    """The same digits on their side: a kind that no model was taught."""
    return Arrays(np.rot90(arrays.inputs, 1, (1, 2)).copy(), arrays.targets)


def both(one: Arrays, other: Arrays) -> Arrays:
    return Arrays(np.concatenate([one.inputs, other.inputs]), np.concatenate([one.targets, other.targets]))


class Lesson:
    """A model that knows upright digits, a stream in which half lie on their side, and lying ones to judge by."""

    def __init__(self) -> None:
        chance = np.random.default_rng(0)
        items = list(tens.samples(2000))
        items = [items[place] for place in chance.permutation(len(items))]
        self.taught, known = pixels(items[:600]), pixels(items[600:1000])
        self.stream, self.judged = both(known, turned(pixels(items[1000:1400]))), turned(pixels(items[1400:]))
        self.model = self.train(self.taught)

    def train(self, arrays: Arrays) -> Fitted:
        few = Arrays(self.taught.inputs[:50], self.taught.targets[:50])
        return TRAINER.train(Recipe.parse(tens.RECIPE), arrays, few, lambda **_: None)

    def chosen(self, count: int) -> list[int]:
        answers, embeddings = self.model.predict(self.stream.inputs)
        shares = np.exp(answers - answers.max(axis=1, keepdims=True))
        return rank(shares / shares.sum(axis=1, keepdims=True), embeddings, count)

    def accuracy(self, rows: list[int]) -> float:
        """Of a model taught these rows of the stream too, on lying digits."""
        learned = self.train(both(self.taught, Arrays(self.stream.inputs[rows], self.stream.targets[rows])))
        return float((learned.predict(self.judged.inputs)[0].argmax(axis=1) == self.judged.targets).mean())


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """One lesson for all numbers of labels."""
    return Lesson()


@pytest.mark.parametrize("labels", [10, 30, 100])
def test_the_queue_needs_at_most_six_tenths_of_the_labels_that_chance_needs(lesson: Lesson, labels: int) -> None:
    many = round(labels / 0.6)
    by_chance = [
        lesson.accuracy(list(np.random.default_rng(seed).permutation(len(lesson.stream))[:many])) for seed in range(3)
    ]
    assert lesson.accuracy(lesson.chosen(labels)) > np.mean(by_chance)


def record(parts: Parts, items: list[Labelled]) -> list[str]:
    """Predictions of these inputs, recorded; their ids."""
    places: list[Place] = parts.blobs.pack([item.content for item in items])
    new = [
        Recorded(id=new_id(), project="tens", version=1, answer=ANSWER, at=now(), digest=digest, place=place)
        for digest, place in zip([digest_of(item.content) for item in items], places, strict=True)
    ]
    with parts.database.write() as connection:
        predictions.add_many(connection, new)
    return [one.id for one in new]


def test_the_queue_holds_what_nobody_labelled(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    fresh = list(tens.samples(640))[600:]
    ids = record(parts, fresh)
    again = record(parts, fresh[:1])
    record(parts, list(tens.samples(5)))  # samples of the project, with labels
    queue = Queue(parts.database, parts.blobs)
    asking = queue.ask("tens", 100, seconds=60)
    assert (asking.considered, asking.waiting, asking.version) == (40, 0, 1)
    assert {one.prediction for one in asking.items} == {*ids[1:], *again}
    right = sum(one.label == fresh[ids.index(one.prediction)].label for one in asking.items if one.prediction in ids)
    assert right > 30
    collect(parts.database, parts.blobs, parts.recipe("tens"), fresh[:10], author="ann", source="feedback")
    assert {one.prediction for one in queue.ask("tens", 100, seconds=60).items} == set(ids[10:])


def test_a_damaged_input_is_left_out_and_counted(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    fresh = list(tens.samples(604))[600:]
    lost, *whole = [record(parts, [item])[0] for item in fresh]
    with parts.database.read() as connection:
        place = next(one.place for one in predictions.unlabelled(connection, "tens", 9) if one.id == lost)
    assert place is not None
    (blob,) = parts.settings.home.rglob(place.blob)
    content = blob.read_bytes()
    queue = Queue(parts.database, parts.blobs)
    blob.write_bytes(content[:-1] + b"x")
    asking = queue.ask("tens", 9, seconds=60)
    assert {one.prediction for one in asking.items} == set(whole)
    assert (asking.considered, asking.waiting, asking.damaged) == (3, 0, 1)
    blob.unlink()
    assert queue.ask("tens", 9, seconds=60).damaged == 1
    blob.write_bytes(content)
    assert (len(queue.ask("tens", 9, seconds=60).items), queue.ask("tens", 9, seconds=0).damaged) == (4, 0)


def test_a_call_whose_time_is_up_leaves_the_rest_to_the_next(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    record(parts, list(tens.samples(800))[600:])
    queue = Queue(parts.database, parts.blobs)
    assert queue.ask("tens", 5, seconds=-1).waiting == 200
    assert queue.ask("tens", 5, seconds=60).considered == 200
    assert len(queue.ask("tens", 5, seconds=-1).items) == 5  # all of them known by now


def test_without_a_champion_there_is_no_queue(make_parts: Make) -> None:
    parts = make_parts()
    with pytest.raises(NotReady):
        Queue(parts.database, parts.blobs).ask("tens", 5, seconds=1)
