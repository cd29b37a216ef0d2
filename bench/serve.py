"""Requests per second and latency of a real server, for a small image and for landmarks, at 1 to 200 clients.

    python bench/serve.py HOME [--seconds 3] [--clients 1 10 50 100 200] [--out bench/results/serve.json]

HOME is a home in which digits is deployed (and gestures, if landmarks are to be measured). The server is started on a
free port of the loopback interface; the clients are a process of their own on the same machine, each with one
connection that it keeps and one request at a time, as Locust's users have without their pauses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np

MOST = 200_000  # requests in one measurement
PACE = ("SIGHTLOOP_PROCESSES", "SIGHTLOOP_THREADS", "SIGHTLOOP_RECORD", "SIGHTLOOP_LOG_LEVEL")


class Client(asyncio.Protocol):
    """One connection: sends the request again as soon as its answer is whole."""

    def __init__(self, request: bytes, deadline: float, took: list[float], failed: list[bytes]) -> None:
        self.request, self.deadline, self.took, self.failed = request, deadline, took, failed
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the request, and look at the clock."""
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Take the answer in."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self.took.append(now - self.began)
        if b" 200 " not in head[:15]:
            self.failed.append(self.buffer)
        self.buffer = b""
        if now > self.deadline or len(self.took) >= MOST:
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        """End; a connection that broke is a failed request."""
        if error is not None:
            self.failed.append(repr(error).encode())
        if not self.done.done():
            self.done.set_result(None)


async def _ask(port: int, request: bytes, clients: int, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    failed: list[bytes] = []
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Client(request, began + seconds, took, failed), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in made))
    spent = time.perf_counter() - began
    if failed:
        print(failed[0][:500], file=sys.stderr)
    ordered = sorted(took)
    return {
        "requests_per_second": round(len(took) / spent, 1),
        "mean_ms": round(statistics.fmean(ordered) * 1000, 2),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1000, 2),
        "requests": len(took),
        "failed": len(failed),
    }


def _clients(port: int, request: bytes, clients: int, seconds: float, queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    queue.put(asyncio.run(_ask(port, request, clients, seconds)))


def measure(port: int, request: bytes, clients: int, seconds: float) -> dict[str, float]:
    """The figures of so many clients during so many seconds, from a process of their own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_clients, args=(port, request, clients, seconds, queue))
    process.start()
    found: dict[str, float] = queue.get(timeout=seconds + 60)
    process.join()
    return found


def image_request() -> bytes:
    """A digit of 28 x 28 as a form, as browsers and curl send it."""
    pixels = np.zeros((28, 28, 3), np.uint8)
    cv2.putText(pixels, "7", (6, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    png = cv2.imencode(".png", pixels)[1].tobytes()
    part = b'--b7f3\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\nContent-Type: image/png\r\n\r\n'
    return _request("/predict", "multipart/form-data; boundary=b7f3", part + png + b"\r\n--b7f3--\r\n")


def landmarks_request() -> bytes:
    """A made-up hand as JSON."""
    numbers = np.random.default_rng(3).uniform(0, 500, 63).round(3).tolist()
    return _request("/v1/gestures/predict", "application/json", json.dumps({"landmarks": numbers}).encode())


def _request(path: str, kind: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _cpu_seconds(pid: int) -> float:
    """What a process and its children computed so far; of the children each for itself, since they have not ended."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(folder.name) == pid or int(fields[1]) == pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children_bytes(pid: int) -> dict[int, int]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(folder.name) == pid or int(fields[1]) == pid:
                lines = (folder / "status").read_text().splitlines()
                found[int(folder.name)] = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        except (OSError, StopIteration):
            continue
    return found


def main() -> None:
    """Start a server, measure, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 50, 100, 200])
    parser.add_argument("--out", type=Path, default=Path("bench/results/serve.json"))
    given = parser.parse_args()
    port = _free_port()
    environment = os.environ | {"SIGHTLOOP_HOME": str(given.home), "SIGHTLOOP_PORT": str(port)}
    code = "from sightloop.api.server import run; from sightloop.settings import Settings; run(Settings())"
    began = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, "/ready"):
            assert server.poll() is None, "the server ended"
            assert time.perf_counter() - began < 60, "the server does not become ready"
            time.sleep(0.01)
        ready = time.perf_counter() - began
        figures: dict[str, object] = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
            "settings": {name: os.environ[name] for name in PACE if name in os.environ},
            "ready_seconds": round(ready, 2),
            "resident_kb_at_start": _children_bytes(server.pid),
        }
        print(f"ready after {ready:.2f} s")
        for name, request in (("image 28x28 PNG", image_request()), ("landmarks JSON", landmarks_request())):
            measure(port, request, 1, 0.5)
            rows = {}
            for clients in given.clients:
                before = _cpu_seconds(server.pid)
                rows[clients] = measure(port, request, clients, given.seconds)
                used = _cpu_seconds(server.pid) - before
                rows[clients]["server_cpu_us"] = round(used / rows[clients]["requests"] * 1e6, 1)
                print(name, clients, rows[clients], flush=True)
            figures[name] = rows
        figures["resident_kb_at_end"] = _children_bytes(server.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page = answer.read().decode()
        figures["recorded"] = [line for line in page.splitlines() if line.startswith("sightloop_predictions")]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
