"""Data sets in a bucket are read as those in a folder, from a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Callable

import fsspec  # type: ignore[import-untyped]
import pytest
from tests.data.painted import picture

from sightloop.data import buckets, sources
from sightloop.errors import BadData, BadInput, MissingExtra
from sightloop.values.sample import Side


def put(url: str, files: dict[str, bytes]) -> None:
    """Write files below a URL."""
    system, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    for name, content in files.items():
        system.pipe_file(f"{root}/{name}", content)


def test_folders_of_classes_in_a_bucket_and_below_a_prefix(make_bucket: Callable[[], str]) -> None:
    bucket = make_bucket()
    many = {f"set/train/{'cat' if n % 2 else 'dog'}/{n}.png": picture(n) for n in range(2 * buckets.AT_ONCE + 1)}
    put(bucket, many | {"set/val/cat/a.png": picture(101), "set/test/dog/b c+d.png": picture(102)})
    for url in (f"{bucket}/set", f"{bucket}/set/", bucket):
        found = list(sources.read(url))
        assert len(found) == len(many) + 2
        assert {item.content: (item.label, item.side) for item in found if item.side is not Side.TRAIN} == {
            picture(101): ("cat", Side.VALIDATION),
            picture(102): ("dog", Side.TEST),
        }
    assert found[0].origin.startswith(f"{bucket}/set/test/dog/")


def test_coco_in_a_bucket(make_bucket: Callable[[], str]) -> None:
    bucket = make_bucket()
    table = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"image_id": 1, "category_id": 2}],
        "categories": [{"id": 2, "name": "cat"}],
    }
    put(bucket, {"a.png": picture(1), "labels.json": json.dumps(table).encode()})
    assert [item.label for item in sources.read(bucket)] == ["cat"]


def test_a_bucket_is_a_source_of_a_recipe(make_bucket: Callable[[], str], make_settings: Callable[..., object]) -> None:
    bucket = make_bucket()
    put(bucket, {"cat/a.png": picture(1)})
    items = sources.open(bucket, make_settings())  # type: ignore[arg-type] # a factory of settings
    assert items is not None
    assert [item.label for item in items] == ["cat"]


def test_what_cannot_be_read_is_told_with_what_helps(make_bucket: Callable[[], str]) -> None:
    empty = make_bucket()
    with pytest.raises(BadData, match=r"there is nothing at s3://.*AWS_ENDPOINT_URL"):
        sources.read(f"{empty}/nowhere")
    put(empty, {"set.zip": b"any"})
    with pytest.raises(BadData, match="is a single object"):
        sources.read(f"{empty}/set.zip")
    with pytest.raises(BadInput, match="a web page is no bucket"):
        sources.read("https://example.org/set")
    with pytest.raises(BadInput, match="cannot be used"):
        sources.read("nothing://set")
    with pytest.raises(MissingExtra, match="needs a further package"):
        sources.read("gs://bucket/set")


def test_a_server_that_refuses_is_told(make_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = make_bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BadData, match=r"cannot be read: .*AWS_ENDPOINT_URL"):
        sources.read(bucket)
