"""Versions are shown, promoted and taken back."""

from __future__ import annotations

from tests import packages
from tests.deploying import Home
from tests.house import until
from tests.inprocess import Client

from sightloop.values.version import Verdict


def answering(client: Client) -> int:
    """The version that answers."""
    made = client.post("/v1/digits/predict", files={"file": packages.drawn()[0][0]}).json()
    number: int = made["predictions"][0]["version"]
    return number


def test_versions_newest_first(client: Client, home: Home) -> None:
    home.register(packages.digits(60))
    found = client.get("/v1/digits/models").json()
    assert [one["number"] for one in found["models"]] == [2, 1]
    assert found["deployment"]["members"] == [{"role": "champion", "version": 1, "share": 1.0}]
    assert client.get("/v1/digits/models/2").json()["card"]["trainer"] == "keras"
    assert client.get("/v1/digits/models/3").status_code == 404
    assert client.get("/v1/digits/models/0").status_code == 422


def test_promote_and_roll_back(client: Client, home: Home) -> None:
    home.register(packages.digits(60))
    promoted = client.post("/v1/digits/models/2/promote", json={"author": "ann", "reason": "looks better"})
    assert promoted.status_code == 200, promoted.text
    assert (promoted.json()["revision"], promoted.json()["actor"]) == (2, "ann")
    until(lambda: answering(client) == 2, 10, 0.02)
    assert client.post("/v1/digits/rollback").json()["revision"] == 3
    until(lambda: answering(client) == 1, 10, 0.02)
    assert client.get("/v1/digits/deployment").json()["members"][0]["version"] == 1


def test_nothing_to_roll_back_to(client: Client) -> None:
    assert client.post("/v1/digits/rollback").status_code == 409


def test_a_refused_version_needs_force(client: Client, home: Home) -> None:
    home.register(packages.digits(60), Verdict.REFUSED, "worse than version 1")
    refused = client.post("/v1/digits/models/2/promote")
    assert refused.status_code == 409
    assert "worse than version 1" in refused.json()["detail"]
    assert client.post("/v1/digits/models/2/promote", json={"force": True}).status_code == 200


def test_projects_and_who_answers_for_them(client: Client) -> None:
    found = client.get("/v1/projects").json()
    assert found["default"] == "digits"
    digits = next(one for one in found["projects"] if one["name"] == "digits")
    assert (digits["version"], digits["classes"]) == (1, list(packages.DIGITS.classes))
    assert client.get("/v1/nothing/deployment").status_code == 404
