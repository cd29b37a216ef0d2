"""Raw pixels as the weights of a backbone want them."""

from __future__ import annotations

from typing import Any


def normalisation(backbone: Any) -> Any:
    """A module from raw pixels (N, height, width, 3) to what the backbone takes (N, 3, height, width)."""
    import torch

    class Normalisation(torch.nn.Module):
        def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
            super().__init__()
            self.register_buffer("mean", 255 * torch.tensor(mean).view(3, 1, 1))
            self.register_buffer("deviation", 255 * torch.tensor(deviation).view(3, 1, 1))

        def forward(self, pixels: Any) -> Any:
            return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.deviation

    return Normalisation(backbone.pretrained_cfg["mean"], backbone.pretrained_cfg["std"])
