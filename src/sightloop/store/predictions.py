"""Predictions: what was answered, by which version, and where the input lies if it was kept."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Exists, RowMapping, exists, func, select

from sightloop.store.rows import insert_cells
from sightloop.store.tables import annotations, predictions
from sightloop.values.prediction import Prediction, answer_of
from sightloop.values.sample import Place


class Recorded(Prediction, frozen=True, kw_only=True):
    """A prediction with its input: the SHA-256 of its bytes and their place, where they were kept."""

    digest: str | None = None
    place: Place | None = None


def add_many(c: Connection, new: Sequence[Recorded]) -> None:
    """Add predictions in bulk; one whose id is known is not added twice."""
    insert_cells(c, predictions, [_cells(prediction) for prediction in new])


def get(c: Connection, id: str) -> Recorded | None:
    """The prediction with this id, if it was recorded."""
    row = c.execute(select(predictions).where(predictions.c.id == id)).mappings().one_or_none()
    return None if row is None else _recorded(row)


def page(c: Connection, project: str, before: str | None = None, limit: int = 100) -> list[Recorded]:
    """The newest predictions, or those before the one with the id `before`; newest first."""
    query = select(predictions).where(predictions.c.project == project).order_by(predictions.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(predictions.c.id < before)
    return [_recorded(row) for row in c.execute(query).mappings()]


def unlabelled(c: Connection, project: str, limit: int) -> list[Recorded]:
    """The newest predictions whose inputs were kept and that nobody labelled, newest first; each input once."""
    return _kept(c, project, limit, ~_labelled(project))


def labelled(c: Connection, project: str, limit: int) -> list[Recorded]:
    """The newest predictions whose inputs were kept and carry a person's label, newest first; each input once."""
    return _kept(c, project, limit, _labelled(project))


def _labelled(project: str) -> Exists:
    return exists().where(annotations.c.project == project, annotations.c.sample == predictions.c.digest)


def _kept(c: Connection, project: str, limit: int, which: ColumnElement[bool]) -> list[Recorded]:
    wanted = (predictions.c.project == project, predictions.c.blob.is_not(None), which)
    query = select(predictions).where(*wanted).order_by(predictions.c.id.desc()).limit(limit)
    found = [_recorded(row) for row in c.execute(query).mappings()]
    # Here and not in the query, which would have to go through all predictions that there ever were.
    return list({one.digest: one for one in reversed(found)}.values())[::-1]


def count_since(c: Connection, project: str, moment: str | None) -> int:
    """How many predictions were recorded after that moment, or ever."""
    query = select(func.count()).select_from(predictions).where(predictions.c.project == project)
    if moment is not None:
        query = query.where(predictions.c.at > moment)
    return c.execute(query).scalar_one()


def _cells(prediction: Recorded) -> tuple[Any, ...]:
    """The cells of a row, in the order of the table's columns."""
    answer, place = prediction.answer, prediction.place
    return (
        prediction.id,
        prediction.project,
        prediction.version,
        answer.label,
        answer.confidence,
        msgspec.json.encode(answer).decode(),
        prediction.digest,
        *((place.blob, place.offset, place.length) if place else (None, None, None)),
        prediction.at,
    )


def _recorded(row: RowMapping) -> Recorded:
    return Recorded(
        id=row["id"],
        project=row["project"],
        version=row["version"],
        answer=answer_of(row["answer"]),
        at=row["at"],
        digest=row["digest"],
        place=None if row["blob"] is None else Place(row["blob"], row["offset"], row["length"]),
    )
