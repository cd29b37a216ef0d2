"""A video file, opened and looked at before a frame of it is decoded; then frame by frame, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadVideo, MissingExtra, TooLarge

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

TICKS = 90_000
"""Ticks of a second in which frames' moments are told, as in MPEG."""
_BASE = Fraction(1, TICKS)
_USUAL_RATE = Fraction(25)
_MOST_RATE = 240
# No playlists: one would make this machine open the files and addresses that it names.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,mjpeg,h264,hevc,ivf,nut,y4m,yuv4mpegpipe,mxf,wav,mp3"
_QUARTERS = {0: 0, 90: 1, 180: 2, 270: 3}


class Shape(NamedTuple):
    """A video's measures as its file declares them: upright pixels, frames a second, seconds, about how many frames."""

    width: int
    height: int
    rate: Fraction
    seconds: float
    frames: int
    codec: str
    sound: str


class Still(NamedTuple):
    """A frame: its number from 0, its moment in ticks from the video's beginning, and its pixels as RGB."""

    number: int
    ticks: int
    pixels: NDArray[np.uint8]

    @property
    def time(self) -> float:
        """Seconds from the video's beginning."""
        return self.ticks / TICKS


class Clip:
    """A video that can be decoded, as far as its header tells. Raises BadVideo and TooLarge."""

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self.path = path
        self.damaged = 0
        with _opened(path) as container:
            stream = video_of(container)
            self.shape = _shape(container, stream)
            if self.shape.width * self.shape.height > max_pixels:
                raise TooLarge(
                    "the video's frames have too many pixels",
                    expected=f"at most {max_pixels:,} pixels",
                    got=f"{self.shape.width} x {self.shape.height}",
                )

    def stills(self, first: int = 0) -> Iterator[Still]:
        """The frames from number `first` on. Packets that cannot be decoded are passed over and counted.

        Raises BadVideo where nothing at all can be decoded.
        """
        number, last = 0, -1
        step = max(1, round(TICKS / self.shape.rate))
        with _opened(self.path) as container:
            stream = video_of(container)
            stream.thread_type = "AUTO"
            offset = _ticks(stream.start_time, stream.time_base) if stream.start_time is not None else 0
            for frame in self._decoded(container, stream):
                given = None if frame.pts is None else _ticks(frame.pts, frame.time_base) - offset
                self.damaged += frame.is_corrupt
                # Moments only grow, whatever the file says, since players stumble over anything else.
                last = last + step if given is None or last < 0 or given <= last else given
                last = max(last, 0) if number else max(given or 0, 0)
                if number >= first:
                    yield Still(number, last, self._upright(frame))
                number += 1
        if not number:
            raise BadVideo("the video has no frame that can be decoded", got=f"{self.damaged} damaged packets")

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError:  # cut off: what there is has been decoded
                self.damaged += 1
                return
            try:
                yield from packet.decode()
            except FFmpegError:
                self.damaged += 1

    def _upright(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The pixels at the declared size, whatever a frame says half way through."""
        turns = _quarters(frame)
        size = (self.shape.height, self.shape.width) if turns % 2 else (self.shape.width, self.shape.height)
        pixels = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else np.asarray(pixels, np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        import av
        from av.error import FFmpegError
    except ModuleNotFoundError as error:
        raise MissingExtra("videos need PyAV", hint="Install `sightloop[video]`.") from error
    av.logging.set_level(None)
    if not path.stat().st_size:
        raise BadVideo("the video is empty", expected="the bytes of a video", got="0 bytes")
    try:
        limits = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
        container = av.open(str(path), container_options=limits, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        raise BadVideo(
            "not a video that can be read", expected="MP4, MOV, MKV, WebM, AVI or the like", got=_told(error)
        ) from error
    try:
        yield container
    finally:
        container.close()


def video_of(container: InputContainer) -> VideoStream:
    """The first stream of pictures that is no cover. Raises BadVideo where there is none."""
    found = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not found:
        kinds = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise BadVideo("the file has no video in it", expected="a video stream", got=kinds)
    return found[0]


def sound_of(container: InputContainer) -> AudioStream | None:
    """The first stream of sound whose codec is known here."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def _is_cover(stream: VideoStream) -> bool:
    """Whether it is a picture that goes with music."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _shape(container: InputContainer, stream: VideoStream) -> Shape:
    context = stream.codec_context
    if context is None:
        raise BadVideo("the video's codec is not known here", expected="H.264, HEVC, VP9, AV1 or the like")
    if context.width <= 0 or context.height <= 0:
        raise BadVideo("the video does not say how large its frames are", got=f"{context.width} x {context.height}")
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    rate = rate if 0 < rate <= _MOST_RATE else _USUAL_RATE
    seconds = _seconds(container, stream)
    heard = sound_of(container)
    sound = heard.codec_context.codec.canonical_name if heard is not None else ""
    turned = _turned(container, stream)
    width, height = (context.height, context.width) if turned else (context.width, context.height)
    return Shape(width, height, rate, seconds, stream.frames or round(seconds * rate), context.name, sound)


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else 0.0


def _turned(container: InputContainer, stream: VideoStream) -> bool:
    from av.error import FFmpegError

    try:
        frame = next(container.decode(stream), None)
    except FFmpegError:
        return False
    return frame is not None and _quarters(frame) % 2 == 1


def _quarters(frame: VideoFrame) -> int:
    """How many quarters to the left make the picture upright."""
    return _QUARTERS.get(round(frame.rotation) % 360, 0)


def _ticks(moment: int, base: Fraction | None) -> int:
    return round(moment * (base or _BASE) * TICKS)


def _told(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)[:200]
