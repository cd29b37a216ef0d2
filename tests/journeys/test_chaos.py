"""Kill -9 at random moments: nothing acknowledged is lost, nothing happens twice; fifty times in bench/chaos.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import tens
from tests.chaos import Chaos

from sightloop.values.run import Run


@pytest.mark.journey
@pytest.mark.timeout(280)
def test_nothing_acknowledged_is_lost_and_no_step_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chaos = Chaos(tmp_path, seed=3)
    stop, late = chaos.house.stop, list[Run]()

    def stop_late() -> None:
        stop()
        if not late:  # as a trigger queues a run in the last moment
            late.append(tens.ask(chaos.parts))

    try:
        chaos.start()
        for _ in range(4):
            chaos.kill()
        monkeypatch.setattr(chaos.house, "stop", stop_late)
        chaos.settle()
        assert chaos.faults() == []
        assert tens.again(chaos.parts, late[0]).status.ended
        assert chaos.promises.uploads
        assert chaos.promises.corrections
        chaos.promises.uploads["0" * 64] = "a promise that nobody made"
        assert chaos.faults() == [f"the upload {'0' * 64} was acknowledged and is not there"]
    finally:
        chaos.stop()
