"""The log: a line of JSON for each event, written in the turn in which it happened, errors at once."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
import structlog

from sightloop.telemetry import Lines, configure_logs


class File(io.BytesIO):
    """A file that notes how often it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, data: Any) -> int:
        self.writes += 1
        return super().write(data)


def test_the_lines_of_one_turn_are_written_together() -> None:
    file = File()
    lines = Lines(file)

    async def story() -> None:
        lines.info(b"1")
        lines.info(b"2")
        assert file.getvalue() == b""
        await asyncio.sleep(0)
        assert (file.getvalue(), file.writes) == (b"1\n2\n", 1)
        lines.info(b"3")

    asyncio.run(story())
    assert (file.getvalue(), file.writes) == (b"1\n2\n3\n", 2)


def test_an_error_is_written_at_once_with_what_waits_before_it() -> None:
    file = File()
    lines = Lines(file)

    async def story() -> None:
        lines.info(b"1")
        lines.error(b"2")
        assert file.getvalue() == b"1\n2\n"
        lines.info(b"3")

    asyncio.run(story())
    assert file.getvalue() == b"1\n2\n3\n"


def test_a_loop_that_ends_too_soon_holds_up_nobody() -> None:
    file = File()
    lines = Lines(file)
    ended = asyncio.new_event_loop()
    ended.call_soon(ended.stop)
    ended.call_soon(lines.info, b"1")
    ended.run_forever()
    ended.close()
    assert file.getvalue() == b""

    async def story() -> None:
        lines.info(b"2")

    asyncio.run(story())
    assert file.getvalue() == b"1\n2\n"


def test_a_thread_without_an_event_loop_writes_at_once() -> None:
    file = File()
    lines = Lines(file)

    async def story() -> None:
        lines.info(b"1")
        await asyncio.to_thread(lines.info, b"2")
        assert file.getvalue() == b"1\n2\n"

    asyncio.run(story())
    lines.info(b"3")
    assert file.getvalue() == b"1\n2\n3\n"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("caf\u00e9", "caf\u00e9"),
        ("half \ud83d", "half \ud83d"),
        (2**70, 2**70),
        (float("nan"), None),
        ({"a": [1, 2]}, {"a": [1, 2]}),
        (range(3), "range(0, 3)"),
    ],
)
def test_every_value_has_a_line(capfdbinary: pytest.CaptureFixture[bytes], value: object, told: object) -> None:
    configure_logs("INFO", "json")
    structlog.get_logger().info("tried", value=value)
    structlog.get_logger().debug("not told")
    (line,) = capfdbinary.readouterr().err.splitlines()
    found = json.loads(line)
    assert (found["event"], found["level"], found["value"]) == ("tried", "info", told)
    assert found["timestamp"].endswith("Z")


def test_an_exception_is_told_with_its_traceback(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs("INFO", "json")
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = capfdbinary.readouterr().err.splitlines()
    assert "ValueError: broken" in json.loads(line)["exception"]
