"""What a process tells of itself: metrics by the names in docs/metrics.md, and logs as JSON lines."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import MutableMapping
from functools import cache
from typing import Any, BinaryIO, Literal

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which several serving processes share their metrics."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    """A process's metrics. Made once, where the parts are put together; tests make one each."""

    def __init__(self) -> None:
        # prometheus_client looks for the shared folder when it is imported, which is before anybody could name it.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.landmark_mean = self._gauge("input_landmark_mean", "Mean of the last hand's 63 raw numbers.")
        self.landmark_std = self._gauge("input_landmark_std", "Standard deviation of the last hand's 63 raw numbers.")
        self.version = self._gauge("sightloop_model_version", "The version that answers as champion.", "project")
        self.swaps = Counter("sightloop_swaps_total", "Deployments taken into use.", ["project"], registry=registry)
        self.faults = Counter(
            "sightloop_deployment_faults_total", "Deployments that could not be opened.", ["project"], registry=registry
        )
        self.recording = self._gauge("sightloop_recording_waiting", "Predictions that wait to be recorded.")
        self.recorded = Counter("sightloop_predictions_recorded_total", "Predictions recorded.", registry=registry)
        self.dropped = Counter(
            "sightloop_predictions_dropped_total", "Predictions that were answered but not recorded.", registry=registry
        )
        # A reference is all that the answer path can afford; the two numbers are worked out when they are asked for.
        self.last_hand: NDArray[Any] | None = None
        self._add_requests()
        self._add_streams()

    def _add_requests(self) -> None:
        latency = Histogram(
            "prediction_latency_seconds",
            "From the decoded request to its answer, in seconds.",
            ["project"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        predictions = Counter("predictions_total", "Predictions made.", ["project"], registry=self.registry)
        requests = Histogram(
            "sightloop_request_seconds",
            "Requests by route, method and status: how many, and their duration in seconds.",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        # What a request counts is found in a table of ours: `labels` writes its words as texts and takes a lock first.
        self.latency, self.predictions = cache(latency.labels), cache(predictions.labels)
        self.requests = cache(requests.labels)

    def _add_streams(self) -> None:
        self.streams = Gauge(
            "sightloop_streams", "Live streams that are open.", registry=self.registry, multiprocess_mode="livesum"
        )
        self.frames = Counter(
            "sightloop_stream_frames_total",
            "Frames of live streams: answered, refused, or dropped for a newer one.",
            ["project", "outcome"],
            registry=self.registry,
        )
        self.look = Histogram(
            "sightloop_stream_frame_seconds",
            "From the moment at which a frame of a live stream is begun to its answer, in seconds.",
            ["project"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.age = Histogram(
            "sightloop_stream_age_seconds",
            "From a frame's arrival to its answer, in seconds.",
            ["project"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        # With several processes the newest value counts, whichever process it came from.
        return Gauge(name, meaning, labels, registry=self.registry, multiprocess_mode="mostrecent")

    def exposition(self, *further: Collector) -> bytes:
        """All metrics in Prometheus' text format, added up over the serving processes where there are several.

        Beside them stand those of `further` collectors.
        """
        if self.last_hand is not None:
            self.landmark_mean.set(self.last_hand.mean(dtype=np.float64))
            self.landmark_std.set(self.last_hand.std(dtype=np.float64))
        others = CollectorRegistry()
        for one in further:
            others.register(one)
        if not os.environ.get(SHARED_FOLDER):
            return generate_latest(self.registry) + generate_latest(others)
        MultiProcessCollector(others)  # type: ignore[no-untyped-call]
        ProcessCollector(registry=others)
        return generate_latest(others)


class Lines:
    """Writes lines of the log: those of one turn of an event loop together, warnings and all else at once.

    A write lets other threads in, and waits for its own turn again: one for each request would cost more than the line.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._lock = threading.Lock()
        self._due: asyncio.AbstractEventLoop | None = None

    def info(self, line: bytes) -> None:
        """Write a line in this turn of the event loop, or at once where none runs in this thread."""
        with self._lock:
            self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        if self._due is not loop:  # another loop may have ended before it came to it
            self._due = loop
            loop.call_soon(self._flush)

    def error(self, line: bytes) -> None:
        """Write a line, and what waits before it."""
        with self._lock:
            self._waiting.append(line)
        self._flush()

    debug, warning, critical = info, error, error

    def _flush(self) -> None:
        with self._lock:
            waiting, self._waiting, self._due = self._waiting, [], None
            self._file.write(b"".join(line + b"\n" for line in waiting))
            self._file.flush()


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Write logs to standard error from this level on, one line each with a timestamp: JSON, or text for a terminal."""
    if form == "console":
        # The pretty kind of traceback would print variables, and with them what users sent.
        rendering: list[Any] = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        written: Any = structlog.PrintLogger(sys.stderr)
    else:
        rendering, written = [structlog.processors.format_exc_info, _as_json], Lines(sys.stderr.buffer)
    # It tells of every form that cannot be read, which the answer does, in lines that are no JSON.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: written,
        cache_logger_on_first_use=True,
    )


def _as_json(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> bytes:
    """A line of the log: every request writes one, so it is put together by the quickest encoder at hand."""
    try:
        return msgspec.json.encode(event, enc_hook=repr)
    except (UnicodeEncodeError, OverflowError):  # half a character, or a number beyond 64 bits
        return json.dumps(event, default=repr).encode()
