"""Labelled samples come in, many at once, and the same again changes nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

import pytest
from tests import packages
from tests.deploying import Home
from tests.inprocess import Client
from tests.labels import counting

from sightloop.store import annotations as said
from sightloop.store import samples
from sightloop.values.sample import digest_of

ITEMS = packages.drawn()[:6]
FILES = [("files", (f"{number}.png", content, "image/png")) for number, (content, _) in enumerate(ITEMS)]
LABELS = [label for _, label in ITEMS]


@pytest.mark.parametrize(
    "labels", [LABELS, ",".join(LABELS), json.dumps(LABELS), json.dumps([int(label) for label in LABELS])]
)
def test_labels_may_be_given_in_each_form(client: Client, home: Home, labels: Any) -> None:
    answer = client.post("/v1/digits/samples", files=FILES, data={"labels": labels})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"added": 6, "known": 0, "relabelled": 0, "rejected": []}
    with home.database.read() as connection:
        assert sorted(counting(connection, "digits").values()) == sorted(LABELS)


def test_the_same_again_changes_nothing_and_another_label_counts(client: Client, home: Home) -> None:
    client.post("/v1/digits/samples", files=FILES, data={"labels": LABELS})
    again = client.post("/v1/digits/samples", files=FILES, data={"labels": LABELS}).json()
    assert (again["added"], again["known"], again["relabelled"]) == (0, 6, 0)
    other = client.post("/v1/digits/samples", files=FILES[:1], data={"labels": "9"}).json()
    assert (other["known"], other["relabelled"]) == (1, 1)
    with home.database.read() as connection:
        assert sum(samples.count(connection, "digits").values()) == 6


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(client: Client) -> None:
    files = [*FILES[:2], ("files", ("bad.png", b"no image", "image/png")), FILES[3]]
    answer = client.post("/v1/digits/samples", files=files, data={"labels": ["1", "eleven", "2", "3"]}).json()
    assert answer["added"] == 2
    assert [one["index"] for one in answer["rejected"]] == [1, 2]
    assert "eleven" in answer["rejected"][0]["reason"]
    assert "not an image" in answer["rejected"][1]["reason"]


def test_nothing_that_can_be_taken_is_an_error(client: Client) -> None:
    answer = client.post("/v1/digits/samples", files=[("files", b"no image")], data={"labels": "1"})
    assert answer.status_code == 422
    assert "not an image" in answer.json()["got"]


@pytest.mark.parametrize("labels", [{}, {"labels": LABELS[:5]}, {"labels": "[1, 2"}, {"labels": ""}])
def test_labels_must_pair_with_the_files(client: Client, labels: dict[str, Any]) -> None:
    answer = client.post("/v1/digits/samples", files=FILES, data=labels)
    assert answer.status_code == 422
    assert "label" in answer.json()["detail"]


def test_landmarks_come_as_json(client: Client) -> None:
    items = [{"landmarks": packages.hand(seed).tolist(), "label": "thumb up"} for seed in range(3)]
    answer = client.post("/v1/gestures/samples", json={"items": items})
    assert answer.json()["added"] == 3
    one = client.post("/v1/gestures/samples", json={"landmarks": packages.hand(9).tolist(), "label": "ok"})
    assert one.json()["added"] == 1


def test_the_plain_upload_answers_in_its_shape(client: Client) -> None:
    answer = client.post("/upload", files=FILES, data={"labels": LABELS})
    assert answer.json() == {"message": "Uploaded 6 images successfully", "count": 6}
    one = client.post(
        "/upload", files=[*FILES[:1], ("files", ("x.png", b"x", "image/png"))], data={"labels": ["1", "2"]}
    )
    assert one.json()["message"] == "Uploaded 1 image successfully; 1 rejected"
    assert one.json()["rejected"][0]["index"] == 1


def packed(*names: str, label: str = "") -> bytes:
    """A zip archive of the items, in folders of their labels or of one."""
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for number, (content, digit) in enumerate(ITEMS):
            archive.writestr(f"{label or digit}/{number}.png", content)
        for name in names:
            archive.writestr(name, b"no image")
    return file.getvalue()


ZIP = {"content-type": "application/zip"}


def test_a_zip_archive_of_class_folders_is_taken_in(client: Client, home: Home) -> None:
    answer = client.post("/v1/digits/samples", content=packed("1/x.png"), headers=ZIP).json()
    assert (answer["added"], answer["known"]) == (6, 0)
    assert answer["rejected"][0]["origin"] == "upload/1/x.png"
    again = client.post("/v1/digits/samples", content=packed(), headers=ZIP).json()
    assert (again["added"], again["known"], again["relabelled"]) == (0, 6, 0)
    with home.database.read() as connection:
        assert sorted(counting(connection, "digits").values()) == sorted(LABELS)


def test_an_upload_that_was_cut_off_is_sent_again_whole(client: Client, home: Home) -> None:
    cut = client.post("/v1/digits/samples", content=packed()[:-200], headers=ZIP)
    assert cut.status_code == 422
    assert "no whole zip archive" in cut.json()["detail"]
    client.post("/v1/digits/samples", files=FILES[:4], data={"labels": LABELS[:4]})
    whole = client.post("/v1/digits/samples", files=FILES, data={"labels": LABELS}).json()
    assert (whole["added"], whole["known"], whole["relabelled"]) == (2, 4, 0)
    with home.database.read() as connection:
        assert said.count_since(connection, "digits", None) == sum(samples.count(connection, "digits").values()) == 6


def test_an_archive_that_does_harm_or_not_fit_is_refused(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client]
) -> None:
    client = open_client(make_home(packages.digits(), max_expanded_bytes=1000))
    bomb = client.post("/v1/digits/samples", content=packed(), headers=ZIP)
    assert bomb.status_code == 413
    assert bomb.json()["expected"] == "at most 1,000 bytes"
    assert client.post("/v1/gestures/samples", content=packed(), headers=ZIP).json()["got"] == "image"
    none = open_client(make_home()).post("/v1/digits/samples", content=packed(label="ten"), headers=ZIP)
    assert none.status_code == 422
    assert "'ten' is not known" in none.json()["got"]


def authors(home: Home, project: str = "digits") -> set[str]:
    """Who labelled the samples of a project."""
    with home.database.read() as connection:
        return {
            one.author for digest in counting(connection, project) for one in said.history(connection, project, digest)
        }


def test_who_labelled_is_kept_and_shown_however_it_is_said(client: Client, home: Home) -> None:
    client.post("/v1/digits/samples", files=FILES[:1], data={"labels": LABELS[:1], "author": "ann"})
    client.post("/upload", files=FILES[1:2], data={"labels": LABELS[1:2], "author": "bea"})
    client.post("/upload?author=cem", files=FILES[2:3], data={"labels": LABELS[2:3], "author": "passed over"})
    client.post("/v1/digits/samples?author=dan", content=packed(), headers=ZIP)
    assert authors(home) == {"ann", "bea", "cem", "dan"}
    items = [{"landmarks": packages.hand(1).tolist(), "label": "ok"}]
    client.post("/v1/gestures/samples", json={"items": items, "author": "eve"})
    assert authors(home, "gestures") == {"eve"}
    shown = client.get(f"/v1/digits/samples/{digest_of(ITEMS[0][0])}/lineage").json()["annotations"]
    assert [(one["author"], one["source"], bool(one["at"])) for one in shown] == [("ann", "upload", True)]


def test_an_author_may_be_no_story(client: Client) -> None:
    answer = client.post("/upload", files=FILES[:1], data={"labels": LABELS[:1], "author": "x" * 201})
    assert answer.status_code == 422
    assert answer.json()["expected"] == "at most 200 characters"


def test_an_unknown_project(client: Client) -> None:
    assert client.post("/v1/nothing/samples", files=FILES).status_code == 404
