"""Keeps what was answered, and the inputs, off the answer path: a bounded queue that a thread empties in batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from sightloop.settings import Settings
from sightloop.store import predictions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.predictions import Recorded
from sightloop.telemetry import Telemetry
from sightloop.values.prediction import Prediction
from sightloop.values.sample import Place, digest_of

PAUSE = 0.2
"""Seconds between two looks at the queue."""
BATCH = 1000
MAX_BYTES = 64 * 2**20
"""The most bytes of inputs that wait; beyond them a prediction is recorded without its input."""
_PATIENCE = 20.0

_log = structlog.get_logger()


class Waiting(NamedTuple):
    """A prediction that is to be recorded, and its input where there was room for it."""

    prediction: Prediction
    content: bytes | None


class Recorder:
    """Records predictions in one database. `take` belongs to the event loop; the rest may be called from any thread."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, telemetry: Telemetry) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._telemetry = telemetry
        self._waiting: deque[Waiting] = deque()
        # Each is written by one thread only, so that neither needs a lock: their difference is what waits.
        self._bytes_in = self._bytes_out = 0
        self._placed: dict[str | None, Place] = {}
        self._failing = False
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def stop(self) -> None:
        """Record all that waits, then end."""
        self._stopping = True
        self._wake.set()
        self._thread.join(_PATIENCE)

    def hurry(self) -> None:
        """Record what waits now, since somebody asks for it."""
        self._wake.set()

    def take(self, made: Sequence[Prediction], contents: Sequence[bytes]) -> None:
        """Queue predictions with their inputs; where the queue is full they are counted and let go."""
        if not self._settings.record:
            return
        for prediction, content in zip(made, contents, strict=True):
            if len(self._waiting) >= self._settings.max_recording:
                self._telemetry.dropped.inc()
                continue
            room = self._bytes_in - self._bytes_out + len(content) <= MAX_BYTES
            self._bytes_in += len(content) if room else 0
            self._waiting.append(Waiting(prediction, content if room else None))

    def _work(self) -> None:
        while not self._stopping:
            self._wake.wait(PAUSE)
            self._wake.clear()
            self._empty()
        self._empty()
        if self._waiting:
            self._telemetry.dropped.inc(len(self._waiting))
            _log.error("predictions lost", count=len(self._waiting))

    def _empty(self) -> None:
        while batch := [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]:
            try:
                self._store(batch)
            except Exception:  # whatever the stores failed with, the batch is kept and tried again
                self._waiting.extendleft(reversed(batch))
                self._telemetry.recording.set(len(self._waiting))
                if not self._failing:  # told once, not at each of five tries a second
                    _log.exception("predictions not recorded", waiting=len(self._waiting))
                self._failing = True
                return
            self._failing = False
            self._bytes_out += sum(len(one.content or b"") for one in batch)
            self._telemetry.recorded.inc(len(batch))
            self._telemetry.recording.set(len(self._waiting))

    def _store(self, batch: Sequence[Waiting]) -> None:
        digests = [None if one.content is None else digest_of(one.content) for one in batch]
        places = self._keep({digest: one.content for digest, one in zip(digests, batch, strict=True)})
        recorded = [
            _recorded(one.prediction, digest, places.get(digest)) for digest, one in zip(digests, batch, strict=True)
        ]
        with self._database.write() as connection:
            predictions.add_many(connection, recorded)
        self._placed.clear()

    def _keep(self, contents: dict[str | None, bytes | None]) -> dict[str | None, Place]:
        """The places of distinct contents, in as few blobs as will hold them.

        What was stored by a try whose rows could not be written is not stored again, in a blob with what came since.
        """
        fresh = {
            digest: content
            for digest, content in contents.items()
            if content is not None and digest not in self._placed
        }
        self._placed |= zip(fresh, self._blobs.pack(list(fresh.values())), strict=True)
        return self._placed


def _recorded(prediction: Prediction, digest: str | None, place: Place | None) -> Recorded:
    return Recorded(
        id=prediction.id,
        project=prediction.project,
        version=prediction.version,
        answer=prediction.answer,
        at=prediction.at,
        digest=digest,
        place=place,
    )
