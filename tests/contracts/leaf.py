"""Every promise that the plant disease system made and that the server keeps (its deployment is kept elsewhere)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import numpy as np
import pytest
from tests import drawn, packages
from tests.contracts.conftest import SHIPPED
from tests.house import House, until

from sightloop.data import recipes as shipped
from sightloop.values.bundle import to_zip
from sightloop.values.image import Image

Serve = Callable[..., House]


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A folder with leaf's recipe, for small pictures."""
    return drawn.recipe(tmp_path / "recipes", "leaf")


@pytest.fixture
def serve(tmp_path: Path, recipes: Path) -> Iterator[Serve]:
    """A server of the leaf project over an empty home, with these variables in its environment."""
    houses: list[House] = []

    def start(**environment: str) -> House:
        house = House(tmp_path / "home", default_project="leaf", recipes=recipes, record=False)
        house.environment |= environment
        house.start("serve")
        houses.append(house)
        until(lambda: "/health" in house.log("serve") or house._answers("/health"), 60)
        return house

    yield start
    for house in houses:
        house.stop()


@pytest.fixture
def bucket(make_bucket: Callable[[], str], recipes: Path) -> str:
    """The name of a bucket in which a small model of leaf's classes lies under `models/leaf.zip`."""
    url, recipe = make_bucket(), shipped.load(recipes)["leaf"]
    shape = (np.prod(recipe.input.shape), len(recipe.classes))
    weights = np.random.default_rng(1).normal(scale=1e-4, size=shape)
    size = (recipe.input.height, recipe.input.width)
    seen = [Image.decode(drawn.leaf(label, 1)).resized(*size) for label in recipe.classes]
    graph = packages.graph(recipe.input, weights, np.zeros(len(recipe.classes)))
    model = packages.seal(recipe, graph, np.stack(seen))
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{url}/models/leaf.zip", to_zip(model))
    return url.removeprefix("s3://")


def picture(seed: int) -> dict[str, tuple[str, bytes, str]]:
    """A leaf, as a form sends it."""
    return {"file": ("leaf.jpg", drawn.leaf("Potato___healthy", seed), "image/jpeg")}


def test_the_model_comes_from_the_bucket_and_answers_from_memory(serve: Serve, bucket: str) -> None:
    house = serve(MODEL_S3_BUCKET=bucket, MODEL_S3_KEY="models/leaf.zip")
    house.ready()
    assert house.client.get("/health").json()["status"] == "healthy"
    # Neither the disk nor the bucket has it any more: what answers is in memory.
    shutil.rmtree(house.home / "blobs")
    fsspec.filesystem("s3", skip_instance_cache=True).rm(f"{bucket}/models/leaf.zip")
    for seed in range(3):
        answer = house.client.post("/predict", files=picture(seed))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["status"] == "ok"
        ((*probabilities,),) = body["probs"]
        assert len(probabilities) == len(SHIPPED["leaf"].classes)
        assert probabilities[body["prediction"]] == max(probabilities)
        assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert house.client.get("/docs").status_code == 200


def test_a_model_that_cannot_be_loaded_degrades_and_does_not_crash(serve: Serve, bucket: str) -> None:
    house = serve(MODEL_S3_BUCKET=bucket, MODEL_S3_KEY="models/none.zip")
    health = until(lambda: _degraded(house), 60)
    assert health["model_loaded"] is False
    assert any("models/none.zip" in reason for reason in health["reasons"])
    assert house.client.get("/ready").status_code == 503
    answer = house.client.post("/predict", files=picture(0))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")

    # As soon as the bucket has it, it serves, with no restart.
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.copy(f"{bucket}/models/leaf.zip", f"{bucket}/models/none.zip")
    house.ready()
    assert house.client.post("/predict", files=picture(0)).status_code == 200


def _degraded(house: House) -> dict[str, object] | None:
    health: dict[str, object] = house.client.get("/health").json()
    told = any("no object" in str(reason) for reason in health["reasons"])  # type: ignore[attr-defined]  # a list
    return health if health["status"] == "degraded" and told else None


def test_no_access_keys_stand_in_the_code() -> None:
    import sightloop

    files = [path for path in Path(sightloop.__file__).parent.rglob("*") if path.suffix in {".py", ".toml"}]
    assert len(files) > 100
    assert not [path for path in files if "AKIA" in path.read_text(encoding="utf-8")]


def test_seven_classes_of_potato_and_tomato() -> None:
    classes = SHIPPED["leaf"].classes
    assert len(classes) == 7
    assert {label.split("___")[0] for label in classes} == {"Potato", "Tomato"}
