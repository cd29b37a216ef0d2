"""An embedding of textures: how much each channel of a backbone's layers varies over the picture.

That says what a surface is like and nothing of where (Gatys et al., 2015, "Texture synthesis using convolutional neural
networks", has the channels' products; their deviations are nearly as good: Huang and Belongie, 2017). It is taken as a
logarithm, so that twice as much counts alike in a faint channel and in a strong one.
"""

from __future__ import annotations

from typing import Any

from sightloop.errors import BadRecipe

_LEAST = 1e-4
"""Added to a variance: a channel that hardly varies is told apart from a flat one by noise alone."""
_PLAIN = 2
"""How many of the last groups are not looked into: what is wide in them says what things are seen."""


def textures(backbone: Any, name: str) -> Any:
    """A module from normalised pixels (N, 3, H, W) to how much channels vary (N, dims), as logarithms.

    The channels are those that the groups of blocks but the first give, and those inside the last block of each group
    but the last two, where they are several times as many.

    Raises BadRecipe for a backbone that is not built of such groups.
    """
    import torch
    from timm.models import create_feature_extractor

    layers = _layers(backbone)
    if not layers:
        raise BadRecipe(
            f"the backbone {name!r} has no textures to embed",
            expected="one that is built of groups of convolutional blocks, as timm's EfficientNet and MobileNetV2 are",
            hint='Take another, or embedding = "last".',
        )

    class Textures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = create_feature_extractor(backbone, layers)

        def forward(self, pixels: Any) -> Any:
            return torch.cat([_variation(layer) for layer in self.seen(pixels).values()], dim=1)

    return Textures()


def _layers(backbone: Any) -> list[str]:
    """The names of the layers to look at; none, where the backbone is of other parts."""
    groups = getattr(backbone, "blocks", ())
    wide = [_wide(group[-1]) for group in groups[:-_PLAIN] if hasattr(group, "__getitem__")]
    if not wide or None in wide:
        return []
    inside = [f"blocks.{number}.{len(groups[number]) - 1}.{layer}" for number, layer in enumerate(wide)]
    return [f"blocks.{number}" for number in range(1, len(groups))] + inside


def _wide(block: Any) -> str | None:
    """The layer of a block behind which its channels are as many as they get; None for a block of another kind."""
    return "bn2" if hasattr(block, "bn3") else "bn1" if hasattr(block, "bn1") else None


def _variation(layer: Any) -> Any:
    """The logarithm of the deviation of each channel (N, channels, H, W), as (N, channels)."""
    mean = layer.mean(dim=(2, 3), keepdim=True)
    return 0.5 * ((layer - mean).square().mean(dim=(2, 3)) + _LEAST).log()


def side_by_side(parts: list[Any]) -> Any:
    """A module that gives what several modules make of the same input, as one row of numbers."""
    import torch

    class SideBySide(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleList(parts)

        def forward(self, pixels: Any) -> Any:
            return torch.cat([part(pixels) for part in self.parts], dim=1)

    return SideBySide()
