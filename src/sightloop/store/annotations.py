"""Annotations: what people say that samples are. They are only ever added; the newest of a sample counts."""

from collections.abc import Collection, Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Subquery, func, select
from sqlalchemy.exc import IntegrityError

from sightloop.errors import BadData
from sightloop.store import tables
from sightloop.store.rows import insert_new, value
from sightloop.values.annotation import Annotation, Source
from sightloop.values.box import Box
from sightloop.values.moment import id_after
from sightloop.values.prediction import answer_of, is_right

_said = tables.annotations.c


def add(c: Connection, project: str, new: Sequence[Annotation]) -> None:
    """Add annotations of samples that the project has (else BadData); one whose id is known is not added twice.

    What is added last is a sample's newest, also where the clock of an earlier one was ahead: its id is then moved up.
    """
    rows = [{"project": project} | msgspec.to_builtins(annotation) for annotation in _in_order(c, project, new)]
    try:
        insert_new(c, tables.annotations, rows)
    except IntegrityError as error:
        raise BadData(
            f"an annotation names a sample that {project} has not got", hint="Add the samples first."
        ) from error


def counting(c: Connection, project: str, digests: Collection[str]) -> dict[str, Annotation]:
    """The annotation that counts, by the digest of its sample, of these samples (some thousands at most)."""
    last = newest(project, digests)
    query = select(tables.annotations).join(last, _said.id == last.c.id)
    return {row["sample"]: value(row, Annotation) for row in c.execute(query).mappings()}


def newest(project: str, digests: Collection[str] | None = None) -> Subquery:
    """The query for the ids of the annotations that count: of each sample, or each of these, the newest."""
    query = select(func.max(_said.id).label("id")).where(_said.project == project)
    if digests is not None:
        query = query.where(_said.sample.in_(digests))
    return query.group_by(_said.sample).subquery()


def history(c: Connection, project: str, digest: str) -> list[Annotation]:
    """All that people said of one sample, oldest first."""
    query = select(tables.annotations).where(_said.project == project, _said.sample == digest).order_by(_said.id)
    return [value(row, Annotation) for row in c.execute(query).mappings()]


def judged(c: Connection, project: str, moment: str | None, limit: int) -> list[bool]:
    """Whether the last predictions that people answered after that moment (or ever) were right, newest first.

    Each prediction counts once, by the newest answer to it; one of boxes is right where all of them agree.
    """
    query = select(func.max(_said.id).label("id")).where(_said.project == project, _said.source == "feedback")
    if moment is not None:
        query = query.where(_said.at > moment)
    last = query.where(_said.prediction.is_not(None)).group_by(_said.prediction).subquery()
    made = tables.predictions.c
    answered = (
        select(made.answer, _said.label, _said.boxes)
        .join(last, _said.id == last.c.id)
        .join(tables.predictions, made.id == _said.prediction)
        .order_by(_said.id.desc())
        .limit(limit)
    )
    return [
        is_right(answer_of(answer), label, msgspec.convert(boxes, tuple[Box, ...] | None))
        for answer, label, boxes in c.execute(answered)
    ]


def count_since(c: Connection, project: str, moment: str | None, sources: Collection[Source] | None = None) -> int:
    """How many samples people have labelled since that moment (or ever), each counted once; by these ways only."""
    query = select(func.count(_said.sample.distinct())).where(_said.project == project)
    if sources is not None:
        query = query.where(_said.source.in_(sources))
    if moment is not None:
        query = query.where(_said.at > moment)
    return int(c.execute(query).scalar_one())


def _in_order(c: Connection, project: str, new: Sequence[Annotation]) -> Iterator[Annotation]:
    query = select(_said.sample, func.max(_said.id).label("id")).where(_said.project == project)
    digests = {said.sample for said in new}
    found = c.execute(query.where(_said.sample.in_(digests)).group_by(_said.sample))
    last: dict[str, str] = {row["sample"]: row["id"] for row in found.mappings()}
    behind = {said.id for said in new if said.id <= last.get(said.sample, "")}
    known = set(c.execute(select(_said.id).where(_said.id.in_(behind))).scalars()) if behind else set()
    for said in new:
        before = last.get(said.sample, "")
        if said.id < before and said.id not in known:
            said = msgspec.structs.replace(said, id=id_after(before))
        last[said.sample] = max(said.id, before)
        yield said
