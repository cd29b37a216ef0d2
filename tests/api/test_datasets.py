"""A project's data over HTTP: versions and their differences, lineage both ways, what is wrong, what would start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from tests import tens
from tests.inprocess import Client

from sightloop.api.app import create
from sightloop.loop.samples.collect import collect
from sightloop.store import datasets
from sightloop.values.sample import Labelled, digest_of
from sightloop.wiring import Parts


@pytest.fixture
def parts(make_parts: Callable[..., Parts]) -> Parts:
    """A home in which `tens` was trained once."""
    return make_parts(trained=True)


@pytest.fixture
def client(parts: Parts) -> Iterator[Client]:
    """A client of an application over it."""
    client = Client(create(parts.settings))
    yield client
    client.stop()


def bring(parts: Parts, *items: Labelled) -> None:
    collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="ann", source="upload")


def freeze(parts: Parts) -> None:
    datasets.freeze(parts.database, parts.blobs, "tens", parts.recipe("tens").classes)


def asked(client: Client, path: str, **parameters: Any) -> Any:
    answer = client.get(f"/v1/tens/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_versions_are_listed_and_compared(parts: Parts, client: Client) -> None:
    known, new = tens.samples(1), islice(tens.samples(610), 600, 603)
    (first,) = known
    bring(parts, Labelled(content=first.content, label="9"), *new)
    freeze(parts)
    listed = asked(client, "datasets")["datasets"]
    assert [one["number"] for one in listed] == [2, 1]
    assert asked(client, "datasets/1") == listed[1]
    changes = asked(client, "datasets/1/diff/2", limit=2)
    assert changes["counts"] == {"added": 3, "removed": 0, "relabelled": 1}
    assert len(changes["added"]) == 2
    assert set(changes["added"][0]) == {"digest", "label", "side"}
    assert changes["relabelled"] == [{"digest": digest_of(first.content), "was": first.label, "now": "9"}]
    assert changes["classes"]["9"]["relabelled_to"] == 1
    assert client.get("/v1/tens/datasets/3").status_code == 404
    assert client.get("/v1/tens/datasets/1/diff/3").status_code == 404


def test_lineage_leads_from_a_model_to_its_samples_and_back(parts: Parts, client: Client) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = asked(client, "models/1/lineage", after=cursor, limit=250)
        seen += [sample["digest"] for sample in found["samples"]]
        cursor = found["next"]
    assert len(seen) == len(set(seen)) == sum(found["counts"].values()) == 600
    (first,) = tens.samples(1)
    assert digest_of(first.content) in seen
    back = asked(client, f"samples/{digest_of(first.content)[:16]}/lineage")
    assert [(one["model"], one["label"]) for one in back["models"]] == [(1, first.label)]
    assert back["annotations"][0]["source"] == "import"
    assert client.get("/v1/tens/models/7/lineage").status_code == 404
    assert client.get("/v1/tens/samples/ffff0000ffff/lineage").status_code == 404
    assert client.get("/v1/tens/samples/0/lineage").status_code == 422


def test_the_data_is_checked_anew_when_it_changed(parts: Parts, client: Client) -> None:
    before = asked(client, "check")
    assert before["samples"] == 600
    assert asked(client, "check") == before
    bring(parts, *islice(tens.samples(601), 600, 601))
    assert asked(client, "check")["samples"] == 601
    assert [one["number"] for one in asked(client, "datasets")["datasets"]] == [1]


def test_triggers_say_what_they_see_and_why_they_do_not_start(client: Client) -> None:
    found = {one["trigger"]: one for one in asked(client, "triggers")["triggers"]}
    assert set(found) == {"labels", "predictions"}
    assert (found["labels"]["present"], found["labels"]["level"], found["labels"]["starts"]) == (0.0, 5.0, False)
    assert found["labels"]["held"] == "its level is not reached"


@pytest.mark.parametrize("path", ["datasets", "datasets/1", "datasets/1/diff/2", "check", "triggers"])
def test_an_unknown_project_is_told(client: Client, path: str) -> None:
    assert client.get(f"/v1/nothing/{path}").status_code == 404
