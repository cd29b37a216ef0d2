"""DVC with a folder and with an S3 server as its remote."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sightloop.errors import BadData, NotFound, NotReady
from sightloop.store import dvc
from sightloop.store.dvc import Dvc

FETCHING = """
import sys
from pathlib import Path
from sightloop.store.dvc import Dvc
here = Path(sys.argv[1])
Dvc(here, "s3://versions/all").fetch(here / "1.tar", "0" * 32)
"""


@pytest.fixture(params=["folder", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty remote."""
    if request.param == "folder":
        return str(tmp_path / "remote")
    make: Callable[[], str] = request.getfixturevalue("make_bucket")
    return f"{make()}/versions"


def test_a_file_comes_back_from_the_remote_to_an_empty_folder(remote: str, tmp_path: Path) -> None:
    path = tmp_path / "here" / "digits" / "1.tar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a version")
    md5 = Dvc(tmp_path / "here", remote).track(path)
    assert Dvc(tmp_path / "here", remote).track(path) == md5
    Dvc(tmp_path / "here", remote).verify(md5)
    shutil.rmtree(tmp_path / "here")
    elsewhere = tmp_path / "elsewhere" / "digits" / "1.tar"
    Dvc(tmp_path / "elsewhere", remote).fetch(elsewhere, md5)
    assert elsewhere.read_bytes() == b"a version"


def test_a_remote_that_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc, "_LONGEST_SECONDS", 0.01)
    with pytest.raises(NotReady, match=r"did not pull 1\.tar\.dvc within"):
        Dvc(tmp_path / "here", str(tmp_path / "remote")).fetch(tmp_path / "here" / "1.tar", "0" * 32)


def test_a_file_that_the_remote_has_not_got_is_told(remote: str, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"could not pull 1\.tar\.dvc .* failed to pull"):
        Dvc(tmp_path / "here", remote).fetch(tmp_path / "here" / "1.tar", "0" * 32)


def test_a_remote_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    path = tmp_path / "here" / "1.tar"
    path.parent.mkdir()
    path.write_bytes(b"a version")
    with pytest.raises(NotReady, match="SIGHTLOOP_DVC_REMOTE"):
        Dvc(tmp_path / "here", "/proc/nowhere").track(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own watch is Linux's")
def test_dvc_ends_with_the_process_that_called_it(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = os.environ | keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with subprocess.Popen([sys.executable, "-c", FETCHING, str(tmp_path)], env=given) as caller:
            silent.settimeout(30)
            waiting, _ = silent.accept()
            caller.kill()
        with waiting:
            waiting.settimeout(8)  # DVC itself would wait 15 seconds for an answer
            while waiting.recv(4096):
                continue


def test_an_altered_file_of_the_remote_is_found(tmp_path: Path) -> None:
    path = tmp_path / "here" / "1.tar"
    path.parent.mkdir()
    path.write_bytes(b"a version")
    dvc = Dvc(tmp_path / "here", str(tmp_path / "remote"))
    md5 = dvc.track(path)
    dvc.verify(md5)
    kept = tmp_path / "remote" / "files" / "md5" / md5[:2] / md5[2:]
    kept.chmod(0o600)
    kept.write_bytes(b"a versiom")
    with pytest.raises(BadData, match="was altered"):
        dvc.verify(md5)
    kept.unlink()
    with pytest.raises(NotFound, match=md5):
        dvc.verify(md5)
