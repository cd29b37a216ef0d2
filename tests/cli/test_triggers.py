"""Triggers by command: how near each is, and why it does not start."""

from __future__ import annotations

from collections.abc import Callable

from tests import tens
from tests.cli.conftest import Command

from sightloop.wiring import Parts


def test_triggers_are_listed_with_what_holds_them(home: Callable[..., Parts], command: Command) -> None:
    home()
    told = command("triggers", "tens").out
    assert "0 samples were labelled since the last run (at least 5)" in told
    assert "not: its level is not reached" in told
    assert "no worker is running" in told
    listed = command("triggers", "tens", "--json").json
    assert listed["worker"] is False
    assert [(one["trigger"], one["present"], one["level"]) for one in listed["triggers"]] == [
        ("labels", 0, 5),
        ("predictions", 0, 3),
    ]


def test_a_recipe_without_triggers_says_so(home: Callable[..., Parts], command: Command) -> None:
    home(tens.RECIPE.split("[triggers]")[0])
    assert command("triggers", "tens").out.startswith("the recipe of tens names no trigger")
