"""DVC: files in a folder of its own, tracked without git, pushed to a remote and brought back.

It runs as a process, since it keeps locks, event loops and settings of its own, and its import costs half a second.
The process ends with this one: an orphan would keep DVC's lock from whoever goes on here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from sightloop.errors import BadData, BadInput, MissingExtra, NotFound, NotReady

_CONFIG = """[core]
    analytics = false
    check_update = false
    no_scm = true
    remote = storage
[cache]
    type = "reflink,hardlink,copy"
['remote "storage"']
    url = {url}
"""
_POINTER = """outs:
- md5: "{md5}"
  hash: md5
  path: {name}
"""
_LONGEST_SECONDS = 3600
_CHUNK_BYTES = 2**20


class Dvc:
    """A DVC repository in a folder, with one remote: a folder or a bucket's URL."""

    def __init__(self, folder: Path, remote: str) -> None:
        if find_spec("dvc") is None:
            raise MissingExtra("dataset versions are tracked by DVC", hint="Install `sightloop[dvc]`.")
        if "\n" in remote:
            raise BadInput("the DVC remote is no URL", got=repr(remote))
        self._folder = folder.resolve()
        self._remote = remote

    def track(self, path: Path) -> str:
        """Track a file of the folder and push it; its MD5, by which `fetch` finds it. Raises NotReady."""
        self._run("add", str(path))
        pointer = path.with_name(f"{path.name}.dvc")
        self._run("push", str(pointer))
        return _md5(pointer)

    def fetch(self, path: Path, md5: str) -> None:
        """Bring the file with this MD5 to this path of the folder, from the remote unless the cache has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        pointer = path.with_name(f"{path.name}.dvc")
        pointer.write_text(_POINTER.format(md5=md5, name=path.name))
        self._run("pull", "--force", str(pointer))
        if not path.exists():
            raise NotFound(f"{path.name} is not in {self._remote}", expected=f"a file with the MD5 {md5}")

    def verify(self, md5: str) -> None:
        """Read the remote's file of this MD5. Raises NotFound where it is gone, BadData where it was altered."""
        import fsspec  # type: ignore[import-untyped]

        path = f"{self._remote.rstrip('/')}/files/md5/{md5[:2]}/{md5[2:]}"
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with fsspec.open(path, "rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except FileNotFoundError as error:
            raise NotFound(f"the DVC remote has no {md5}", expected=path) from error
        except OSError as error:
            raise NotReady(f"the DVC remote {self._remote} cannot be read: {error}") from error
        if digest.hexdigest() != md5:
            raise BadData(f"{path} was altered", expected=f"the MD5 {md5}", got=digest.hexdigest())

    def forget(self, md5: str) -> None:
        """Drop a file from the cache, so that it comes from the remote again."""
        (self._folder / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).unlink(missing_ok=True)

    def _run(self, *words: str) -> None:
        self._prepare()
        # Its own folder for what it keeps between calls: the default is one that all users of the machine share.
        given = {"DVC_NO_ANALYTICS": "true", "DVC_SITE_CACHE_DIR": str(self._folder / ".dvc" / "site")}
        try:
            done = subprocess.run(  # noqa: S603 - words of our own
                [sys.executable, "-m", "sightloop.lifeline", str(os.getpid()), "dvc", *words],
                cwd=self._folder,
                env=os.environ | given,
                capture_output=True,
                text=True,
                check=False,
                timeout=_LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise NotReady(
                f"DVC did not {words[0]} {Path(words[-1]).name} within {_LONGEST_SECONDS / 60:.0f} minutes",
                hint=f"Look at the remote {self._remote} and the way to it.",
            ) from error
        if done.returncode:
            raise NotReady(
                f"DVC could not {words[0]} {Path(words[-1]).name} (remote {self._remote})",
                got=" ".join(done.stderr.split())[-500:] or f"exit code {done.returncode}",
                hint="Look at SIGHTLOOP_DVC_REMOTE and the access to it; a bucket needs `sightloop[s3]`.",
            )

    def _prepare(self) -> None:
        """What `dvc init --no-scm` and `dvc remote add` would write, so that a changed setting counts at once."""
        config = self._folder / ".dvc" / "config"
        text = _CONFIG.format(url=self._remote)
        if not config.exists() or config.read_text() != text:
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(text)


def _md5(pointer: Path) -> str:
    line = next(line for line in pointer.read_text().splitlines() if "md5: " in line)
    return line.rpartition(" ")[2].strip("'\"")  # quoted where YAML would take it for a number
