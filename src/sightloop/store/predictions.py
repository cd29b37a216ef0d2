"""Predictions: what was answered, by which version, and where the input lies if it was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, func, select

from sightloop.store.rows import insert_new
from sightloop.store.tables import predictions
from sightloop.values.prediction import Answer, Prediction
from sightloop.values.sample import Place


class Recorded(Prediction, frozen=True, kw_only=True):
    """A prediction with its input: the SHA-256 of its bytes and their place, where they were kept."""

    digest: str | None = None
    place: Place | None = None


def add_many(c: Connection, new: Sequence[Recorded]) -> None:
    """Add predictions in bulk; one whose id is known is not added twice."""
    insert_new(c, predictions, [_row(prediction) for prediction in new])


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


def count_since(c: Connection, project: str, moment: str | None) -> int:
    """How many predictions were recorded after that moment, or ever."""
    query = select(func.count()).select_from(predictions).where(predictions.c.project == project)
    if moment is not None:
        query = query.where(predictions.c.at > moment)
    return c.execute(query).scalar_one()


def _row(prediction: Recorded) -> dict[str, Any]:
    place = prediction.place
    return {
        "id": prediction.id,
        "project": prediction.project,
        "version": prediction.version,
        "label": prediction.answer.label,
        "confidence": prediction.answer.confidence,
        "answer": msgspec.to_builtins(prediction.answer),
        "digest": prediction.digest or prediction.sample,
        "blob": place.blob if place else None,
        "offset": place.offset if place else None,
        "length": place.length if place else None,
        "at": prediction.at,
    }


def _recorded(row: RowMapping) -> Recorded:
    return Recorded(
        id=row["id"],
        project=row["project"],
        version=row["version"],
        answer=msgspec.convert(row["answer"], Answer),
        at=row["at"],
        sample=row["digest"],
        digest=row["digest"],
        place=None if row["blob"] is None else Place(row["blob"], row["offset"], row["length"]),
    )
