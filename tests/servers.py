"""Real servers for journeys, each a process of its own: PostgreSQL, S3, MLflow, Airflow. Kept until `stop`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import httpx
import psutil
from tests.house import free_port, until

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Server:
    """A process that listens on a port of 127.0.0.1; its output goes to a file beside what it keeps."""

    def __init__(self, folder: Path, *words: str | Path, port: int, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in words],
                cwd=folder,
                env=os.environ | (environment or {}),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self, path: str, seconds: float = 120) -> None:
        """Wait until a path answers; a server that never does is stopped."""
        try:
            until(lambda: self._answers(path), seconds, every=0.3)
        except AssertionError:
            self.stop()
            raise

    def _answers(self, path: str) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()[-5000:]
        try:
            return httpx.get(f"{self.url}{path}", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


class Postgres:
    """A PostgreSQL server of its own, that can be killed and comes back."""

    def __init__(self) -> None:
        # Where this is root the server is another user, whom pytest keeps out of its folders.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says at its import that XDG_RUNTIME_DIR is not set
            pgserver = import_module("pgserver")
        self._server: Any = pgserver.get_server(self._folder / "data", cleanup_mode="stop")
        self.url: str = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)

    def database(self, name: str) -> str:
        """Make a database; its URL."""
        self._server.psql(f"create database {name};")
        uri: str = self._server.get_uri(database=name)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def kill(self) -> None:
        """Kill all of its processes at once, as power loss would."""
        first = psutil.Process(self._server.get_pid())
        first.suspend()  # else it would replace a child that was killed, by one that outlives it and holds its memory
        everyone = [*first.children(recursive=True), first]
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everyone, timeout=10)

    def revive(self) -> None:
        """Start it again on the same files and the same socket; it recovers from its log."""
        try:
            self._server.ensure_postgres_running()
        except subprocess.TimeoutExpired:  # pgserver waits for 10 s; on a busy machine the recovery takes longer
            self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End it."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


def s3(folder: Path) -> Server:
    """An S3 server; `bucket` makes its buckets."""
    port = free_port()
    server = Server(folder, Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port), port=port)
    server.ready("/moto-api/data.json")
    return server


def bucket(server: Server, name: str) -> str:
    """Make a bucket; its URL. The process's environment says where the server is from now on."""
    os.environ.update(KEYS | {"AWS_ENDPOINT_URL": server.url})
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir(name)
    return f"s3://{name}"


def mlflow(folder: Path, place: Path) -> Server:
    """An MLflow server out of the virtual environment at `place`, on SQLite, keeping artifacts in its folder."""
    port = free_port()
    words = ("server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    kept = (
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    )
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = Server(folder, place / "bin" / "mlflow", *words, *kept, port=port, environment=quiet)
    server.ready("/health")
    return server


def airflow(folder: Path, place: Path, dags: Path, environment: dict[str, str]) -> Server:
    """Airflow out of the virtual environment at `place`, all of its parts in one, whoever asks being its admin."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__TRIGGERER__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
    }
    server = Server(folder, place / "bin" / "airflow", "standalone", port=port, environment=given | environment)
    server.ready("/api/v2/monitor/health", 420)  # some 25 s on a machine that does nothing else
    return server
