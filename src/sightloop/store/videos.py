"""Videos: sent, worked off by a worker, one after the other, and kept until somebody deletes them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from sightloop.errors import Conflict, NotFound
from sightloop.store import leases
from sightloop.store.rows import value
from sightloop.store.tables import videos
from sightloop.values.moment import new_id, now
from sightloop.values.video import Handling, Stage, Video

_ENDED = tuple(stage.value for stage in Stage if stage.ended)


def open(c: Connection, project: str, name: str, size: int, handling: Handling) -> Video:
    """Note a video of so many bytes that is about to be sent."""
    video = Video(
        id=new_id(), project=project, name=name, stage=Stage.UPLOADING, created=now(), size=size, handling=handling
    )
    c.execute(insert(videos).values(msgspec.to_builtins(video)))
    return video


def get(c: Connection, id: str) -> Video:
    """The video with this id. Raises NotFound."""
    found = _select(c, videos.c.id == id)
    if not found:
        raise NotFound(f"there is no video {id}")
    return found[0]


def page(c: Connection, project: str | None = None, before: str | None = None, limit: int = 100) -> list[Video]:
    """The newest videos, of one project or of all, or those before the one with the id `before`; newest first."""
    where = [videos.c.project == project] if project is not None else []
    if before is not None:
        where.append(videos.c.id < before)
    return _select(c, *where, order=videos.c.id.desc(), limit=limit)


def waiting(c: Connection, worker: str) -> list[Video]:
    """The videos that this worker may work on: those that were begun, then those that wait, the oldest first."""
    return sorted(_select(c, leases.VIDEOS.free(worker)), key=lambda video: video.stage is Stage.QUEUED)


def change(c: Connection, id: str, **fields: Any) -> Video:
    """Set fields of a video that has not ended. Raises NotFound, and Conflict where it has."""
    query = update(videos).where(videos.c.id == id, videos.c.stage.not_in(_ENDED))
    changed = c.execute(query.values(msgspec.to_builtins(fields))).rowcount
    video = get(c, id)
    if not changed:
        raise Conflict(f"video {id} has ended", got=str(video.stage), hint="Send it again.")
    return video


def receive(c: Connection, id: str, received: int) -> Video:
    """So many bytes are here; a video that is whole waits for a worker. Raises NotFound and Conflict."""
    video = get(c, id)
    if video.stage is not Stage.UPLOADING:
        raise Conflict(f"video {id} is not being sent", got=str(video.stage))
    whole = received >= video.size
    return change(c, id, received=received, stage=Stage.QUEUED if whole else Stage.UPLOADING)


def finish(
    c: Connection, id: str, stage: Stage, result: dict[str, Any] | None = None, error: str | None = None
) -> Video:
    """End a video. Raises Conflict where it has ended."""
    fields: dict[str, Any] = {} if result is None else {"result": result, "done": result["frames"]}
    return change(c, id, stage=stage, error=error, eta=None, finished=now(), worker=None, heard=None, **fields)


def request_cancel(c: Connection, id: str) -> Video:
    """Ask for a video's end: one that is being sent or waits is cancelled now, one that is worked on by its worker."""
    if get(c, id).stage is Stage.RUNNING:
        return change(c, id, cancelling=True)
    return change(c, id, cancelling=True, stage=Stage.CANCELLED, finished=now())


def remove(c: Connection, id: str) -> None:
    """Forget a video. Raises NotFound, and Conflict while it is worked on."""
    video = get(c, id)
    if video.stage is Stage.RUNNING:
        raise Conflict(f"video {id} is being worked on", hint="Cancel it first.")
    c.execute(delete(videos).where(videos.c.id == id))


def tally(c: Connection) -> list[tuple[str, str, int, int]]:
    """For each project and stage: how many videos, and how many of their frames are worked off."""
    query = select(videos.c.project, videos.c.stage, func.count(), func.sum(videos.c.done))
    rows = c.execute(query.group_by(videos.c.project, videos.c.stage))
    return [(project, stage, count, int(frames)) for project, stage, count, frames in rows]


def pace(c: Connection) -> dict[str, float]:
    """Seconds that a frame of each project's newest finished video took."""
    newest = select(func.max(videos.c.id)).where(videos.c.stage == Stage.SUCCEEDED.value).group_by(videos.c.project)
    return {one.project: one.result["seconds"] / one.result["frames"] for one in _select(c, videos.c.id.in_(newest))}


def _select(
    c: Connection, *where: ColumnElement[bool], order: ColumnElement[Any] | None = None, limit: int | None = None
) -> list[Video]:
    query = select(videos).where(*where).order_by(videos.c.id if order is None else order).limit(limit)
    return [value(row, Video) for row in c.execute(query).mappings()]
