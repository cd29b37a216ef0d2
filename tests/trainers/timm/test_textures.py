"""Embeddings of textures: what is in one, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sightloop.errors import BadRecipe
from sightloop.trainers.timm.textures import textures
from sightloop.trainers.torchvision_operators import load_timm


@pytest.fixture(scope="module")
def backbone() -> Any:
    """A small backbone of a stem and groups of blocks."""
    torch.manual_seed(0)
    return load_timm().create_model("test_efficientnet", num_classes=0).eval()


def embedded(backbone: Any, pixels: Any, *, means: bool) -> Any:
    """The embedding (N, dims) of normalised pixels."""
    with torch.no_grad():
        return textures(backbone, "it", means=means)(pixels).numpy()


def test_deviations_are_those_of_the_channels_of_all_groups_but_the_first(backbone: Any) -> None:
    pixels, expected = torch.randn(3, 3, 64, 64), []
    with torch.no_grad():
        seen = backbone.blocks[0](backbone.bn1(backbone.conv_stem(pixels)))
        for group in backbone.blocks[1:]:
            seen = group(seen)
            expected.append(seen.numpy().std(axis=(2, 3)))
    assert embedded(backbone, pixels, means=False) == pytest.approx(np.concatenate(expected, axis=1), abs=2e-3)


def test_with_means_the_last_group_is_left_out(backbone: Any) -> None:
    pixels = torch.randn(3, 3, 64, 64)
    both, deviations = (embedded(backbone, pixels, means=means) for means in (True, False))
    shared, found = both.shape[1] // 2, set(np.round(both, 4).ravel())
    assert both.shape[1] + 2 * backbone.blocks[-1][-1].bn3.num_features == 2 * deviations.shape[1]
    assert set(np.round(deviations[:, :shared], 4).ravel()) <= found


def test_a_backbone_of_other_parts_is_refused() -> None:
    with pytest.raises(BadRecipe, match="no textures"):
        textures(torch.nn.Linear(2, 2), "lines", means=False)
