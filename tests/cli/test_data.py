"""Data by command: import, check, freeze, list."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tens
from tests.cli.conftest import Command

from sightloop.loop.samples.collect import collect
from sightloop.store import datasets
from sightloop.values.sample import Labelled, digest_of
from sightloop.wiring import Parts

Home = Callable[..., Parts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty digits, a folder for each."""
    for number, item in enumerate(tens.samples(60)):
        path = tmp_path / "set" / item.label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.content)
    return tmp_path / "set"


def test_a_folder_is_imported_once(home: Home, command: Command, folder: Path) -> None:
    home()
    assert command("data", "import", "tens", str(folder), "--json").json == {
        "added": 60,
        "known": 0,
        "relabelled": 0,
        "rejected": [],
    }
    assert "0 added, 60 known" in command("data", "import", "tens", str(folder)).err
    counts = command("data", "list", "tens", "--json").json["tens"]["samples"]
    assert sum(counts.values()) == 60


def test_an_import_is_by_whom_it_says_or_whoever_types(
    home: Home, command: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home()
    monkeypatch.setenv("LOGNAME", "cem")
    shutil.copytree(folder / "1", tmp_path / "ones" / "1")
    command("data", "import", "tens", str(tmp_path / "ones"), "--author", "ann")
    command("data", "import", "tens", str(folder))
    for file, author in (("1/1.png", "ann"), ("2/2.png", "cem")):
        digest = digest_of((folder / file).read_bytes())
        assert author in command("data", "lineage", "tens", "--sample", digest).out


def test_rejected_samples_are_told_with_their_reason(home: Home, command: Command, folder: Path) -> None:
    home()
    (folder / "ten").mkdir()
    (folder / "ten" / "x.png").write_bytes((folder / "1" / "1.png").read_bytes())
    done = command("data", "import", "tens", str(folder))
    assert done.code == 0
    assert "1 rejected" in done.err
    assert "the label 'ten' is not known" in done.err


def test_an_import_of_nothing_usable_fails(home: Home, command: Command, tmp_path: Path) -> None:
    home()
    (tmp_path / "set" / "1").mkdir(parents=True)
    (tmp_path / "set" / "1" / "x.png").write_bytes(b"no image")
    done = command("data", "import", "tens", str(tmp_path / "set"))
    assert done.code == 2
    assert "none of the 1 samples" in done.err
    assert command("data", "import", "tens", str(tmp_path / "none")).code == 2


def test_landmarks_are_imported_from_a_file(home: Home, command: Command, shared_data: Path) -> None:
    home()
    path = shared_data / "gestures" / "hagrid_annotations_xy.csv.gz"
    done = command("data", "import", "gestures", str(path), "--aspect", "0.75", "--skip-label", "no_gesture", "--json")
    assert (done.json["added"], done.json["rejected"]) == (1070, [])


def test_a_check_tells_and_fails_on_what_is_serious(home: Home, command: Command, folder: Path) -> None:
    home()
    good = command("data", "check", "tens", str(folder), "--json")
    assert good.code == 0
    assert good.json["samples"] == 60
    (folder / "1" / "again.png").write_bytes((folder / "0" / "0.png").read_bytes())
    bad = command("data", "check", "tens", str(folder))
    assert bad.code == 2
    assert "contradicting: 1" in bad.out
    assert "labelled 0 and 1" in bad.out
    assert "1 faults in the data of tens" in bad.err


def test_the_projects_own_data_is_checked_and_frozen(home: Home, command: Command) -> None:
    tens.stock(home())
    assert "600 different samples" in command("data", "check", "tens").out
    first = command("data", "freeze", "tens", "--json").json
    assert first["number"] == 1
    assert command("data", "freeze", "tens").out.startswith("dataset version 1 of tens: ")
    assert first["manifest"][:12] in command("data", "list", "tens").out


def test_freezing_nothing_is_refused(home: Home, command: Command) -> None:
    home()
    done = command("data", "freeze", "tens")
    assert done.code == 2
    assert "no labelled samples" in done.err


def test_a_check_of_labels_tells_of_a_wrong_one(home: Home, command: Command) -> None:
    parts = home(trained=True)
    with parts.database.read() as connection:
        entries = datasets.manifest(connection, parts.blobs, "tens", 1).entries
    content = parts.blobs.read(entries[0].place)
    lie = Labelled(content=content, label=str((int(entries[0].label) + 3) % 10))
    collect(parts.database, parts.blobs, parts.recipe("tens"), [lie], author="ann", source="upload")
    done = command("data", "check", "tens", "--labels", "--json")
    assert done.code == 0
    found = [finding for finding in done.json["findings"] if finding["kind"] == "mislabelled"]
    assert entries[0].digest in {finding["samples"][0] for finding in found}
    assert command("data", "check", "tens", "--labels", ".").code == 2
