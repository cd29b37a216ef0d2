"""How long is waited before the next try."""

from __future__ import annotations

from sightloop.serve.backoff import LONGEST_PAUSE, pause


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause(0.5, tries) for tries in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert pause(0.5, 10) == LONGEST_PAUSE


def test_a_fault_that_lasts_for_weeks_has_a_pause_as_well() -> None:
    assert pause(0.5, 100_000) == LONGEST_PAUSE
