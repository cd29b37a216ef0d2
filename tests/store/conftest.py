"""Fixtures of the store: every test that takes `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from sightloop.store import annotations as labels
from sightloop.store import samples, versions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.samples import NewSample
from sightloop.values.annotation import Annotation
from sightloop.values.moment import new_id, now
from sightloop.values.package import GOLDEN, GRAPH, Package, Parity, Sealed
from sightloop.values.recipe import Input
from sightloop.values.sample import Side, digest_of
from sightloop.values.version import Verdict


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of the test's own: a file, or a schema in the session's server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/home/sightloop.db"
    server: str = request.getfixturevalue("postgres_url")
    schema = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    url = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """A blob store in a folder of the test's own."""
    return Blobs(f"file://{tmp_path}/blobs")


@pytest.fixture
def label(database: Database, blobs: Blobs) -> Callable[..., list[str]]:
    """Adds contents with one label and side to a project; their digests."""

    def add(
        *contents: bytes, label: str = "0", side: Side = Side.TRAIN, project: str = "digits", at: str | None = None
    ) -> list[str]:
        places = blobs.pack(contents)
        digests = [digest_of(content) for content in contents]
        new = [NewSample(digest=digest, side=side, place=place) for digest, place in zip(digests, places, strict=True)]
        said = [
            Annotation(id=new_id(), sample=digest, label=label, author="ann", source="upload", at=at or now())
            for digest in digests
        ]
        with database.write() as c:
            samples.add(c, project, new)
            labels.add(c, project, said)
        return digests

    return add


@pytest.fixture
def make_package() -> Callable[..., Sealed]:
    """Model packages whose files are any bytes."""

    def make(graph: bytes = b"graph", golden: bytes = b"golden", **fields: object) -> Sealed:
        values: dict[str, object] = {
            "project": "digits",
            "task": "classification",
            "classes": ("0", "1"),
            "input": Input(kind="image", height=28, width=28),
            "trainer": "keras",
            "embedding": 64,
            "temperature": 1.25,
            "parity": Parity(samples=8, max_difference=1e-6, limit=1e-4),
            "files": {GRAPH: digest_of(graph), GOLDEN: digest_of(golden)},
        }
        return Sealed(Package(**(values | fields)), graph, golden)  # type: ignore[arg-type]

    return make


@pytest.fixture
def register(database: Database, make_package: Callable[..., Sealed]) -> Callable[..., int]:
    """Registers a version of a project; its number."""

    def add(project: str = "digits", verdict: Verdict = Verdict.ACCEPTED, reason: str = "better") -> int:
        card = make_package(project=project).card
        with database.write() as c:
            return versions.register(c, project, card.digest, card, verdict, reason).number

    return add
