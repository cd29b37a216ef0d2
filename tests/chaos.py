"""A house under load whose processes are killed at random moments, and what must be true of it afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy import select
from tests import servers, tens
from tests.house import House, until

from sightloop.data import bundled
from sightloop.settings import Settings
from sightloop.store import audit, datasets, deployments, packages, runs, tables, versions
from sightloop.store.database import is_away
from sightloop.values.image import Image
from sightloop.values.run import Run, Status
from sightloop.values.sample import Place, digest_of
from sightloop.wiring import Parts, build

TARGETS = ("serve", "worker", "postgres")


@dataclass
class Promises:
    """What the server acknowledged, and so must keep."""

    uploads: dict[str, str] = field(default_factory=dict)
    corrections: dict[str, str] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    broken: list[str] = field(default_factory=list)


class Chaos:
    """One house on a PostgreSQL of its own, with clients that never rest, until `stop`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.promises = Promises()
        self.kills: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._held = {name: threading.Lock() for name in ("serve", "worker")}
        self.postgres = servers.Postgres()
        home, recipes = folder / "home", tens.write(folder / "recipes")
        home.mkdir(parents=True)
        self.house = House(home, database_url=self.postgres.url, recipes=recipes, default_project="tens")
        self.parts: Parts = build(
            Settings(home=home, recipes=recipes, database_url=self.postgres.url, offline=True, _env_file=None)  # type: ignore[call-arg]
        )
        tens.stock(self.parts)
        assert tens.turn(self.parts).status is Status.SUCCEEDED
        self._pictures = _fresh(seed)
        self._lock = threading.Lock()
        work = (self._upload, self._correct, self._retrain, self._look, self._keep)
        self._threads = [threading.Thread(target=self._on, args=(one,), name=one.__name__) for one in work]

    def start(self) -> None:
        """Start the processes, and the clients when the API is ready."""
        for name in self._held:
            self.house.start(name)
        self.house.ready()
        for thread in self._threads:
            thread.start()

    def kill(self) -> str:
        """Wait for a random moment, kill one of the three, and see to it that it comes back; which it was.

        Most moments are of full work; one in five may be of the recovery from the kill before.
        """
        if self._random.random() < 0.8:
            until(self._ready, 120)
        time.sleep(self._random.uniform(0.1, 2.5))
        name = self._random.choice(TARGETS)
        if name == "postgres":
            self.postgres.kill()
            time.sleep(self._random.uniform(0, 1.5))
            self.postgres.revive()
        else:
            with self._held[name]:
                if self.house.processes[name].poll() is None:
                    self.house.kill(name)
                    self.house.start(name)
        self.kills[name] += 1
        return name

    def settle(self) -> None:
        """Let the clients rest, and the run that is open end."""
        until(lambda: self.promises.statuses["upload 200"] and self._ready(), 120)
        self._over.set()
        for thread in self._threads:
            thread.join()
        while True:
            until(self._worked_off, 300, every=0.5)
            self.house.stop()
            if not self._open():  # else a trigger queued one more while the house was being stopped
                return

    def stop(self) -> None:
        """End everything."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self.house.stop()
        self.parts.close()
        self.postgres.stop()

    def faults(self) -> list[str]:
        """Every promise that was not kept, as a sentence."""
        return [*self.promises.broken, *_lost(self.parts, self.promises), *_doubled(self.parts), *_halves(self.parts)]

    def runs(self) -> list[Run]:
        """All runs of the house."""
        with self.parts.database.read() as connection:
            return runs.page(connection, limit=1000)

    def _on(self, act: Callable[[httpx.Client], None]) -> None:
        with httpx.Client(base_url=self.house.url, timeout=60) as client:
            while not self._over.is_set():
                try:
                    act(client)
                except httpx.TransportError as error:
                    self.promises.statuses[type(error).__name__] += 1
                    self._over.wait(0.1)
                except Exception as error:
                    if not is_away(error):
                        self.promises.broken.append(f"{act.__name__}: {type(error).__name__}: {error}")
                        return
                    self._over.wait(0.1)

    def _upload(self, client: httpx.Client) -> None:
        """Send a few new pictures, again and again until they are acknowledged."""
        batch = [self._next() for _ in range(3)]
        answer = None
        while not self._over.is_set() and (answer is None or answer.status_code != 200):
            files = [("files", (f"{n}.png", content, "image/png")) for n, (content, _) in enumerate(batch)]
            try:
                answer = client.post(
                    "/v1/tens/samples", files=files, data={"labels": ",".join(label for _, label in batch)}
                )
            except httpx.TransportError as error:
                self.promises.statuses[type(error).__name__] += 1
                self._over.wait(0.1)
            else:
                self._note("upload", answer)
        if answer is not None and answer.status_code == 200:
            self.promises.uploads |= {digest_of(content): label for content, label in batch}

    def _correct(self, client: httpx.Client) -> None:
        """Ask for a new picture and correct the answer."""
        content, label = self._next()
        asked = client.post("/v1/tens/predict", files={"file": ("one.png", content, "image/png")})
        self._note("predict", asked)
        if asked.status_code == 200:
            prediction = asked.json()["predictions"][0]["id"]
            said = client.post(f"/v1/predictions/{prediction}/feedback", json={"label": label, "author": "ann"})
            self._note("correct", said)
            if said.status_code == 201:
                self.promises.corrections[prediction] = label

    def _retrain(self, client: httpx.Client) -> None:
        """Keep a run going."""
        self._note("retrain", client.post("/v1/tens/retrain"))
        self._over.wait(0.5)

    def _look(self, _client: httpx.Client) -> None:
        """Read what can be seen, which must be whole at every moment."""
        self.promises.broken += _halves(self.parts)
        self._over.wait(0.2)

    def _keep(self, _client: httpx.Client) -> None:
        """Start again what died of another's death, as `sightloop up` or systemd would."""
        for name, lock in self._held.items():
            with lock:
                if self.house.processes[name].poll() is not None:
                    self.house.start(name)
        self._over.wait(0.5)

    def _next(self) -> tuple[bytes, str]:
        with self._lock:
            self.promises.asked += 1
            return next(self._pictures)

    def _note(self, what: str, answer: httpx.Response) -> None:
        self.promises.statuses[f"{what} {answer.status_code}"] += 1
        if answer.status_code == 500:
            self.promises.broken.append(f"{what}: {answer.text}")

    def _ready(self) -> bool:
        try:
            return self.house.client.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _worked_off(self) -> bool:
        """Whether no run is open; whoever is not there is started again, since nobody else sees to it any more."""
        for name in self._held:
            process = self.house.processes.get(name)
            if process is None or process.poll() is not None:
                self.house.start(name)
        return not self._open()

    def _open(self) -> list[Run]:
        return [run for run in self.runs() if not run.status.ended]


