"""A bucket, or a folder in one, as a tree of files (fsspec): `s3://bucket/folder`, and what else fsspec reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import fsspec  # type: ignore[import-untyped]

from sightloop.data.trees import Tree
from sightloop.errors import BadData, BadInput, MissingExtra

AT_ONCE = 16
"""How many files are fetched at the same time, and held in memory."""

_HINT = "Keys and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL."


def is_url(where: str) -> bool:
    """Whether this names a place in fsspec's way, and not a path on this machine."""
    return "://" in where


def tree(url: str) -> Tree:
    """The files below a URL, listed now. Raises BadInput, MissingExtra, and BadData where it cannot be read."""
    if url.startswith(("http://", "https://")):
        raise BadInput("a web page is no bucket", expected="s3://bucket/folder", got=url, hint="Download it first.")
    try:
        # Without its caches: an import that is tried again sees what came since.
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise MissingExtra(
            f"{url} needs a further package: {error}", hint="For s3://: pip install 'sightloop[s3]'."
        ) from error
    except ValueError as error:
        raise BadInput(f"{url} cannot be used: {error}") from error
    root = root.rstrip("/")
    with _told(url):
        paths: list[str] = files.find(root)
    if not paths:
        raise BadData(f"there is nothing at {url}", expected="a bucket, or a folder in one, with files", hint=_HINT)
    if paths == [root]:
        raise BadData(f"{url} is a single object", expected="a bucket, or a folder in one", hint="Download it first.")
    names = [path.removeprefix(f"{root}/") for path in paths]
    return Tree.of(url.rstrip("/"), names, lambda some: _contents(files, url, root, some))


def _contents(files: Any, url: str, root: str, names: Sequence[str]) -> Iterator[bytes]:
    # Not `files.cat` of many: it asks for each whether it is there before it gets it.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(names), AT_ONCE):
            paths = [f"{root}/{name}" for name in names[start : start + AT_ONCE]]
            with _told(url):
                found: list[bytes] = list(pool.map(files.cat_file, paths))
            yield from found


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What a bucket's client raises, which is of every kind, as an error with what can be done."""
    try:
        yield
    except Exception as error:
        raise BadData(f"{url} cannot be read: {type(error).__name__}: {error}", hint=_HINT) from error
