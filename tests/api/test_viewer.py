"""The page for a browser's camera: it fetches nothing, and fits its project."""

from __future__ import annotations

import re

import msgspec
import pytest
from tests import packages
from tests.inprocess import Client

from sightloop.api.viewer import render
from sightloop.values.recipe import Input, Recipe


@pytest.mark.parametrize("path", ["/v1/squares/live", "/?project=squares"])
def test_the_page_fetches_nothing_and_lets_only_its_own_script_run(client: Client, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    assert page.text.count(f'nonce="{nonce}"') == 2
    assert "default-src 'none'" in policy
    assert not re.search(r'(?:src="|<link[^>]*href=")(?!data:)', page.text)
    assert nonce not in client.get(path).text
    assert client.get(path.replace("squares", "square")).status_code == 404


def test_a_title_is_text() -> None:
    recipe = msgspec.structs.replace(packages.SQUARES, title="<b>&$nonce")
    assert "<h1>&lt;b&gt;&amp;$nonce</h1>" in bytes(render(recipe).body).decode()


@pytest.mark.parametrize(
    ("recipe", "given", "side"),
    [
        (packages.SQUARES, Input(kind="image", height=28, width=28), 320),
        (packages.SQUARES, Input(kind="image", height=352, width=640), 640),
        (packages.SQUARES, Input(kind="image", height=480, width=640, tiles=(1, 2)), 1280),
        (packages.GESTURES, Input(kind="landmarks"), 640),
    ],
)
def test_frames_are_as_large_as_the_model_needs(recipe: Recipe, given: Input, side: int) -> None:
    page = bytes(render(msgspec.structs.replace(recipe, input=given)).body).decode()
    assert f'data-side="{side}"' in page
