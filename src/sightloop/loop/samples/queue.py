"""The labelling queue: which of the recorded predictions a person should look at next.

A prediction is worth asking about when the model is unsure of it and it is unlike what was asked already: each next one
has the largest product of (1 - margin) and distance to the nearest chosen embedding. That is greedy k-center selection
(Sener and Savarese, 2018, "Active learning for convolutional neural networks: a core-set approach"), weighted by
margin sampling.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadData, NotFound, NotReady
from sightloop.runtimes.runtime import Session
from sightloop.store import deployments, packages, predictions, versions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.predictions import Recorded
from sightloop.tasks.task import Task
from sightloop.values.image import MAX_PIXELS
from sightloop.values.sample import Place
from sightloop.values.version import ModelVersion

NEWEST = 2000
"""How many of the newest predictions are considered."""
CORRECTED = 500
"""How many of the newest corrected ones count as asked already."""

_SURE = 0.1  # the weight of a prediction without any doubt: far away from all others, it may be surely wrong
_CACHED = 10_000
_AT_ONCE = 64

Floats = NDArray[np.float32]


class Asked(Struct, frozen=True, kw_only=True):
    """A prediction to correct: its id, its input's digest, and what the champion proposes.

    `margin` is how far the best class is ahead of the second best, from 0 (undecided) to 1.
    """

    prediction: str
    sample: str
    label: str
    confidence: float
    margin: float
    at: str


class Asking(Struct, frozen=True, kw_only=True):
    """What to ask next, most useful first; `considered` of the predictions were ranked, `waiting` not yet.

    The inputs of `damaged` more are gone from the store or were altered; `sightloop doctor` names the blobs.
    """

    project: str
    version: int
    considered: int
    waiting: int
    damaged: int = 0
    items: tuple[Asked, ...]


class _Known(NamedTuple):
    probabilities: Floats
    embedding: Floats
    label: str
    confidence: float


def rank(probabilities: Floats, embeddings: Floats, limit: int, asked: Floats | None = None) -> list[int]:
    """The rows to ask about, most useful first, of probabilities (N, classes) and embeddings (N, dims).

    `asked` (M, dims) are the embeddings of what was asked already. Takes N * (limit + M) distances.
    """
    weights = _SURE + 1 - margins(probabilities)
    centres = embeddings[:0] if asked is None else asked
    distances = np.full(len(embeddings), np.inf, np.float32)
    for centre in centres:
        distances = np.minimum(distances, _distances(embeddings, centre))
    chosen: list[int] = []
    for _ in range(min(limit, len(embeddings))):
        # Where nothing was asked yet every distance is the same, and doubt alone decides.
        scores = weights * np.where(np.isfinite(distances), distances, 1)
        scores[chosen] = -1
        chosen.append(int(scores.argmax()))
        distances = np.minimum(distances, _distances(embeddings, embeddings[chosen[-1]]))
    return chosen


def margins(probabilities: Floats) -> Floats:
    """How far the best class is ahead of the second best (N,)."""
    best = np.sort(probabilities, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], np.float32)


def undecided(rows: Floats, threshold: float) -> Floats:
    """How sure a detector's boxes (K, 6) of a picture are, as two probabilities: of the box nearest to the threshold.

    One that is just there, or just not, is as doubtful as two classes of the same probability; no box at all is sure.
    """
    scores = rows[rows[:, 4] > 0, 4]
    distance = np.abs(scores - threshold) / np.where(scores < threshold, threshold, 1 - threshold)
    half = float(distance.min(initial=1.0)) / 2
    return np.array([0.5 + half, 0.5 - half], np.float32)


class Queue:
    """Ranks the open predictions of projects; what a champion says of an input is kept, up to 10,000 inputs."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._sessions: dict[str, tuple[str, Session]] = {}
        self._cache: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._damaged: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def ask(self, project: str, limit: int, seconds: float) -> Asking:
        """The predictions to correct next, of those that nobody corrected and whose input was kept.

        Inputs that the champion has not seen yet are looked at for so many seconds; those that are left are looked at
        by the next call. An input that is damaged is left out and counted. Raises NotReady without a champion.
        """
        with self._one_at_a_time:
            version = self._champion(project)
            with self._database.read() as connection:
                waiting = predictions.unlabelled(connection, project, NEWEST)
                corrected = predictions.labelled(connection, project, CORRECTED)
            self._damaged.clear()  # looked at again: somebody may have brought them back
            deadline = time.monotonic() + seconds
            known = self._look(version, waiting, deadline)
            asked = self._look(version, corrected, deadline)
            looked = [one for one in waiting if one.digest in known]
            damaged = sum(str(one.digest) in self._damaged for one in waiting)
            return Asking(
                project=project,
                version=version.number,
                considered=len(looked),
                waiting=len(waiting) - len(looked) - damaged,
                damaged=damaged,
                items=_chosen(looked, known, asked, limit),
            )

    def _champion(self, project: str) -> ModelVersion:
        with self._database.read() as connection:
            present = deployments.current(connection, project)
            if present is None:
                raise NotReady(f"{project} has no model yet", hint=f"Train one with `sightloop train {project}`.")
            return versions.get(connection, project, present.champion.version)

    def _look(self, version: ModelVersion, recorded: Sequence[Recorded], deadline: float) -> dict[str, _Known]:
        """What the champion says of the inputs, by their digests, as far as time allows."""
        new = [one for one in recorded if (version.package, str(one.digest)) not in self._cache]
        for start in range(0, len(new), _AT_ONCE):
            if time.monotonic() > deadline:
                break
            self._run(version, new[start : start + _AT_ONCE])
        held = {str(one.digest): self._cache.get((version.package, str(one.digest))) for one in recorded}
        found = {digest: known for digest, known in held.items() if known is not None}
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return found

    def _run(self, version: ModelVersion, some: Sequence[Recorded]) -> None:
        card, contents = version.card, self._read(some)
        if not contents:
            return
        task: Task = plugins.load("tasks", card.task)
        prepared = [task.prepare(content, card.input, max_pixels=MAX_PIXELS) for content in contents.values()]
        inputs = np.stack([one.inputs[0] for one in prepared])  # of a picture in tiles, the whole
        answers, embeddings = self._session(version).run(inputs)
        for digest, row, embedding, one in zip(contents, answers, embeddings, prepared, strict=True):
            whole = msgspec.structs.replace(card, input=msgspec.structs.replace(card.input, tiles=(1, 1)))
            answer = task.read([row], whole, one.size)
            sure = undecided(row, card.threshold) if task.boxed else row
            self._cache[version.package, digest] = _Known(sure, embedding, answer.label, answer.confidence)

    def _read(self, some: Sequence[Recorded]) -> dict[str, bytes]:
        """The inputs by their digests, without those that are damaged."""
        places = {str(one.digest): one.place for one in some if one.place}
        try:
            return dict(zip(places, self._blobs.read_many([*places.values()], [*places]), strict=True))
        except (BadData, NotFound):
            singly = ((digest, self._whole(place, digest)) for digest, place in places.items())
            return {digest: content for digest, content in singly if content is not None}

    def _whole(self, place: Place, digest: str) -> bytes | None:
        try:
            return self._blobs.read(place, digest)
        except (BadData, NotFound):
            self._damaged.add(digest)
            return None

    def _session(self, version: ModelVersion) -> Session:
        package, session = self._sessions.get(version.project, ("", None))
        if session is None or package != version.package:
            # One thread: answers to requests come first.
            session = plugins.load("runtimes", "onnx").open(packages.load(self._blobs, version.package), threads=1)
            self._sessions[version.project] = (version.package, session)
        return session


def _chosen(
    looked: Sequence[Recorded], known: dict[str, _Known], asked: dict[str, _Known], limit: int
) -> tuple[Asked, ...]:
    if not looked:
        return ()
    seen = [known[str(one.digest)] for one in looked]
    answers, embeddings = np.stack([one.probabilities for one in seen]), np.stack([one.embedding for one in seen])
    centres = np.stack([one.embedding for one in asked.values()]) if asked else None
    gaps = margins(answers)
    return tuple(
        Asked(
            prediction=looked[row].id,
            sample=str(looked[row].digest),
            label=seen[row].label,
            confidence=seen[row].confidence,
            margin=float(gaps[row]),
            at=looked[row].at,
        )
        for row in rank(answers, embeddings, limit, centres)
    )


def _distances(embeddings: Floats, centre: Floats) -> Floats:
    return np.asarray(np.linalg.norm(embeddings - centre, axis=1), np.float32)
