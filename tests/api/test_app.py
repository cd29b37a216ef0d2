"""One OpenAPI document describes every route, and the pages that show it need nothing from outside."""

from __future__ import annotations

import re

from tests.inprocess import Client

from sightloop.values.recipe import RESERVED


def test_every_route_is_described_and_every_reference_leads_somewhere(client: Client) -> None:
    document = client.get("/openapi.json").json()
    assert {"/predict", "/v1/{project}/predict", "/upload", "/retrain", "/health", "/ready"} <= set(document["paths"])
    known = document["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', client.get("/openapi.json").text):
        assert name in known, name
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["responses"], (method, path)
            assert "HTTPValidationError" not in str(operation), (method, path)


def test_the_docs_fetch_nothing_from_outside(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "swagger-ui" in page.text
    assert re.findall(r"https?://", page.text) == []
    local = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert local
    for address in local:
        assert client.get(address).status_code == 200, address


def test_no_project_can_be_named_as_a_fixed_path_is(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    fixed = {match[1] for path in paths if (match := re.match(r"/v1/([a-z]+)", path))}
    assert fixed == set(RESERVED)
