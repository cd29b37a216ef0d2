"""Videos for tests, made with PyAV."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from tests import packages

RATE = 25


def squares(_number: int) -> NDArray[np.uint8]:
    """A red and a green square, as `tests.packages.squares` sees them."""
    return packages.painted(("red", 1, 2), ("green", 3, 0))


def write(
    path: Path,
    frames: int = 30,
    picture: Callable[[int], NDArray[np.uint8]] = squares,
    *,
    codec: str = "libx264",
    sound: str = "",
    moments: Callable[[int], int] = lambda number: number * 4,
    first: bool = False,
    **options: str,
) -> Path:
    """Write a video; `moments` are in hundredths of a second, `sound` is a tone's codec, `first` where the index is."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if first else {}) as container:
        video: Any = container.add_stream(codec, rate=RATE, options={"crf": "1", "g": "10"} | options)
        height, width = picture(0).shape[:2]
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = Fraction(1, 100)
        tone: Any = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = moments(number), Fraction(1, 100)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            _sing(container, tone, frames / RATE)
    return path


def sound_only(path: Path) -> Path:
    """A file with a tone and no pictures."""
    with av.open(str(path), "w") as container:
        _sing(container, container.add_stream("aac", rate=48000, layout="mono"), 1.0)
    return path


def _sing(container: Any, stream: Any, seconds: float) -> None:
    samples = (0.1 * np.sin(np.arange(round(48000 * seconds)) / 20)).astype(np.float32)[None]
    for start in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 1024]), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
