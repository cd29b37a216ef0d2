"""An embedding of textures: how strong each channel of a backbone's layers is, and how much it varies.

Means and deviations over the picture say what its surface is like and nothing of where (Gatys et al., 2015, "Texture
synthesis using convolutional neural networks", has the channels' products; their means and deviations are nearly as
good: Huang and Belongie, 2017).
"""

from __future__ import annotations

from typing import Any

from sightloop.errors import BadRecipe

_LEAST = 1e-5


def textures(backbone: Any, name: str, *, means: bool) -> Any:
    """A module from normalised pixels (N, 3, H, W) to the embedding (N, dims) of the groups of blocks but the first.

    With `means`, it has means and deviations, and leaves out the last group too: means there say what things are seen.
    Without, it has deviations alone.

    Raises BadRecipe for a backbone that is not built of a stem and such groups.
    """
    import torch

    if not all(hasattr(backbone, part) for part in ("conv_stem", "bn1", "blocks")) or len(backbone.blocks) < 3:
        raise BadRecipe(
            f"the backbone {name!r} has no textures to embed",
            expected="one that is built of a stem and groups of blocks, as timm's EfficientNet and MobileNet are",
            hint='Take another, or embedding = "last".',
        )

    class Textures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Sequential(backbone.conv_stem, backbone.bn1, backbone.blocks[0])
            self.groups = torch.nn.ModuleList(backbone.blocks[1:-1] if means else backbone.blocks[1:])

        def forward(self, pixels: Any) -> Any:
            seen, found = self.stem(pixels), []
            for group in self.groups:
                seen = group(seen)
                mean = seen.mean(dim=(2, 3), keepdim=True)
                spread = (seen - mean).square().mean(dim=(2, 3))
                found += [mean.flatten(1)] if means else []
                found.append((spread + _LEAST).sqrt())
            return torch.cat(found, dim=1)

    return Textures()


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
