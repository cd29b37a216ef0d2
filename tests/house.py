"""A running sightloop in processes of its own, as an operator would start it, for tests that go all the way round."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

ENDED = {"succeeded", "refused", "failed", "cancelled"}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], Any], seconds: float = 60, every: float = 0.1) -> Any:
    """What `done` gives as soon as it is true; a failed test with its last answer after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain; the last answer was {found!r}"
        time.sleep(every)
    return found


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be reaped has ended."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class House:
    """One home with its processes; `url` is where the API answers."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=120)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("SIGHTLOOP_") and name != "PORT"
        }
        given = {f"SIGHTLOOP_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = kept | {
            "SIGHTLOOP_HOME": str(home),
            "SIGHTLOOP_PORT": str(self.port),
            "SIGHTLOOP_OFFLINE": "true",
            "SIGHTLOOP_POLL_SECONDS": "0.2",
        }
        self.environment |= given

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `sightloop WORDS` to its end and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "sightloop.cli.main", *words],
            env=self.environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"sightloop {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start `sightloop NAME` (serve, worker, up) in a process group of its own; its output goes to NAME.log."""
        log = (self.home.parent / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "sightloop.cli.main", name],
            env=self.environment,
            cwd=self.home.parent,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        return self.processes[name]

    def ready(self, seconds: float = 120) -> None:
        """Wait until the API says that it is ready."""
        until(lambda: self._answers("/ready"), seconds)

    def _answers(self, path: str) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
        try:
            return self.client.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def log(self, name: str) -> str:
        """What a process printed."""
        return (self.home.parent / f"{name}.log").read_text(errors="replace")

    def run(self, identity: str) -> dict[str, Any]:
        """A run as the API tells it."""
        found: dict[str, Any] = self.client.get(f"/v1/runs/{identity}").raise_for_status().json()
        return found

    def ended(self, identity: str, seconds: float = 240) -> dict[str, Any]:
        """Wait for a run's end."""
        done = until(lambda: (run := self.run(identity))["status"] in ENDED and run, seconds, every=0.3)
        assert isinstance(done, dict)
        return done

    def kill(self, name: str) -> None:
        """Kill a process at once, as power loss or the out-of-memory killer would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ask every process to end, and see to it."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()
        self.client.close()
