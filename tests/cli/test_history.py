"""What became of the data, by command: diff, export, lineage, pull."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests import tens
from tests.cli.conftest import Command

from sightloop.loop.samples.collect import collect
from sightloop.values.sample import Labelled, digest_of
from sightloop.wiring import Parts

Home = Callable[..., Parts]


def relabel(parts: Parts, item: Labelled, label: str) -> str:
    said = Labelled(content=item.content, label=label)
    collect(parts.database, parts.blobs, parts.recipe("tens"), [said], author="ann", source="upload")
    return digest_of(item.content)


def test_two_versions_differ_by_what_was_added_and_relabelled(home: Home, command: Command) -> None:
    parts = home()
    tens.stock(parts, 300)
    command("data", "freeze", "tens")
    first = next(iter(tens.samples(1)))
    digest = relabel(parts, first, "9")
    tens.stock(parts, 310)
    command("data", "freeze", "tens")
    found = command("data", "diff", "tens", "v1", "2", "--json").json
    assert (len(found["added"]), found["removed"]) == (10, [])
    assert found["relabelled"] == [{"digest": digest, "was": first.label, "now": "9"}]
    assert found["classes"]["9"]["relabelled_to"] == 1
    assert "10 added, 0 removed, 1 relabelled" in command("data", "diff", "tens", "1", "2").out
    back = command("data", "diff", "tens", "2", "1").out
    assert "0 added, 10 removed, 1 relabelled" in back
    assert "was 9, is 0" in back
    assert command("data", "diff", "tens", "1", "7").code == 3
    assert command("data", "diff", "tens", "1", "last").code == 2


def test_an_export_is_another_projects_import(home: Home, command: Command, tmp_path: Path) -> None:
    tens.stock(home(), 100)
    command("data", "freeze", "tens")
    done = command("data", "export", "tens", "--version", "1", "--to", str(tmp_path / "out"))
    assert "100 samples of dataset version 1 of tens" in done.out
    assert command("data", "import", "tens", str(tmp_path / "out"), "--json").json["known"] == 100
    assert command("data", "export", "tens", "--to", str(tmp_path / "out"), "--format", "coco").code == 4


def test_lineage_leads_from_a_model_to_a_sample_and_back(home: Home, command: Command) -> None:
    home(trained=True)
    model = command("data", "lineage", "tens", "--model", "1", "--json").json
    assert len(model["samples"]) == sum(model["counts"].values()) == 600
    entry = model["samples"][7]
    sample = command("data", "lineage", "tens", "--sample", entry["digest"][:16], "--json").json
    assert sample["sample"] == entry["digest"]
    assert sample["models"] == [{"model": 1, "dataset": 1, "label": entry["label"], "side": entry["side"]}]
    assert [said["source"] for said in sample["annotations"]] == ["import"]
    assert "model version 1" in command("data", "lineage", "tens", "--model", "1").out
    assert entry["digest"] in command("data", "lineage", "tens", "--sample", entry["digest"]).out


def test_lineage_of_what_no_model_saw(home: Home, command: Command) -> None:
    parts = home(trained=True)
    new = list(tens.samples(601))[-1]
    digest = relabel(parts, new, new.label)
    assert command("data", "lineage", "tens", "--sample", digest, "--json").json["models"] == []
    assert "no model saw it" in command("data", "lineage", "tens", "--sample", digest).out
    assert command("data", "lineage", "tens", "--sample", "f" * 64).code == 3
    assert command("data", "lineage", "tens", "--sample", "").code == 2
    assert command("data", "lineage", "tens").code == 2


def test_a_tracked_version_is_pulled_and_imported(home: Home, command: Command) -> None:
    tens.stock(home(), 100)
    assert command("data", "pull", "tens").code == 2
    assert "in DVC as" in command("data", "freeze", "tens", "--track").out
    path = command("data", "pull", "tens", "--json").json["path"]
    assert command("data", "import", "tens", path, "--json").json["known"] == 100
    assert "is whole" in command("data", "pull", "tens", "--version", "1").out
