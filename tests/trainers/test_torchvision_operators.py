"""torchvision works beside a CPU torch, and what stands in for its operators computes the same."""

from __future__ import annotations

import numpy as np

from sightloop.trainers.torchvision_operators import complete, load_timm, suppressed


def test_torchvision_can_be_imported_and_suppresses_boxes() -> None:
    complete()
    complete()
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
    assert torchvision.ops.nms(boxes, torch.tensor([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def test_no_boxes_are_no_boxes() -> None:
    assert suppressed(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def test_timm_loads() -> None:
    assert "mobilenetv2_100" in load_timm().list_models()
