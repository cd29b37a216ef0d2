"""Prints come back in the order in which they came, each with its sample, however many rows they fill."""

from __future__ import annotations

from hashlib import sha256

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from sightloop.store import prints, samples
from sightloop.store.database import Database
from sightloop.store.samples import NewSample
from sightloop.values.sample import Place, Side


def digest(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def print_of(number: int) -> str:
    return sha256(f"print {number}".encode()).hexdigest()


def printed(*numbers: int) -> dict[str, str]:
    return {digest(number): print_of(number) for number in numbers}


def packed(*numbers: int) -> bytes:
    return bytes.fromhex("".join(print_of(number) for number in numbers))


def move(c: Connection, revision: str) -> None:
    config = Config(attributes={"connection": c})
    config.set_main_option("script_location", "sightloop.store:migrations")
    (command.downgrade if revision == "0007" else command.upgrade)(config, revision)


def test_prints_fill_one_row_after_the_other(database: Database) -> None:
    many = range(2 * prints.PACK + 3)
    with database.write() as c:
        prints.add(c, "rps", printed(0, 1))
        prints.add(c, "rps", printed(*many[2 : prints.PACK]))
        prints.add(c, "leaf", printed(7))
        prints.add(c, "rps", {})
        prints.add(c, "rps", printed(*many[prints.PACK :]))
    with database.read() as c:
        assert prints.all(c, "rps") == packed(*many)
        assert prints.all(c, "leaf") == packed(7)
        assert prints.all(c, "digits") == b""
        assert [c.execute(text("select count(*) from prints")).scalar_one()] == [4]


def test_a_print_leads_to_its_sample(database: Database) -> None:
    with database.write() as c:
        prints.add(c, "rps", printed(*range(prints.PACK + 2)))
    places = [prints.PACK + 1, 0, prints.PACK - 1, 0]
    with database.read() as c:
        assert prints.samples(c, "rps", places) == [digest(place) for place in places]
        assert prints.samples(c, "rps", []) == []


def test_prints_of_an_older_schema_are_packed_and_unpacked_again(database: Database) -> None:
    place = Place("0" * 64, 0, 1)
    with database.write() as c:
        for project, numbers in (("leaf", range(3)), ("rps", range(prints.PACK + 1))):
            new = [NewSample(digest=digest(number), side=Side.TRAIN, place=place) for number in numbers]
            samples.add(c, project, new)
            prints.add(c, project, printed(*numbers))
    with database.write() as c:
        move(c, "0007")
        singly = c.execute(text("select project, sample, print from prints")).all()
        assert len(singly) == prints.PACK + 4
        assert ("leaf", digest(2), print_of(2)) in singly
        move(c, "0008")
        assert sorted(prints.samples(c, "rps", range(prints.PACK + 1))) == sorted(map(digest, range(prints.PACK + 1)))
        (first,) = prints.samples(c, "rps", [0])
        assert prints.all(c, "rps")[: prints.BYTES].hex() == printed(*range(prints.PACK + 1))[first]
        assert len(prints.all(c, "leaf")) == 3 * prints.BYTES
