"""How quickly a video is worked off, how well things keep their ids, and how much memory an hour takes.

    python bench/video.py CLIP PACKAGE ... [--runtimes onnx,openvino-bf16] [--hour WEIGHTS] [--out FILE]

CLIP is a short clip (football/clip.mp4), each PACKAGE the folder of a detector's package (`bench/football.py --keep`
leaves some). Each measurement runs in a child process, as it does in the worker. Without ground truth, quality is told
against the same package with every frame looked at by ONNX Runtime: of its boxes, how many are met by one of the same
class (intersection over union of at least 0.5) and the other way round, as F1. An id counts as switched where a new one
begins away from the picture's edges within 1.2 s and one height of where another was lost. Processor time depends less
on what else the machine does.
--hour measures memory too: the clip, made small and looped to an hour, seen by YOLOX-nano's published WEIGHTS, and the
memory of the process meanwhile. Without it, the hour that was measured last stays.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import platform
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from detectors import nano

from sightloop.serve.video import filming
from sightloop.settings import Settings
from sightloop.values.package import Sealed
from sightloop.values.video import Handling

RUNTIMES = ("onnx", "openvino", "openvino-bf16")
EVERY = (1, 2, 3)
Rows = dict[int, list[tuple[int, str, tuple[float, ...]]]]


def main(clip: Path, packages: list[Path], runtimes: list[str], hour: Path | None, out: Path) -> None:
    """Measure, print, write."""
    found: dict[str, Any] = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    found["rows"] = [row for place in packages for row in measured(place, clip, runtimes)]
    if hour:
        found["hour"] = an_hour(nano(hour, clip, 224, 416), clip)
        print(found["hour"], flush=True)
    elif out.exists():
        found |= {name: value for name, value in json.loads(out.read_text()).items() if name == "hour"}
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


def measured(place: Path, clip: Path, runtimes: list[str]) -> Iterator[dict[str, Any]]:
    """A package's rows: every runtime with every frame, every second and every third one."""
    package = Sealed.read(place)
    whole: Rows = {}
    for runtime in runtimes:
        for every in EVERY:
            result, rows, peak = worked(package, clip, {"every": every}, runtime)
            whole = whole or rows
            row = {
                "package": f"{package.card.trainer}, {package.card.epochs} epochs",
                "input": f"{package.card.input.width} x {package.card.input.height}",
                "runtime": runtime,
                "every": every,
                "frames_per_second": round(result["frames"] / result["seconds"], 1),
                "processor_ms_per_frame": round(1000 * result["processor"] / result["frames"], 1),
                "things": result["things"],
                "switches": switches(rows),
                "f1_to_every_frame": round(likeness(whole, rows), 4),
                "peak_mb": peak[-1],
            }
            print(row, flush=True)
            yield row


