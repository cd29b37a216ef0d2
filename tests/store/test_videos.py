"""Videos in the database: sent, taken in their order, and ended once."""

from __future__ import annotations

import pytest

from sightloop.errors import Conflict, NotFound
from sightloop.store import leases, videos
from sightloop.store.database import Database
from sightloop.values.video import Handling, Stage, Video


def sent(database: Database, project: str = "football") -> Video:
    with database.write() as c:
        video = videos.open(c, project, "clip.mp4", 10, Handling(every=3))
        assert videos.receive(c, video.id, 4).stage is Stage.UPLOADING
        return videos.receive(c, video.id, 10)


def test_a_whole_video_waits_and_the_oldest_comes_first(database: Database) -> None:
    first, second = sent(database), sent(database)
    with database.write() as c:
        assert (first.stage, first.received, first.handling.every) == (Stage.QUEUED, 10, 3)
        assert videos.waiting(c, "one") == [first, second]
        assert leases.VIDEOS.take(c, second.id, "one")
        begun = videos.get(c, second.id)
        assert (begun.stage, begun.worker) == (Stage.RUNNING, "one")
        assert begun.started is not None
        assert videos.waiting(c, "one") == [begun, first]  # one that was begun goes on before all others
        assert videos.waiting(c, "two") == [first]  # and is left to who has it
        assert [one.id for one in videos.page(c, "football")] == [second.id, first.id]
        assert [one.id for one in videos.page(c, before=second.id)] == [first.id]


def test_what_has_ended_stays_as_it_is(database: Database) -> None:
    video = sent(database)
    with database.write() as c:
        leases.VIDEOS.take(c, video.id, "one")
        ended = videos.finish(c, video.id, Stage.SUCCEEDED, {"frames": 7})
        assert (ended.done, ended.progress, ended.stage.ended, ended.worker) == (7, 1.0, True, None)
        assert videos.waiting(c, "one") == []
        assert not leases.VIDEOS.take(c, video.id, "one")
        assert not leases.VIDEOS.hold(c, video.id, "one")
        for change in (videos.request_cancel, lambda c, id: videos.change(c, id, done=1)):
            with pytest.raises(Conflict, match="has ended"):
                change(c, video.id)
        with pytest.raises(Conflict, match="not being sent"):
            videos.receive(c, video.id, 10)


def test_a_waiting_video_is_cancelled_at_once_and_a_running_one_asked(database: Database) -> None:
    waiting, running = sent(database), sent(database)
    with database.write() as c:
        assert videos.request_cancel(c, waiting.id).stage is Stage.CANCELLED
        leases.VIDEOS.take(c, running.id, "one")
        asked = videos.request_cancel(c, running.id)
        assert (asked.stage, asked.cancelling) == (Stage.RUNNING, True)
        with pytest.raises(Conflict, match="being worked on"):
            videos.remove(c, running.id)
        videos.remove(c, waiting.id)
        with pytest.raises(NotFound):
            videos.get(c, waiting.id)


def test_videos_are_counted_by_project_and_stage(database: Database) -> None:
    first, second = sent(database), sent(database)
    sent(database, "digits")
    with database.write() as c:
        assert videos.pace(c) == {}
        for video, seconds in ((first, 1.0), (second, 4.0)):
            leases.VIDEOS.take(c, video.id, "one")
            videos.finish(c, video.id, Stage.SUCCEEDED, {"frames": 8, "seconds": seconds})
        assert sorted(videos.tally(c)) == [("digits", "queued", 1, 0), ("football", "succeeded", 2, 16)]
        assert videos.pace(c) == {"football": 0.5}
