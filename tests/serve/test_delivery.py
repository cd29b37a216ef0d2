"""A model comes from a bucket when the server starts, and its absence takes nothing down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import fsspec  # type: ignore[import-untyped]
import pytest
from tests import packages
from tests.deploying import Home
from tests.house import until

from sightloop.serve.delivery import Delivery
from sightloop.store import deployments, versions
from sightloop.values.bundle import to_zip

Make = Callable[..., Home]


@pytest.fixture
def deliver() -> Iterator[Callable[..., Delivery]]:
    """Begin to fetch for a home; stopped at the end."""
    with ExitStack() as stack:

        def begin(home: Home, *projects: str) -> Delivery:
            delivery = Delivery(home.database, home.blobs, projects or ("digits", "gestures"), home.settings)
            stack.callback(delivery.stop)
            delivery.start()
            return delivery

        yield begin


Begin = Callable[..., Delivery]


def named(bucket: str, key: str = "models/digits.zip") -> dict[str, str]:
    """The settings that name the model, as the environment has them."""
    return {"MODEL_S3_BUCKET": bucket.removeprefix("s3://"), "MODEL_S3_KEY": key}


def put(bucket: str, data: bytes) -> None:
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{bucket}/models/digits.zip", data)


def champion(home: Home) -> int | None:
    with home.database.read() as connection:
        present = deployments.current(connection, "digits")
    return None if present is None else present.champion.version


def test_it_comes_as_soon_as_it_is_there_and_once(
    make_home: Make, deliver: Begin, make_bucket: Callable[[], str]
) -> None:
    bucket = make_bucket()
    home = make_home(**named(bucket))
    delivery = deliver(home)
    until(lambda: "no object" in (delivery.fault or ""), 30, 0.02)
    assert champion(home) is None
    put(bucket, to_zip(packages.digits()))
    until(lambda: delivery.fault is None, 30, 0.02)
    assert champion(home) == 1
    with home.database.read() as connection:
        assert bucket in versions.get(connection, "digits", 1).reason


def test_a_restart_undoes_no_promotion(make_home: Make, deliver: Begin, make_bucket: Callable[[], str]) -> None:
    bucket = make_bucket()
    put(bucket, to_zip(packages.digits()))
    home = make_home(**named(bucket))
    first = deliver(home)
    until(lambda: first.fault is None, 30, 0.02)
    home.deploy(packages.digits(sharpness=20))
    again = deliver(home)
    until(lambda: again.fault is None, 30, 0.02)
    assert champion(home) == 2


@pytest.mark.parametrize(
    ("data", "projects", "fault"),
    [
        (b"no zip", ("digits",), "no zip of a model package"),
        (to_zip(packages.digits()), ("digit",), "did you mean 'digit'"),
    ],
    ids=["another file", "of a project that is not there"],
)
def test_what_cannot_be_deployed_is_told(
    make_home: Make,
    deliver: Begin,
    make_bucket: Callable[[], str],
    data: bytes,
    projects: tuple[str, ...],
    fault: str,
) -> None:
    bucket = make_bucket()
    put(bucket, data)
    delivery = deliver(make_home(**named(bucket)), *projects)
    until(lambda: fault in (delivery.fault or ""), 30, 0.02)


def test_half_a_name_is_told_and_none_is_no_fault(make_home: Make, deliver: Begin) -> None:
    half = deliver(make_home(MODEL_S3_BUCKET="bucket"))
    until(lambda: "MODEL_S3_KEY" in (half.fault or ""), 10, 0.02)
    assert deliver(make_home()).fault is None