def worked(
    package: Sealed, clip: Path, handling: dict[str, Any], runtime: str = "onnx"
) -> tuple[dict[str, Any], Rows, list[float]]:
    """The result of a clip worked off in a child process, its rows by frame, and the child's MB every 2 s."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        package.write(folder / filming.PACKAGE)
        shutil.copy(clip, folder / filming.SOURCE)
        settings = Settings(home=folder, runtimes=f"{package.card.project}={runtime}")  # type: ignore[call-arg]
        payload = filming.order(folder, Handling.of(handling), settings)
        results: Any = multiprocessing.get_context("spawn").Queue()
        child = multiprocessing.get_context("spawn").Process(target=_child, args=(payload, results))
        child.start()
        memory, stop = [0.0], threading.Event()
        watching = threading.Thread(target=_watch, args=(child.pid, memory, stop))
        watching.start()
        result = results.get()
        stop.set()
        watching.join()
        child.join()
        return result, _rows(folder / filming.TABLE), memory[1:] or memory


def switches(rows: Rows) -> int:
    """How many things got another id while they were in the picture."""
    ways: dict[int, list[tuple[int, tuple[float, ...]]]] = defaultdict(list)
    for frame, boxes in rows.items():
        for id, _, box in boxes:
            ways[id].append((frame, box))
    wide = max((box[2] for way in ways.values() for _, box in way), default=0)
    ends = [way[-1] for way in ways.values()]
    count = 0
    for way in ways.values():
        frame, box = way[0]
        if frame < 15 or box[0] < 0.02 * wide or box[2] > 0.98 * wide:
            continue
        count += any(0 < frame - last <= 30 and _far(box, before) < box[3] - box[1] for last, before in ends)
    return count


def likeness(reference: Rows, rows: Rows) -> float:
    """F1 of the boxes against those of the reference, frame by frame."""
    met = ours = theirs = 0
    for frame in reference.keys() | rows.keys():
        left, right = list(reference.get(frame, ())), list(rows.get(frame, ()))
        ours, theirs = ours + len(left), theirs + len(right)
        for _, kind, box in left:
            overlaps = [_overlap(box, other) if kind == name else 0.0 for _, name, other in right]
            if overlaps and max(overlaps) >= 0.5:
                right.pop(int(np.argmax(overlaps)))
                met += 1
    return 2 * met / max(1, ours + theirs)


def an_hour(package: Sealed, clip: Path) -> dict[str, Any]:
    """The memory of an hour of video: the clip at 320 x 180, looped."""
    with tempfile.TemporaryDirectory() as made:
        hour = Path(made) / "hour.mp4"
        seconds = looped(clip, hour, 3600)
        began = time.monotonic()
        result, _, memory = worked(package, hour, {"every": 25})
    tenth = max(1, len(memory) // 10)
    return {
        "seconds_of_video": seconds,
        "picture": "320 x 180",
        "input": "416 x 224",
        "every": 25,
        "took_seconds": round(time.monotonic() - began),
        "frames": result["frames"],
        "broken": result.get("broken", ""),
        "memory_mb_at_each_tenth": [round(memory[at]) for at in range(tenth, len(memory), tenth)],
    }


def looped(clip: Path, to: Path, seconds: float) -> float:
    """The clip, small, over and over; its length in seconds."""
    once = to.with_name("once.mp4")
    with av.open(str(clip)) as source, av.open(str(once), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            small = frame.reformat(320, 180, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(small))
        out.mux(stream.encode(None))
        length = number + 1
    with av.open(str(to), "w") as out:
        target: Any = None
        rounds = int(seconds * 25 / length) + 1
        for turn in range(rounds):
            with av.open(str(once)) as source:
                target = target or out.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is not None and packet.pts is not None:
                        shift = round(Fraction(turn * length, 25) / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, target
                        out.mux(packet)
    return rounds * length / 25


def _child(payload: dict[str, Any], results: Any) -> None:
    import supervision  # noqa: F401 - what is imported once is no part of a frame's time
    import trackers  # noqa: F401

    began = time.process_time()
    result = filming.make(payload, lambda **_: None)
    results.put(result | {"processor": time.process_time() - began})


def _watch(process: int, memory: list[float], stop: threading.Event) -> None:
    one = psutil.Process(process)
    while not stop.wait(2):
        memory.append(round(one.memory_info().rss / 1e6, 1))


def _rows(path: Path) -> Rows:
    rows: Rows = defaultdict(list)
    with path.open() as file:
        for row in csv.DictReader(file):
            box = tuple(float(row[name]) for name in ("x1", "y1", "x2", "y2"))
            rows[int(row["frame"])].append((int(row["id"]), row["class"], box))
    return dict(rows)


def _far(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(np.hypot(one[0] + one[2] - other[0] - other[2], one[1] + one[3] - other[1] - other[3]) / 2)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (area - wide * high)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("packages", type=Path, nargs="+")
    parser.add_argument("--runtimes", default=",".join(RUNTIMES))
    parser.add_argument("--hour", type=Path, metavar="WEIGHTS")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "video.json")
    given = parser.parse_args()
    main(given.clip, given.packages, given.runtimes.split(","), given.hour, given.out)