def _fresh(seed: int) -> Iterator[tuple[bytes, str]]:
    """Digits without end, no two of the same content."""
    noise = np.random.default_rng(seed)
    while True:
        for item in list(bundled.digits())[600:]:
            pixels = Image.decode(item.content).pixels
            yield Image(np.bitwise_xor(pixels, noise.integers(0, 8, pixels.shape, np.uint8))).encode(), item.label


def _lost(parts: Parts, promises: Promises) -> Iterator[str]:
    """Uploads and corrections that were acknowledged and are not there, whole."""
    said, sample = tables.annotations.c, tables.samples
    spoken = select(said.sample, said.label, said.prediction).order_by(said.id)
    with parts.database.read() as connection:
        rows = connection.execute(spoken).all()
        places = {row.digest: row for row in connection.execute(select(sample))}
    labels = {row.sample: row.label for row in rows}
    corrected = {row.prediction: row.label for row in rows}
    for digest, label in promises.uploads.items():
        row = places.get(digest)
        if labels.get(digest) != label or row is None:
            yield f"the upload {digest} was acknowledged and is not there"
        elif digest_of(parts.blobs.read(Place(row.blob, row.offset, row.length))) != digest:
            yield f"the upload {digest} is not what was sent"
    for prediction, label in promises.corrections.items():
        if corrected.get(prediction) != label:
            yield f"the correction of {prediction} was acknowledged and is not there"


def _doubled(parts: Parts) -> Iterator[str]:
    """Steps that ended twice, runs that ended badly, and runs with more than one version or deployment."""
    with parts.database.read() as connection:
        every = runs.page(connection, limit=1000)
        for run in every:
            ended = Counter(event.step for event in runs.events(connection, run.id) if event.kind == "ended")
            yield from (f"run {run.id}: the step {step} ended {n} times" for step, n in ended.items() if n > 1)
            if run.status not in (Status.SUCCEEDED, Status.REFUSED):
                yield f"run {run.id} ended as {run.status} in the step {run.step}: {run.error}"
        made = Counter(version.run for version in versions.list(connection, "tens"))
        deployed = Counter(one.actor for one in deployments.history(connection, "tens"))
        yield from (f"run {run} made {n} versions" for run, n in made.items() if n > 1)
        yield from (f"{actor} deployed {n} times" for actor, n in deployed.items() if n > 1)
        yield from (fault.message for fault in audit.verify(connection))


def _halves(parts: Parts) -> list[str]:
    """Versions that can be seen and are not whole; the newest few, since they are never changed."""
    with parts.database.read() as connection:
        models = versions.list(connection, "tens")[:3]
        frozen = datasets.list(connection, "tens")[:3]
    found = []
    looks: list[tuple[str, Callable[[], object]]] = [
        *((f"version {one.number}", partial(packages.load, parts.blobs, one.package)) for one in models),
        *((f"dataset version {one.number}", partial(datasets.check, parts.blobs, one)) for one in frozen),
    ]
    for name, look in looks:
        try:
            look()
        except Exception as error:  # whatever is wrong with it, it is not whole
            found.append(f"{name} can be seen and is not whole: {error}")
    return found
