"""H.264 that browsers play: pieces that are whole each, and the film that they are joined to, with the sound."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sightloop.serve.video.clip import TICKS, sound_of, video_of

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet as AnyPacket

    Packet = AnyPacket[Any]

PLAYED = ("aac", "mp3", "opus", "flac")
"""Sound that browsers play in an MP4; any other is encoded anew."""
_BASE = Fraction(1, TICKS)
_CODEC = {"preset": "veryfast", "crf": "23", "bf": "0"}  # without B-frames the pieces join without a seam


class Piece:
    """A piece of a film, written frame by frame; it is there under its name when it is whole."""

    def __init__(self, path: Path, width: int, height: int, rate: Fraction) -> None:
        import av

        self._path = path
        self._being = path.with_suffix(".part")
        # NUT keeps every frame's moment as it is given.
        self._container: OutputContainer = av.open(str(self._being), "w", format="nut")
        self._stream = self._container.add_stream("libx264", rate=rate, options=_CODEC)
        # Colours are stored for every two pixels, so that sides are even.
        self._stream.width, self._stream.height = max(2, width - width % 2), max(2, height - height % 2)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _BASE

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the piece; one that was broken off leaves nothing."""
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if kind is None:
            self._being.replace(self._path)
        else:
            self._being.unlink(missing_ok=True)

    def add(self, pixels: NDArray[np.uint8], ticks: int) -> None:
        """The next frame, (height, width, 3) uint8 in RGB, and its moment."""
        import av

        height, width = self._stream.height, self._stream.width
        if pixels.shape[:2] != (height, width):
            pixels = np.pad(pixels, ((0, 1), (0, 1), (0, 0)), mode="edge")[:height, :width]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts, frame.time_base = ticks, _BASE
        self._container.mux(self._stream.encode(frame))


def join(pieces: Sequence[Path], source: Path, to: Path) -> str:
    """Join the pieces to one MP4 with the source's sound; why the sound was left out, or nothing.

    Its index stands at the beginning, so that it plays while it is loaded.
    """
    from av.error import FFmpegError

    try:
        _join(pieces, source, to, sound=True)
    except (FFmpegError, ValueError, NotImplementedError) as error:
        _join(pieces, source, to, sound=False)
        return f"the sound could not be kept: {error}"[:200]
    return ""


def _join(pieces: Sequence[Path], source: Path, to: Path, *, sound: bool) -> None:
    import av

    being = to.with_suffix(".part")
    with ExitStack() as stack:
        output = stack.enter_context(av.open(str(being), "w", format="mp4", options={"movflags": "faststart"}))
        first = stack.enter_context(av.open(str(pieces[0])))
        video = output.add_stream_from_template(first.streams.video[0])
        tracks: list[Iterator[Packet]] = [_pictures(pieces, video)]
        if sound:
            original = stack.enter_context(av.open(str(source), metadata_errors="ignore"))
            if original.streams.audio:
                tracks.append(_sound(original, output))
        for packet in heapq.merge(*tracks, key=_moment):
            output.mux(packet)
    being.replace(to)


def _pictures(pieces: Iterable[Path], stream: Any) -> Iterator[Packet]:
    import av

    for piece in pieces:
        with av.open(str(piece)) as container:
            for packet in container.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    yield packet


def _sound(source: InputContainer, output: OutputContainer) -> Iterator[Packet]:
    """The packets of the sound, from the pictures' beginning on. Raises ValueError for a codec that is not known."""
    stream, pictures = sound_of(source), video_of(source)
    if stream is None:
        raise ValueError("its codec is not known here")
    offset = float((pictures.start_time or 0) * (pictures.time_base or 0))
    if stream.codec_context.codec.canonical_name in PLAYED:
        return _copied(source, stream, output.add_stream_from_template(stream), offset)
    encoder = output.add_stream("aac", rate=stream.codec_context.sample_rate)
    encoder.codec_context.layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
    return _encoded(source, stream, encoder, offset)


def _copied(source: InputContainer, stream: Any, out: Any, offset: float) -> Iterator[Packet]:
    shift = round(offset / stream.time_base)
    for packet in source.demux(stream):
        if packet.dts is None or packet.pts is None or packet.pts < shift:
            continue
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = out
        yield packet


def _encoded(source: InputContainer, stream: Any, out: Any, offset: float) -> Iterator[Packet]:
    from av.audio.resampler import AudioResampler

    context = out.codec_context
    resampler = AudioResampler("fltp", context.layout, context.sample_rate, context.frame_size or 1024)
    for frame in source.decode(stream):
        if frame.time is None or frame.time < offset:
            continue
        frame.pts = round((frame.time - offset) / frame.time_base)
        for part in resampler.resample(frame):
            yield from out.encode(part)
    for part in resampler.resample(None):
        yield from out.encode(part)
    yield from out.encode(None)


def _moment(packet: Packet) -> float:
    return float((packet.dts or 0) * packet.time_base)
