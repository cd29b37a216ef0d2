"""ONNX Runtime opens what is a package's graph, and says why it does not open anything else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper
from tests import packages

from sightloop import plugins
from sightloop.errors import PackageRefused
from sightloop.runtimes.onnx import RUNTIME
from sightloop.values.image import Image
from sightloop.values.package import GRAPH, Sealed
from sightloop.values.sample import digest_of


def _holding(graph: bytes) -> Sealed:
    sealed = packages.digits()
    card = msgspec.structs.replace(sealed.card, files=sealed.card.files | {GRAPH: digest_of(graph)})
    return Sealed(card, graph, sealed.golden)


def test_comes_through_the_plugin_door() -> None:
    assert plugins.load("runtimes", "onnx") is RUNTIME


def test_answers_probabilities_and_embeddings() -> None:
    session = RUNTIME.open(packages.digits(), threads=1)
    pictures = np.stack([Image.decode(content).pixels for content, _ in packages.drawn()[:5]])
    probabilities, embedding = session.run(pictures)
    assert probabilities.shape == embedding.shape == (5, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_many_threads_may_run_one_session() -> None:
    session = RUNTIME.open(packages.digits(), threads=1)
    pictures = [Image.decode(content).pixels[None] for content, _ in packages.drawn()[:40]]
    expected = [session.run(one)[0] for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda one: session.run(one)[0], pictures))
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))


def test_bytes_that_are_no_graph_are_refused() -> None:
    with pytest.raises(PackageRefused, match="cannot load"):
        RUNTIME.open(_holding(b"no graph"), threads=1)


def test_a_graph_with_other_outputs_is_refused() -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input"], ["other"])],
        "other",
        [value("input", TensorProto.FLOAT, ["n", 3])],
        [value("other", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    with pytest.raises(PackageRefused, match="input and outputs") as caught:
        RUNTIME.open(_holding(model.SerializeToString()), threads=1)
    assert caught.value.got == "input -> other"
