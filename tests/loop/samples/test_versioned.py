"""Dataset versions in DVC: a run that tracks its own, and what comes back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tens

from sightloop.errors import Conflict
from sightloop.loop.job import Job
from sightloop.loop.samples.versioned import Versioned
from sightloop.loop.steps import archive
from sightloop.store import datasets
from sightloop.values.dataset import DatasetVersion
from sightloop.values.run import Status
from sightloop.wiring import Parts

Make = Callable[..., Parts]
TRACKED = tens.RECIPE.replace("[data]", '[data]\ntrack = "dvc"')


def frozen(parts: Parts) -> DatasetVersion:
    return datasets.freeze(parts.database, parts.blobs, "tens", parts.recipe("tens").classes)


def versioned(parts: Parts) -> Versioned:
    return Versioned(parts.settings, parts.database, parts.blobs)


def test_a_run_pushes_its_version_to_a_bucket_where_the_recipe_asks(
    make_parts: Make, make_bucket: Callable[[], str]
) -> None:
    parts = make_parts(TRACKED, dvc_remote=make_bucket())
    tens.stock(parts)
    job = Job(tens.ask(parts), parts.recipe("tens"), parts.settings, parts.database, parts.blobs, lambda: False)
    found = archive(job, {"dataset": frozen(parts).number})
    version = frozen(parts)
    assert (version.number, version.archive) == (1, found["archive"])
    # A machine that has the rows and the blobs, but nothing of DVC's.
    shutil.rmtree(parts.settings.home / "datasets")
    assert versioned(parts).pull(version).stat().st_size > 600 * 512


def test_a_run_whose_version_cannot_be_pushed_fails_before_it_trains(make_parts: Make) -> None:
    parts = make_parts(TRACKED, dvc_remote="/proc/nowhere")
    tens.stock(parts)
    run = tens.turn(parts)
    assert (run.status, run.step) == (Status.FAILED, "archive")
    assert "could not push" in str(run.error)


def test_another_home_packs_the_same_samples_to_the_same_bytes(make_parts: Make, tmp_path: Path) -> None:
    archives = []
    for name, count in (("one", (600,)), ("two", (200, 600))):
        parts = make_parts(home=tmp_path / name)
        for some in count:
            tens.stock(parts, some)
        archives.append(versioned(parts).track(frozen(parts)).archive)
    assert archives[0] == archives[1] is not None


def test_an_edited_copy_is_replaced_by_the_remotes(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    version = versioned(parts).track(frozen(parts))
    path = versioned(parts).pull(version)
    whole = path.read_bytes()
    path.chmod(0o644)
    with path.open("r+b") as file:  # the very file that DVC's cache links to
        file.seek(200_000)
        file.write(b"edited")
    assert versioned(parts).pull(version).read_bytes() == whole


def test_a_version_that_never_was_pushed_is_told(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    with pytest.raises(Conflict, match="--track"):
        versioned(parts).pull(frozen(parts))
