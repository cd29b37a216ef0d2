"""What was answered is kept with its input: bounded, counted, and nothing is lost at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.deploying import Home
from tests.house import until

from sightloop.serve import recorder as module
from sightloop.serve.recorder import PAUSE, Recorder
from sightloop.store import predictions
from sightloop.store.predictions import Recorded
from sightloop.telemetry import Telemetry
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Answer, Prediction
from sightloop.values.sample import digest_of


def predicted(count: int) -> list[Prediction]:
    answer = Answer(label="a", index=0, confidence=0.5, probabilities=[0.5, 0.5])
    return [Prediction(id=new_id(), project="digits", version=1, answer=answer, at=now()) for _ in range(count)]


def stored(home: Home) -> list[Recorded]:
    with home.database.read() as connection:
        return predictions.page(connection, "digits", limit=1000)


def count(telemetry: Telemetry, name: str) -> float | None:
    return telemetry.registry.get_sample_value(f"sightloop_predictions_{name}_total")


def test_predictions_and_inputs_are_kept(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home, telemetry = make_home(), Telemetry()
    recorder = make_recorder(home, telemetry)
    recorder.start()
    made, contents = predicted(3), [b"one", b"two", b"one"]
    recorder.take(made, contents)
    recorder.hurry()
    until(lambda: len(stored(home)) == 3, 10, 0.01)
    found = {one.id: one for one in stored(home)}
    for prediction, content in zip(made, contents, strict=True):
        kept = found[prediction.id]
        assert kept.place is not None
        assert kept.digest == digest_of(content)
        assert home.blobs.read(kept.place, kept.digest) == content
        assert kept.answer == prediction.answer
    assert found[made[0].id].place == found[made[2].id].place, "the same input is kept once"
    recorder.stop()
    assert count(telemetry, "recorded") == 3


def test_what_waits_at_the_end_is_recorded(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home = make_home()
    recorder = make_recorder(home)
    recorder.start()
    recorder.take(predicted(1250), [b"x"] * 1250)
    recorder.stop()
    assert len(stored(home)) == 1000
    with home.database.read() as connection:
        assert predictions.count_since(connection, "digits", None) == 1250


def test_more_than_may_wait_are_counted_and_let_go(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home, telemetry = make_home(max_recording=5), Telemetry()
    recorder = make_recorder(home, telemetry)
    recorder.take(predicted(8), [b"x"] * 8)
    assert count(telemetry, "dropped") == 3
    recorder.start()
    recorder.stop()
    assert len(stored(home)) == 5


def test_large_inputs_beyond_the_memory_allowed_are_not_kept(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    home = make_home()
    recorder = make_recorder(home)
    made = predicted(3)
    recorder.take(made, [b"12345678", b"12345678", b"12"])
    recorder.start()
    recorder.stop()
    kept = {one.id: one.place is not None for one in stored(home)}
    assert [kept[one.id] for one in made] == [True, False, True]


def test_a_failing_store_costs_nothing_once_it_works_again(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home, telemetry = make_home(), Telemetry()
    blobs = Path(home.settings.home, "blobs")
    blobs.write_text("a file where the folder should be")
    recorder = make_recorder(home, telemetry)
    recorder.start()
    made = predicted(4)
    recorder.take(made, [b"x"] * 4)
    time.sleep(2 * PAUSE)
    assert stored(home) == []
    blobs.unlink()
    recorder.stop()
    assert {one.id for one in stored(home)} == {one.id for one in made}
    assert not count(telemetry, "dropped")


def test_inputs_are_stored_once_however_long_the_database_is_away(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home = make_home()
    home.database.close()
    for file in home.settings.home.glob("sightloop.db*"):
        file.unlink()

    def blobs() -> list[Path]:
        return [file for file in Path(home.settings.home, "blobs").rglob("*") if file.is_file()]

    recorder = make_recorder(home)
    recorder.start()
    for number in range(1, 4):
        recorder.take(predicted(1), [b"%08d" % number])
        recorder.hurry()
        until(lambda number=number: len(blobs()) >= number, 10, 0.01)  # type: ignore[misc]
    assert [file.stat().st_size for file in blobs()] == [8, 8, 8]
    home.database.migrate()
    recorder.stop()
    assert [home.blobs.read(one.place) for one in stored(home) if one.place] == [b"00000003", b"00000002", b"00000001"]


def test_nothing_is_recorded_where_the_settings_say_so(
    make_home: Callable[..., Home], make_recorder: Callable[..., Recorder]
) -> None:
    home = make_home(record=False)
    recorder = make_recorder(home)
    recorder.start()
    recorder.take(predicted(1), [b"x"])
    recorder.stop()
    assert stored(home) == []
