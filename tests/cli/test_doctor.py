"""The doctor finds one edited byte wherever it lies, and names the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.cli.conftest import Command

from sightloop.store import datasets, versions
from sightloop.wiring import Parts

Home = Callable[..., Parts]


@pytest.fixture
def trained(home: Home) -> Parts:
    """A project that was trained once."""
    return home(trained=True)


def flip(parts: Parts, digest: str) -> None:
    """Change one bit in the middle of a blob's file."""
    path = Path(parts.settings.blobs.removeprefix("file://")) / digest[:2] / digest
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def bad(command: Command) -> dict[str, str]:
    done = command("doctor", "--json")
    found = {sign["name"]: sign["message"] for sign in done.json if sign["good"] is False}
    assert done.code == (1 if found else 0)
    return found


def test_a_sound_home_is_sound(trained: Parts, command: Command) -> None:
    assert bad(command) == {}
    told = command("doctor").out
    assert "ledger: 3 rows, every one whole" in told
    assert "packages: 1 versions, every package whole" in told
    assert "dataset versions: 1, every manifest whole" in told


def test_settings_are_shown_without_passwords(home: Home, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    home()
    monkeypatch.setenv("SIGHTLOOP_MLFLOW_URL", "http://ann:secret@127.0.0.1:9/")
    monkeypatch.setenv("SIGHTLOOP_AIRFLOW_TOKEN", "secret")
    told = command("doctor").out
    assert "SIGHTLOOP_MLFLOW_URL=http://***@127.0.0.1:9/" in told
    assert "SIGHTLOOP_AIRFLOW_TOKEN=***" in told
    assert "secret" not in told


def test_an_edited_byte_of_a_blob_is_named(trained: Parts, command: Command) -> None:
    with trained.database.read() as connection:
        blob = datasets.manifest(connection, trained.blobs, "tens", 1).entries[0].place.blob
    flip(trained, blob)
    assert bad(command) == {"blobs": f"1 altered or damaged: {blob}"}


def test_an_edited_byte_of_a_package_is_named(trained: Parts, command: Command) -> None:
    with trained.database.read() as connection:
        version = versions.get(connection, "tens", 1)
    flip(trained, version.card.files["model.onnx"])
    found = bad(command)
    assert version.package in found["package of version 1 of tens"]
    assert version.card.files["model.onnx"] in found["blobs"]


def test_an_edited_byte_of_a_dataset_version_is_named(trained: Parts, command: Command) -> None:
    with trained.database.read() as connection:
        version = datasets.get(connection, "tens", 1)
    flip(trained, version.manifest)
    assert version.manifest in bad(command)["dataset version 1 of tens"]


def test_an_edited_byte_of_an_archive_in_dvc_is_named(trained: Parts, command: Command) -> None:
    command("data", "freeze", "tens", "--track")
    assert "DVC archives: 1, every one whole" in command("doctor").out
    kept = next(path for path in (trained.settings.home / "datasets" / "remote").rglob("*") if path.is_file())
    kept.chmod(0o600)
    kept.write_bytes(kept.read_bytes() + b"\0")
    assert "was altered" in bad(command)["DVC archive of dataset version 1 of tens"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("manifest = replace(manifest, substr(manifest, 1, 1), 'g')", "no such blob"),
        ("counts = '{}'", "is not the one"),
    ],
)
def test_an_edited_row_of_a_dataset_version_is_named(trained: Parts, command: Command, change: str, told: str) -> None:
    with trained.database.write() as connection:
        connection.execute(text(f"update dataset_versions set {change}"))
    assert told in bad(command)["dataset version 1 of tens"]


def test_an_edited_byte_of_the_ledger_is_named(trained: Parts, command: Command) -> None:
    with trained.database.write() as connection:
        connection.execute(text("drop trigger ledger_keep_update"))
        connection.execute(text("update ledger set at = replace(at, '+00:00', '+00:01') where seq = 2"))
    found = bad(command)
    assert set(found) == {"ledger"}
    assert found["ledger"].startswith("row 2 of the ledger (registration of tens, ")
