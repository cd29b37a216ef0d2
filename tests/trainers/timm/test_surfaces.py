"""Embeddings of surfaces: what is in one, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sightloop.errors import BadRecipe
from sightloop.trainers.timm.colours import colours, standing_out
from sightloop.trainers.timm.normalisation import normalisation
from sightloop.trainers.timm.surfaces import surfaces
from sightloop.trainers.torchvision_operators import load_timm


@pytest.fixture(scope="module")
def backbone() -> Any:
    """A small backbone of a stem and groups of blocks."""
    torch.manual_seed(0)
    return load_timm().create_model("test_efficientnet", num_classes=0).eval()


def embedded(backbone: Any, pixels: Any) -> list[Any]:
    """The parts (N, channels) of the embedding of raw pixels."""
    with torch.no_grad():
        return [part.numpy() for part in surfaces({"it": backbone}).eval().parts(pixels)]


def painted(seed: int = 0) -> Any:
    """Three grey pictures with a disc of noise, redder than the rest."""
    chance = np.random.default_rng(seed)
    pixels = np.full((3, 64, 64, 3), 120, np.uint8)
    down, right = np.mgrid[:64, :64]
    disc = (down - 32) ** 2 + (right - 32) ** 2 < 15**2
    pixels[:, disc] = chance.integers([100, 0, 0], [255, 120, 100], (3, disc.sum(), 3))
    return torch.from_numpy(pixels)


def test_its_parts_are_colours_and_how_channels_vary_and_their_means_layer_by_layer(backbone: Any) -> None:
    pixels, seen = painted(), []
    wide = [group[-1].bn2 if hasattr(group[-1], "bn3") else group[-1].bn1 for group in backbone.blocks[:-2]]
    layers = [*backbone.blocks[1:], *wide, backbone.bn2]
    hooks = [layer.register_forward_hook(lambda *told: seen.append(told[2])) for layer in layers]
    with torch.no_grad():
        backbone(normalisation(backbone)(pixels))
    for hook in hooks:
        hook.remove()
    raw = pixels.permute(0, 3, 1, 2).float()
    weights = standing_out(raw)
    found = embedded(backbone, pixels)
    assert found[0] == pytest.approx(colours(raw).numpy())
    varied = np.concatenate([layer.numpy().std(axis=(2, 3)) for layer in seen[:-1]], axis=1)
    assert np.exp(np.concatenate(found[1:-1:2], axis=1)) == pytest.approx(varied, abs=0.01)  # the root of _LEAST
    for mean, layer in zip([*found[2:-1:2], found[-1]], seen, strict=True):
        step = 64 // layer.shape[2]
        coarse = weights.reshape(3, 1, layer.shape[2], step, layer.shape[3], step).mean(dim=(3, 5))
        assert mean == pytest.approx(((layer * coarse).sum(dim=(2, 3)) / coarse.sum(dim=(2, 3))).numpy(), abs=1e-4)


def test_its_parts_side_by_side_are_the_embedding(backbone: Any) -> None:
    pixels = painted()
    with torch.no_grad():
        whole = surfaces({"it": backbone}).eval()(pixels).numpy()
    assert whole == pytest.approx(np.concatenate(embedded(backbone, pixels), axis=1))


def test_a_flat_picture_has_an_embedding_too(backbone: Any) -> None:
    flat = embedded(backbone, torch.full((2, 64, 64, 3), 40, dtype=torch.uint8))
    assert all(np.isfinite(part).all() for part in flat)


def test_a_picture_that_does_not_divide_evenly_has_one_too(backbone: Any) -> None:
    odd = embedded(backbone, torch.randint(0, 256, (2, 75, 97, 3), dtype=torch.uint8))
    assert [part.shape for part in odd] == [(2, part.shape[1]) for part in embedded(backbone, painted())]


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_a_backbone_of_other_parts_is_refused(name: str) -> None:
    with pytest.raises(BadRecipe, match="no surfaces"):
        surfaces({name: load_timm().create_model(name, num_classes=0)})
