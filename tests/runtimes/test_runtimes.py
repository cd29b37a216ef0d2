"""Every runtime opens what is a package's graph, answers alike, and says why it does not open anything else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper
from tests import packages

from sightloop import plugins
from sightloop.errors import PackageRefused
from sightloop.runtimes.runtime import EXACT, Runtime
from sightloop.tasks.detection import TASK
from sightloop.values.image import Image
from sightloop.values.package import GRAPH, Sealed
from sightloop.values.sample import digest_of


def _holding(graph: bytes) -> Sealed:
    sealed = packages.digits()
    card = msgspec.structs.replace(sealed.card, files=sealed.card.files | {GRAPH: digest_of(graph)})
    return Sealed(card, graph, sealed.golden)


@pytest.fixture(params=plugins.names("runtimes"))
def runtime(request: pytest.FixtureRequest) -> Any:
    """Each runtime, through the plug-in door."""
    if request.param.startswith("openvino") and find_spec("openvino") is None:
        pytest.skip("openvino is not installed: sightloop[openvino]")
    return plugins.load("runtimes", request.param)


def test_there_are_two_and_more() -> None:
    assert {"onnx", "openvino", "openvino-bf16"} <= set(plugins.names("runtimes"))


def test_answers_probabilities_and_embeddings(runtime: Runtime) -> None:
    session = runtime.open(packages.digits(), threads=1)
    pictures = np.stack([Image.decode(content).pixels for content, _ in packages.drawn()[:5]])
    probabilities, embedding = session.run(pictures)
    assert probabilities.shape == embedding.shape == (5, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-2 if session.tolerance > EXACT else 1e-5)


def test_many_threads_may_run_one_session(runtime: Runtime) -> None:
    session = runtime.open(packages.digits(), threads=1)
    pictures = [Image.decode(content).pixels[None] for content, _ in packages.drawn()[:40]]
    expected = [session.run(one)[0] for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda one: session.run(one)[0], pictures))
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))


def test_bytes_that_are_no_graph_are_refused(runtime: Runtime) -> None:
    with pytest.raises(PackageRefused, match="cannot load the package's graph"):
        runtime.open(_holding(b"no graph"), threads=1)


def test_a_graph_with_other_outputs_is_refused(runtime: Runtime) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input"], ["other"])],
        "other",
        [value("input", TensorProto.FLOAT, ["n", 3])],
        [value("other", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    with pytest.raises(PackageRefused, match="input and outputs") as caught:
        runtime.open(_holding(model.SerializeToString()), threads=1)
    assert caught.value.got == "input -> other"


def test_a_detector_finds_the_same_boxes(runtime: Runtime) -> None:
    package = packages.squares()
    session = runtime.open(package, threads=1)
    pictures = np.stack([packages.painted(("red", 1, 2)), packages.painted(("green", 3, 0), ("red", 5, 3))])
    expected, _ = plugins.load("runtimes", "onnx").open(package, threads=1).run(pictures)
    for some in (pictures, pictures[:1], pictures):
        found, embedding = session.run(some)
        assert found.dtype == embedding.dtype == np.float32
        assert TASK.difference(found, expected[: len(some)], package.card) <= session.tolerance


def test_a_later_answer_leaves_an_earlier_one_as_it_was(runtime: Runtime) -> None:
    session = runtime.open(packages.squares(), threads=1)
    first, _ = session.run(packages.painted(("red", 1, 2))[None])
    before = first.copy()
    session.run(packages.painted(("green", 4, 1))[None])
    assert (first == before).all()
