"""Where the answers to a camera go: lines of JSON, or a window with the picture."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.cli.output import say, writing
from sightloop.errors import MissingExtra, NotReady
from sightloop.serve.streams.watching import Seen

_KEYS_THAT_END = (27, ord("q"))
_ELSE = "Use --headless, --out FILE, or a server's page /v1/PROJECT/live in a browser."
_GREEN, _BLACK = (80, 220, 80), (0, 0, 0)


class Lines:
    """A line of JSON for each answer, on standard output or in a file."""

    closed = False

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] = sys.stdout
        self._own = path is not None
        if path is not None:
            with writing(path):
                self._file = path.open("w", encoding="utf-8")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._own:
            self._file.close()

    def show(self, seen: Seen) -> None:
        """Write what was said of a frame, with the age that it has now."""
        line = {"frame": seen.shot.number, "age_ms": round(seen.age_ms, 3), "at": datetime.now(UTC).isoformat()}
        line |= {name: seen.said[name] for name in ("prediction", "problem") if name in seen.said}
        self._file.write(msgspec.json.encode(line).decode() + "\n")
        self._file.flush()


class Window:
    """A window with the picture and what was said of it; commands are printed as they change."""

    def __init__(self, title: str) -> None:
        self.closed = False
        self._title = title
        self._command: str | None = None

    def __enter__(self) -> Self:
        """Open the window. Raises NotReady where there is no screen, MissingExtra where this OpenCV has no windows."""
        # Without a screen, an OpenCV that has windows would end the process.
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise NotReady("there is no screen to open a window on", hint=_ELSE)
        try:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise MissingExtra(
                "the OpenCV that is installed opens no windows",
                hint=f"{_ELSE} For a window: pip uninstall opencv-python-headless; pip install opencv-python",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Close the window."""
        cv2.destroyAllWindows()

    def show(self, seen: Seen) -> None:
        """Show the frame; Escape, q, or closing the window ends."""
        picture = seen.shot.pixels.copy()
        prediction = seen.said.get("prediction")
        text = seen.said["problem"]["title"] if prediction is None else _described(picture, prediction)
        _write(picture, f"{text}  {seen.age_ms:.0f} ms", (10, 30))
        cv2.imshow(self._title, picture)
        ended = cv2.waitKey(1) & 0xFF in _KEYS_THAT_END
        self.closed = ended or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        self._tell((prediction or {}).get("command"))

    def _tell(self, command: str | None) -> None:
        if command is not None and command != self._command:
            say(command)
        self._command = command


def _described(picture: NDArray[np.uint8], prediction: dict[str, Any]) -> str:
    """What was found, in words; boxes are drawn into the picture."""
    for box in prediction.get("boxes", ()):
        corners = [round(box[name]) for name in ("x1", "y1", "x2", "y2")]
        cv2.rectangle(picture, corners[:2], corners[2:], _GREEN, 2)
        _write(picture, f"{box['label']} {box['score']:.2f}", (corners[0], corners[1] - 4), 0.5)
    if "boxes" in prediction:
        return f"{len(prediction['boxes'])} found"
    command = f" -> {prediction['command']}" if prediction.get("command") else ""
    return f"{prediction['label']} {prediction['confidence']:.2f}{command}"


def _write(picture: NDArray[np.uint8], text: str, at: tuple[int, int], size: float = 0.8) -> None:
    for colour, width in ((_BLACK, 4), (_GREEN, 1)):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width, cv2.LINE_AA)
