"""Metrics that are no process's own: read from the database when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from sightloop.store import runs, videos
from sightloop.store.database import Database, may_pass


class Tallies(Collector):
    """A collector of Prometheus' client over a database: the runs and videos that it has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """The metrics; none while the database is away or busy, since the others are wanted all the more then."""
        try:
            yield from self._read()
        except SQLAlchemyError as error:
            if not may_pass(error):
                raise
            structlog.get_logger().warning("metrics", fault="the database does not answer")

    def _read(self) -> list[Metric]:
        count = GaugeMetricFamily("sightloop_runs", "Runs by status.", labels=["project", "status"])
        jobs = GaugeMetricFamily("sightloop_videos", "Videos by stage.", labels=["project", "stage"])
        frames = GaugeMetricFamily(
            "sightloop_video_frames", "Frames worked off of the videos that are kept.", labels=["project", "stage"]
        )
        pace = GaugeMetricFamily(
            "sightloop_video_frame_seconds", "Seconds a frame of the newest finished video.", labels=["project"]
        )
        with self._database.read() as connection:
            for project, status, number in runs.tally(connection):
                count.add_metric([project, status], number)
            for project, stage, number, done in videos.tally(connection):
                jobs.add_metric([project, stage], number)
                frames.add_metric([project, stage], done)
            for project, seconds in videos.pace(connection).items():
                pace.add_metric([project], seconds)
        return [count, jobs, frames, pace]
