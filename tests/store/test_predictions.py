"""Predictions: recorded once, paged, counted."""

from __future__ import annotations

from sightloop.store import predictions
from sightloop.store.database import Database
from sightloop.store.predictions import Recorded
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Answer
from sightloop.values.sample import Place, digest_of

ANSWER = Answer(label="7", index=7, confidence=1.0, probabilities=[0.0] * 7 + [1.0, 0.0, 0.0], command="up")


def predict(project: str = "digits", content: bytes | None = None) -> Recorded:
    """An answer, with or without its input."""
    digest = None if content is None else digest_of(content)
    place = None if content is None else Place("b" * 64, 3, len(content))
    return Recorded(id=new_id(), project=project, version=2, answer=ANSWER, at=now(), digest=digest, place=place)


def test_predictions_come_back_as_they_were(database: Database) -> None:
    kept, bare = predict(content=b"pixels"), predict()
    with database.write() as c:
        predictions.add_many(c, [kept, bare])
        predictions.add_many(c, [])
    with database.read() as c:
        assert predictions.get(c, kept.id) == kept
        assert predictions.get(c, bare.id) == bare
        assert predictions.get(c, new_id()) is None


def test_a_prediction_is_recorded_once(database: Database) -> None:
    one = predict()
    with database.write() as c:
        predictions.add_many(c, [one, one])
        predictions.add_many(c, [one])
        assert predictions.count_since(c, "digits", None) == 1


def test_pages_go_back_in_time_and_miss_none(database: Database) -> None:
    made = [predict() for _ in range(7)]
    with database.write() as c:
        predictions.add_many(c, [*made, predict("gestures")])
    with database.read() as c:
        seen: list[Recorded] = []
        while some := predictions.page(c, "digits", before=seen[-1].id if seen else None, limit=3):
            seen += some
    assert seen == made[::-1]


def test_predictions_are_counted_from_a_moment(database: Database) -> None:
    early = predict()
    with database.write() as c:
        predictions.add_many(c, [early])
        predictions.add_many(c, [predict(), predict()])
        assert predictions.count_since(c, "digits", early.at) == 2
        assert predictions.count_since(c, "gestures", None) == 0
