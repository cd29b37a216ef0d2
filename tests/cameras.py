"""Cameras for tests: a server of motion JPEG whose frames carry the moment at which they were made, as bars."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from tests.house import free_port

_BITS, _BLOCK, _ROWS = 48, 16, 2
_BOUNDARY = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


def stamp(pixels: NDArray[np.uint8], moment: float) -> None:
    """Write a moment of the monotonic clock into the top of a picture of at least 384 x 32 pixels."""
    number = int(moment * 1e6)
    for bit in range(_BITS):
        row, column = divmod(bit, _BITS // _ROWS)
        y, x = row * _BLOCK, column * _BLOCK
        pixels[y : y + _BLOCK, x : x + _BLOCK] = 255 if number >> bit & 1 else 0


def stamped(pixels: NDArray[np.uint8]) -> float:
    """The moment that was written into a picture."""
    number = 0
    for bit in range(_BITS):
        row, column = divmod(bit, _BITS // _ROWS)
        y, x = row * _BLOCK + _BLOCK // 2, column * _BLOCK + _BLOCK // 2
        number |= int(pixels[y - 2 : y + 2, x - 2 : x + 2].mean() > 127) << bit
    return number / 1e6


class Camera:
    """Serves frames at http://127.0.0.1:PORT/ while it is entered; it may be cut off and put back."""

    def __init__(self, picture: Callable[[int], NDArray[np.uint8]], rate: float = 25.0) -> None:
        self.port = free_port()
        self._picture, self._rate = picture, rate
        self._listening: socket.socket | None = None
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Where it can be watched."""
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no longer."""
        self.cut()

    def restore(self) -> None:
        """Serve."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """Close every connection, and take no more."""
        listening, self._listening = self._listening, None
        for one in [listening, *self._open]:
            if one is not None:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._open.clear()

    def _serve(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self._open.append(connection)
                threading.Thread(target=self._film, args=(connection,), daemon=True).start()

    def _film(self, connection: socket.socket) -> None:
        due = time.monotonic()
        with suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
            number = 0
            while True:
                data = self._frame(number)
                connection.sendall(_BOUNDARY % len(data) + data + b"\r\n")
                number += 1
                due = max(due + 1 / self._rate, time.monotonic() - 1)
                time.sleep(max(0.0, due - time.monotonic()))

    def _frame(self, number: int) -> bytes:
        pixels = self._picture(number)
        stamp(pixels, time.monotonic())
        return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def grey(_number: int) -> Any:
    """A grey picture."""
    return np.full((240, 400, 3), 127, np.uint8)
