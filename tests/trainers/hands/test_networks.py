"""MediaPipe's networks answer in torch as OpenVINO has them answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import parser

from sightloop.errors import BadData
from sightloop.trainers.hands.networks import read
from sightloop.values.landmarks import HAND, PALM


@pytest.mark.parametrize(("name", "side"), [(PALM, 192), (HAND, 224)])
def test_torch_answers_as_openvino(hand_networks: Path, name: str, side: int) -> None:
    import openvino

    inputs = np.random.default_rng(3).random((3, side, side, 3), np.float32)
    core = openvino.Core()
    model = core.compile_model(hand_networks / name, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    network = read(hand_networks / name)
    with torch.no_grad():
        ours = [output.numpy() for output in network(torch.from_numpy(inputs))]
    assert len(ours) == len(model.outputs)
    for row, one in enumerate(inputs):
        theirs = model(one[None])
        for number, got in enumerate(ours):
            expected = theirs[number]
            scale = max(1.0, float(np.abs(expected).max()))
            assert np.abs(got[row] - expected[0]).max() / scale < 1e-4


def test_another_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    graph = '<ir_version: 9, opset_import: ["" : 17]> other (float[1, 4] x) => (float[1, 4] y) { y = Sin (x) }'
    path = tmp_path / "other.onnx"
    path.write_bytes(parser.parse_model(graph).SerializeToString())
    with pytest.raises(BadData, match=r"other\.onnx is another network.*Sin"):
        read(path)
