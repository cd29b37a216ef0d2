"""Near duplicates come to lie on one side, whatever brings them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.data.test_prints import jpeg, photo

from sightloop.data import prints
from sightloop.data.splits import side_of
from sightloop.loop.samples import sides
from sightloop.loop.samples.collect import collect
from sightloop.store import samples
from sightloop.store.samples import NewSample
from sightloop.values.sample import Labelled, Side, digest_of
from sightloop.wiring import Parts

Make = Callable[..., Parts]
QUALITIES = range(50, 98, 4)


def copies(seed: int, side: Side | None = None) -> list[Labelled]:
    """One photograph, written anew at twelve qualities: twelve contents."""
    return [Labelled(content=jpeg(photo(seed), quality), label="1", side=side) for quality in QUALITIES]


def take_in(parts: Parts, *items: Labelled) -> None:
    assert not collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="", source="import").rejected


def side(parts: Parts, item: Labelled) -> Side:
    with parts.database.read() as connection:
        found = samples.get(connection, "tens", digest_of(item.content))
    assert found is not None
    return found.side


def test_copies_in_one_import_share_a_side_though_their_digests_do_not(make_parts: Make) -> None:
    parts, items = make_parts(), [item for seed in range(4) for item in copies(seed)]
    split = parts.recipe("tens").split
    assert len({side_of(digest_of(item.content), split) for item in items}) > 1
    take_in(parts, *items)
    for seed in range(4):
        assert len({side(parts, item) for item in copies(seed)}) == 1


def test_a_later_copy_joins_the_one_that_is_there(make_parts: Make) -> None:
    parts = make_parts()
    take_in(parts, Labelled(content=jpeg(photo(1)), label="1", side=Side.TEST))
    take_in(parts, *copies(1))
    assert {side(parts, item) for item in copies(1)} == {Side.TEST}


def test_what_a_data_set_pins_stays_and_the_others_follow_it(make_parts: Make) -> None:
    parts, items = make_parts(), copies(2)
    pinned = Labelled(content=items[-1].content, label="1", side=Side.VALIDATION)
    take_in(parts, *items[:-1], pinned)
    assert {side(parts, item) for item in items} == {Side.VALIDATION}
    take_in(parts, Labelled(content=jpeg(photo(2), 30), label="1", side=Side.TEST))
    assert side(parts, Labelled(content=jpeg(photo(2), 30), label="1")) is Side.TEST


def test_copies_that_come_at_once_share_a_side_on_postgresql_as_well(
    make_parts: Make, make_database: Callable[[], str]
) -> None:
    parts = make_parts(database_url=make_database())
    first, *others = copies(3)
    split = parts.recipe("tens").split
    own = side_of(digest_of(first.content), split)
    second = next(item for item in others if side_of(digest_of(item.content), split) is not own)
    new = NewSample(digest=digest_of(first.content), side=own, place=parts.blobs.pack([first.content])[0])
    print = prints.of(first.content)
    assert print is not None
    with parts.database.write() as connection:
        sides.add(connection, "tens", [new], {new.digest: print})
        later = threading.Thread(target=take_in, args=(parts, second))
        later.start()
        later.join(0.5)
    later.join()
    assert side(parts, second) is own
