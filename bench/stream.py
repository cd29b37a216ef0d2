"""How old an answer about a camera is: python bench/stream.py CLIP WEIGHTS [--minutes 10] [--rate 25] [--local].

A camera (a process of its own) serves CLIP as motion JPEG over HTTP, over and over, and burns into each frame the
moment at which it was made. It is watched through a real server (or --local, in this process) with YOLOX-nano at
640 x 352;
the age of an answer is read off the frame that it is about. Beside it stands the model's latency: the time that the
same server takes for one such frame alone, by /predict. Writes bench/results/stream.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from detectors import frames, nano
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cameras import Camera as Served
from tests.cameras import stamped
from tests.deploying import Home
from tests.house import free_port, until

from sightloop.serve.sight import Sight
from sightloop.serve.streams.camera import Camera
from sightloop.serve.streams.watching import with_model, with_server
from sightloop.settings import Settings
from sightloop.values.package import Sealed

ALONE = 100
RECIPE = """
name = "football"
task = "detection"
classes = ["person", "sports ball"]
input = { kind = "image", height = 352, width = 640 }
train = { trainer = "libreyolo" }
"""


def main(clip: Path, weights: Path, minutes: float, rate: float, local: bool, out: Path) -> None:
    """Measure, print, write."""
    package = nano(weights, clip, 352, 640)
    pictures = [np.ascontiguousarray(one[..., ::-1]) for one in frames(clip)]  # BGR, as OpenCV has them
    ready: Any = multiprocessing.Queue()
    camera = multiprocessing.Process(target=_film, args=(pictures, rate, ready), daemon=True)
    camera.start()
    url = ready.get()
    if local:
        sight = Sight(package)
        began = [time.perf_counter()]
        for one in pictures[:ALONE]:
            sight.answer(np.ascontiguousarray(one[..., ::-1]))
            began.append(time.perf_counter())
        found = _report(np.diff(began), _watched(lambda source: with_model(source, sight), url, minutes))
    else:
        found = _through_a_server(package, pictures, url, minutes)
    camera.terminate()
    found |= {"minutes": minutes, "camera_rate": rate, "through": "this process" if local else "a server"}
    found |= {"machine": platform.machine(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps(found, indent=1))
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


def _through_a_server(package: Sealed, pictures: list[NDArray[np.uint8]], url: str, minutes: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        recipes, port = Path(folder) / "recipes", free_port()
        recipes.mkdir()
        (recipes / "football.toml").write_text(RECIPE)
        home = Home(Settings(home=Path(folder) / "home", recipes=recipes, _env_file=None))  # type: ignore[call-arg]
        home.deploy(package)
        given = {"HOME": str(home.settings.home), "RECIPES": str(recipes), "PORT": str(port), "LOG_LEVEL": "ERROR"}
        given |= {"DEFAULT_PROJECT": "football", "RECORD": "false"}
        command = [sys.executable, "-m", "sightloop.cli.main", "serve"]
        server = subprocess.Popen(command, env=os.environ | {f"SIGHTLOOP_{key}": text for key, text in given.items()})
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                until(lambda: _ready(client), 60)
                latency = _alone(client, pictures)
            socket = f"ws://127.0.0.1:{port}/v1/football/stream"
            return _report(latency, _watched(lambda source: with_server(source, socket, print), url, minutes))
        finally:
            server.terminate()
            server.wait()


def _alone(client: httpx.Client, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Seconds for one frame by /predict, one after the other."""
    files = [cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes() for one in pictures]
    took = []
    for number in range(ALONE):
        began = time.perf_counter()
        sent = client.post(
            "/v1/football/predict", content=files[number % len(files)], headers={"content-type": "image/jpeg"}
        )
        took.append(time.perf_counter() - began)
        sent.raise_for_status()
    return np.array(took[10:])


def _watched(watch: Any, url: str, minutes: float) -> list[float]:
    """The ages of all answers, in seconds, in so many minutes."""
    ages: list[float] = []
    with Camera(url) as source:
        began: float | None = None
        for seen in watch(source):
            ages.append(time.monotonic() - stamped(seen.shot.pixels))
            began = began or time.monotonic()
            if time.monotonic() - began > 60 * minutes:
                break
    return ages[25:]


def _report(latency: NDArray[np.float64], ages: list[float]) -> dict[str, Any]:
    def told(seconds: Any) -> dict[str, float]:
        return {f"p{at}": round(float(np.percentile(seconds, at)) * 1000, 2) for at in (50, 95, 99)}

    model, age = told(latency), told(ages)
    ratios = {"p95_age_to_p50_latency": age["p95"] / model["p50"], "p95_age_to_p95_latency": age["p95"] / model["p95"]}
    return {
        "model": "YOLOX-nano, 640 x 352",
        "model_ms": model,
        "age_ms": age,
        "answers": len(ages),
        **{name: round(ratio, 2) for name, ratio in ratios.items()},
    }


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def _film(pictures: list[NDArray[np.uint8]], rate: float, ready: Any) -> None:
    with Served(lambda number: pictures[number % len(pictures)].copy(), rate) as camera:
        ready.put(camera.url)
        time.sleep(86_400)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=25)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "stream.json")
    given = parser.parse_args()
    main(given.clip, given.weights, given.minutes, given.rate, given.local, given.out)
