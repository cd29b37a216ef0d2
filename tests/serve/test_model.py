"""An open model: what takes microseconds is done where the request is, the rest in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest
from tests import packages

from sightloop.errors import BadImage, TooLarge
from sightloop.serve import model as module
from sightloop.serve.model import Model, Threads, open_model
from sightloop.settings import Settings
from sightloop.values.image import Image
from sightloop.values.package import Sealed

SMALL, LABEL = packages.drawn()[0]
LARGE = Image(np.full((200, 200, 3), 255, np.uint8)).encode()


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.stop()


@pytest.fixture
def opened(make_settings: Callable[..., Settings], threads: Threads) -> Callable[..., Model]:
    return lambda sealed, **given: open_model(sealed.card.project, 1, sealed, threads, make_settings(**given))


async def label(model: Model, *contents: bytes) -> list[str]:
    """What the model says."""
    prepared = await model.prepare(contents)
    rows = await model.answer(prepared)
    answers = [model.prediction(found, one.size).answer for found, one in zip(rows, prepared, strict=True)]
    return [answer.label for answer in answers]


def test_small_pictures_and_quick_models_need_no_thread(opened: Callable[..., Model], threads: Threads) -> None:
    model = opened(packages.digits())
    assert model.seconds() < module.QUICK
    expected = asyncio.run(label(model, SMALL, LARGE))
    threads.stop()
    assert asyncio.run(label(model, SMALL)) == expected[:1] == [LABEL]
    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(label(model, LARGE))


def test_pictures_keep_their_shape_where_the_card_says_so(opened: Callable[..., Model]) -> None:
    sealed = packages.digits()
    card = msgspec.structs.replace(sealed.card, input=msgspec.structs.replace(sealed.card.input, fit="pad"))
    model = opened(Sealed(card, sealed.graph, sealed.golden))
    for height, width in ((14, 28), (400, 200)):  # one is decoded where the request is, one in a thread
        pixels = np.full((height, width, 3), 255, np.uint8)
        ((inputs, _),) = asyncio.run(model.prepare([Image(pixels).encode()]))
        np.testing.assert_array_equal(inputs[0], Image(pixels).padded(28, 28))
        assert (inputs[0] > 0).all(axis=2).sum() == 28 * 14


def test_a_model_that_is_not_quick_answers_in_a_thread(
    opened: Callable[..., Model], threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUICK", 0.0)
    model = opened(packages.digits())
    assert asyncio.run(label(model, SMALL)) == [LABEL]
    threads.stop()
    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(label(model, SMALL))


def test_a_small_file_that_declares_a_large_picture_is_not_decoded_where_the_request_is(
    opened: Callable[..., Model], threads: Threads
) -> None:
    model = opened(packages.digits())
    bomb = Image(np.zeros((2000, 2000, 3), np.uint8)).encode()
    assert len(bomb) <= module.SMALL_BYTES
    threads.stop()
    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(model.prepare([bomb]))


def test_many_small_pictures_at_once_go_to_the_threads(opened: Callable[..., Model], threads: Threads) -> None:
    model = opened(packages.digits())
    many = [SMALL] * (module.SMALL_BYTES // len(SMALL) + 1)
    assert asyncio.run(label(model, *many)) == [LABEL] * len(many)
    threads.stop()
    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(model.prepare(many))


def test_what_is_no_picture_is_refused_where_the_request_is(opened: Callable[..., Model]) -> None:
    with pytest.raises(BadImage, match="not an image"):
        asyncio.run(opened(packages.digits()).prepare([b"no picture"]))


def test_the_limit_of_pixels_holds_for_small_pictures_too(opened: Callable[..., Model]) -> None:
    with pytest.raises(TooLarge, match="too many pixels"):
        asyncio.run(opened(packages.digits(), max_image_pixels=10).prepare([SMALL]))
