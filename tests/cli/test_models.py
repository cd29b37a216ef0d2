"""Versions by command: list, show, promote, roll back, export; and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests import packages, tens
from tests.cli.conftest import Command
from tests.deploying import Home, write_recipes

from sightloop.settings import Settings
from sightloop.store import versions
from sightloop.values.bundle import from_zip
from sightloop.values.image import Image
from sightloop.values.package import Sealed
from sightloop.values.version import Verdict
from sightloop.wiring import Parts

Train = Callable[..., Parts]


@pytest.fixture
def trained(home: Train) -> Parts:
    """A project with three versions: the champion, an accepted one, a refused one."""
    parts = home(trained=True)
    with parts.database.write() as connection:
        first = versions.get(connection, "tens", 1)
        for verdict, reason in ((Verdict.ACCEPTED, "as good"), (Verdict.REFUSED, "worse: p = 0.01")):
            versions.register(connection, "tens", first.package, first.card, verdict, reason)
    return parts


def test_versions_are_listed_newest_first_with_who_serves(trained: Parts, command: Command) -> None:
    listed = command("models", "list", "tens", "--json").json
    assert [(one["number"], one["verdict"], one["role"]) for one in listed] == [
        (3, "refused", None),
        (2, "accepted", None),
        (1, "accepted", "champion"),
    ]
    assert "worse: p = 0.01" in command("models", "list", "tens").out
    assert command("models", "list", "gestures").out == "gestures has no model yet\n"


def test_a_version_is_shown_with_its_card(trained: Parts, command: Command) -> None:
    shown = command("models", "show", "tens")
    assert "sklearn" in shown.out
    assert "accuracy" in shown.out
    assert command("models", "show", "tens", "2", "--json").json["reason"] == "as good"
    assert command("models", "show", "tens", "9").code == 3
    assert "sightloop train gestures" in command("models", "show", "gestures").err


def test_promote_and_roll_back(trained: Parts, command: Command) -> None:
    assert command("models", "rollback", "tens").code == 4
    assert command("models", "promote", "tens", "2").out == "tens revision 2: version 2 is the champion\n"
    assert command("models", "rollback", "tens", "--json").json["members"][0]["version"] == 1


def test_a_refused_version_is_promoted_only_by_force(trained: Parts, command: Command) -> None:
    refused = command("models", "promote", "tens", "3")
    assert refused.code == 4
    assert "was refused: worse: p = 0.01" in refused.err
    assert command("models", "promote", "tens", "3", "--force").code == 0


def test_a_licence_that_is_not_allowed_is_not_promoted(
    trained: Parts, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_ALLOWED_LICENCES", "MIT")
    refused = command("models", "promote", "tens", "2")
    assert refused.code == 6
    assert "expected MIT; got Apache-2.0" in " ".join(refused.err.split())


def test_a_package_is_exported_whole(trained: Parts, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    assert command("models", "export", "tens", str(folder)).code == 0
    assert Sealed.read(folder).card.project == "tens"
    again = command("models", "export", "tens", str(folder))
    assert again.code == 4
    assert "is there already" in again.err
    assert command("models", "export", "tens", str(tmp_path / "new" / "package.zip")).code == 0
    assert from_zip((tmp_path / "new" / "package.zip").read_bytes()) == Sealed.read(folder)
    barred = command("models", "export", "tens", "/proc/nowhere/package.zip")
    assert barred.code == 2
    assert "cannot be written" in barred.err


def test_a_version_is_scored_on_held_out_samples(trained: Parts, command: Command) -> None:
    scores = command("evaluate", "tens", "--json").json
    assert (scores["project"], scores["version"]) == ("tens", 1)
    assert scores["accuracy"] > 0.6
    assert scores["samples"] == sum(one["support"] for one in scores["per_class"].values())
    low, high = scores["accuracy_interval"]
    assert low < scores["accuracy"] < high
    table = command("evaluate", "tens", "--version", "2").out
    assert table.startswith(f"version 2 of tens on {scores['samples']} samples\naccuracy 0.")
    assert f"accuracy from {low:.4f}" in command("evaluate", "tens").out


def test_a_report_is_written_beside_the_scores(trained: Parts, command: Command, tmp_path: Path) -> None:
    done = command("evaluate", "tens", "--report", str(tmp_path / "e.html"), "--json")
    assert done.json["project"] == "tens"
    page = (tmp_path / "e.html").read_text()
    assert f"{done.json['accuracy']:.4f}" in page
    assert "held-out samples of now" in page
    barred = command("evaluate", "tens", "--report", str(tmp_path))
    assert barred.code == 2
    assert "cannot be written" in barred.err


def test_a_version_is_scored_on_other_data_that_leaves_no_trace(
    trained: Parts, command: Command, tmp_path: Path
) -> None:
    for number, item in enumerate(tens.samples(20)):
        path = tmp_path / "set" / item.label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.content)
    before = command("data", "list", "--json").json
    assert command("evaluate", "tens", "--data", str(tmp_path / "set"), "--json").json["samples"] == 20
    command("evaluate", "tens", "--data", str(tmp_path / "set"), "--report", str(tmp_path / "e.html"))
    assert "test (20)" in (tmp_path / "e.html").read_text()
    assert command("data", "list", "--json").json == before
    (tmp_path / "set" / "ten").mkdir()
    (tmp_path / "set" / "ten" / "1.png").write_bytes(b"")
    words = ("evaluate", "tens", "--data", str(tmp_path / "set"))
    assert "--skip-label ten" in command(*words).err
    assert command(*words, "--skip-label", "ten", "--json").json["samples"] == 20


def test_boxes_of_no_known_class_are_told_and_not_left_out(
    make_settings: Callable[..., Settings], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(make_settings(recipes=write_recipes(tmp_path / "recipes")))
    home.deploy(packages.squares())
    home.database.close()
    monkeypatch.setenv("SIGHTLOOP_HOME", str(home.settings.home))
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(home.settings.recipes))
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "train" / "labels").mkdir()
    (tmp_path / "train" / "images" / "a.png").write_bytes(Image(packages.painted(("red", 0, 0))).encode())
    (tmp_path / "train" / "labels" / "a.txt").write_text("0 0.0833333 0.125 0.1666667 0.25\n")
    (tmp_path / "data.yaml").write_text("train: train/images\nnames: [red]\n")
    words = ("evaluate", "squares", "--data", str(tmp_path))
    assert command(*words, "--json").json["per_class"]["red"]["support"] == 1
    (tmp_path / "data.yaml").write_text("train: train/images\nnames: [Red]\n")
    told = command(*words)
    assert told.code == 2
    assert "the label 'Red' is not known; did you mean 'red'?" in told.err


def test_files_are_answered_without_a_server(trained: Parts, command: Command, tmp_path: Path) -> None:
    files = []
    for number, item in enumerate(tens.samples(3)):
        path = tmp_path / f"{number}.png"
        path.write_bytes(item.content)
        files.append(str(path))
    answers = command("predict", "tens", *files, "--json").json
    assert [answer["file"] for answer in answers] == files
    assert all(sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5) for answer in answers)
    assert answers[0]["label"] in command("predict", "tens", files[0]).out


def test_what_cannot_be_answered_is_told(trained: Parts, command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no image")
    assert "not an image" in command("predict", "tens", str(tmp_path / "a.txt")).err
    assert "cannot be read" in command("predict", "tens", str(tmp_path / "none.png")).err
    assert command("predict", "gestures", str(tmp_path / "a.txt")).code == 5
