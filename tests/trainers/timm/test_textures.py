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


def embedded(backbone: Any, pixels: Any) -> Any:
    """The embedding (N, dims) of normalised pixels."""
    with torch.no_grad():
        return textures(backbone, "it").eval()(pixels).numpy()


def test_it_is_how_much_channels_vary_in_what_groups_give_and_where_they_are_wide(backbone: Any) -> None:
    pixels, seen = torch.randn(3, 3, 64, 64), []
    wide = [group[-1].bn2 if hasattr(group[-1], "bn3") else group[-1].bn1 for group in backbone.blocks[:-2]]
    hooks = [layer.register_forward_hook(lambda *told: seen.append(told[2])) for layer in [*backbone.blocks[1:], *wide]]
    with torch.no_grad():
        backbone(pixels)
    for hook in hooks:
        hook.remove()
    found = embedded(backbone, pixels)
    expected = np.concatenate([layer.numpy().std(axis=(2, 3)) for layer in seen], axis=1)
    assert found.shape == expected.shape
    assert np.exp(found) == pytest.approx(expected, abs=0.01)  # the root of what keeps the logarithm finite


def test_a_flat_picture_has_an_embedding_too(backbone: Any) -> None:
    assert np.isfinite(embedded(backbone, torch.zeros(2, 3, 64, 64))).all()


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_a_backbone_of_other_parts_is_refused(name: str) -> None:
    with pytest.raises(BadRecipe, match="no textures"):
        textures(load_timm().create_model(name, num_classes=0), name)
