"""The models in memory follow the deployments; a broken one changes nothing but the health."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests import packages
from tests.deploying import Home
from tests.house import until

from sightloop.errors import NotFound, NotReady
from sightloop.serve.live import Live
from sightloop.store import deployments
from sightloop.telemetry import Telemetry
from sightloop.values.deployment import Member, Role
from sightloop.values.image import Image
from sightloop.values.package import GRAPH


def test_nothing_is_deployed_yet(make_home: Callable[..., Home], make_live: Callable[..., Live]) -> None:
    live = make_live(make_home())
    with pytest.raises(NotReady, match="has no model yet") as caught:
        live.choose("digits", 0)
    assert "sightloop train digits" in str(caught.value.hint)
    assert live.faults() == {}


def test_an_unknown_project_names_the_nearest(make_home: Callable[..., Home], make_live: Callable[..., Live]) -> None:
    with pytest.raises(NotFound, match="did you mean 'digits'"):
        make_live(make_home()).choose("digit", 0)


def test_a_new_revision_is_swapped_in(make_home: Callable[..., Home], make_live: Callable[..., Live]) -> None:
    home, telemetry = make_home(), Telemetry()
    home.deploy(packages.digits())
    live = make_live(home, telemetry)
    first = live.choose("digits", 0)
    home.deploy(packages.digits(60))
    live.refresh()
    assert (first.version, live.choose("digits", 0).version) == (1, 2)
    assert telemetry.registry.get_sample_value("sightloop_model_version", {"project": "digits"}) == 2
    assert telemetry.registry.get_sample_value("sightloop_swaps_total", {"project": "digits"}) == 2


def test_who_holds_the_old_model_can_still_use_it_and_the_last_frees_it(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home = make_home()
    home.deploy(packages.digits())
    live = make_live(home)
    held = live.choose("digits", 0)
    home.deploy(packages.digits(60))
    live.refresh()
    held.check()
    gone = weakref.ref(held)
    del held
    gc.collect()
    assert gone() is None


def test_the_thread_finds_a_deployment_by_itself(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home = make_home()
    live = make_live(home, start=True)
    home.deploy(packages.digits())
    until(lambda: "digits" in live.serving(), 10, 0.01)


def test_golden_answers_that_are_not_given_leave_the_old_model(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home, telemetry = make_home(), Telemetry()
    home.deploy(packages.digits())
    live = make_live(home, telemetry)
    pictures = np.stack([Image.decode(content).pixels for content, _ in packages.drawn()[:3]])
    home.deploy(packages.seal(packages.DIGITS, packages.digits().graph, pictures, off=0.01))
    live.refresh()
    assert live.choose("digits", 0).version == 1
    assert "golden answers" in live.faults()["digits"]
    assert telemetry.registry.get_sample_value("sightloop_deployment_faults_total", {"project": "digits"}) == 1


def test_an_altered_blob_leaves_the_old_model_and_a_mended_one_is_taken(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home = make_home()
    home.deploy(packages.digits())
    live = make_live(home)
    better = packages.digits(60)
    home.deploy(better)
    digest = better.card.files[GRAPH]
    blob = next(Path(home.settings.home, "blobs").rglob(digest))
    blob.write_bytes(b"altered")
    live.refresh()
    assert live.choose("digits", 0).version == 1
    assert "altered" in live.faults()["digits"]
    blob.write_bytes(better.graph)

    def mended() -> bool:
        live.refresh()
        return live.choose("digits", 0).version == 2

    until(mended, 10, 0.01)
    assert live.faults() == {}


def test_a_first_deployment_that_is_broken_says_why(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home = make_home()
    sealed = packages.digits()
    home.deploy(sealed)
    next(Path(home.settings.home, "blobs").rglob(sealed.card.files[GRAPH])).unlink()
    live = make_live(home)
    with pytest.raises(NotReady, match="no model that answers"):
        live.choose("digits", 0)


def test_a_canary_gets_its_share(make_home: Callable[..., Home], make_live: Callable[..., Live]) -> None:
    home = make_home()
    home.register(packages.digits())
    home.register(packages.digits(60))
    members = [Member(role=Role.CHAMPION, version=1, share=0.75), Member(role=Role.CANARY, version=2, share=0.25)]
    with home.database.write() as connection:
        deployments.deploy(connection, "digits", members, "test", "canary")
    live = make_live(home)
    versions = [live.choose("digits", ticket / 100).version for ticket in range(100)]
    assert versions.count(2) == 25


def test_a_database_that_is_gone_leaves_the_models(
    make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    home = make_home()
    home.deploy(packages.digits())
    live = make_live(home)
    home.database.close()
    for file in home.settings.home.glob("sightloop.db*"):
        file.unlink()
    live.refresh()
    assert live.choose("digits", 0).version == 1
    assert live.faults()["database"] == "the deployments cannot be read: no such table: deployments"


@pytest.mark.parametrize("runtime", ["openvino", "openvino-bf16"])
def test_a_project_may_have_a_runtime_of_its_own(
    runtime: str, make_home: Callable[..., Home], make_live: Callable[..., Live]
) -> None:
    pytest.importorskip("openvino", reason="the second runtime is an extra: sightloop[openvino]")
    home = make_home(runtimes=f"squares={runtime}")
    home.deploy(packages.squares())
    home.deploy(packages.digits())
    live = make_live(home)  # each was asked for its golden answers
    kinds = [type(live.choose(project, 0).session).__name__ for project in ("squares", "digits")]
    assert kinds == ["OpenVinoSession", "OnnxSession"]


def test_a_runtime_that_is_not_there_is_named(make_home: Callable[..., Home], make_live: Callable[..., Live]) -> None:
    home = make_home(runtimes="digits=tensorrt")
    home.deploy(packages.digits())
    live = make_live(home)
    assert "no plug-in 'tensorrt' among runtimes" in live.faults()["digits"]
    assert "openvino" in live.faults()["digits"]
