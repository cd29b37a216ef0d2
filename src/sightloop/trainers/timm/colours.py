"""Which colours a picture has, and where they stand out from those at its edge; apart from light and dark.

A colour is told by two opponents, red against green and yellow against blue (Hering's; as van de Sande et al., 2010,
"Evaluating color descriptors for object and scene recognition", have them), from -255 to 255.
"""

from __future__ import annotations

from typing import Any

_MOST, _BINS = 96.0, 24
"""What is beyond the most counts as the most: photographs are hardly ever that vivid. A bin is some 8 wide."""
_EDGE = 28
"""The edge is this part of a picture's height and width, on each side."""
_SMOOTH = 5
"""JPEG is coarse in colour."""
_LEAST = 1e-3
"""The least weight, so that a picture of one colour has a mean too."""


def colours(raw: Any) -> Any:
    """How frequent each pair of opponents is in pictures (N, 3, H, W) from 0 to 255, as roots (N, 24 * 24).

    Roots, so that distances are Hellinger's, in which a rare colour counts; a pixel between two bins is shared by them.
    """
    import torch

    pairs = _opponents(torch.nn.functional.avg_pool2d(raw, 2)).flatten(2)
    places = (pairs.clamp(-_MOST, _MOST) + _MOST) * ((_BINS - 1) / (2 * _MOST))
    bins = torch.arange(_BINS, dtype=torch.float32, device=raw.device).view(1, 1, _BINS, 1)
    shares = (1 - (places.unsqueeze(2) - bins).abs()).clamp(min=0)
    both = shares[:, 0] @ shares[:, 1].transpose(1, 2)
    return (both.flatten(1) / places.shape[2]).sqrt()


def standing_out(raw: Any) -> Any:
    """How far the colour of each pixel of pictures (N, 3, H, W) is from that at the edge, as weights (N, 1, H, W) to 1.

    What is at the edge is mostly background (Wei et al., 2012, "Geodesic saliency using background priors"). A pixel
    that is as far from its mean as pixels usually are weighs a half.
    """
    import torch

    seen = _opponents(torch.nn.functional.avg_pool2d(raw, _SMOOTH, 1, _SMOOTH // 2, count_include_pad=False))
    far = (seen - _edge_mean(seen)).square().sum(dim=1, keepdim=True)
    return far / (far + far.mean(dim=(2, 3), keepdim=True) + 1) + _LEAST


def _opponents(raw: Any) -> Any:
    """Red against green and yellow against blue (N, 2, H, W)."""
    import torch

    red, green, blue = raw[:, 0], raw[:, 1], raw[:, 2]
    return torch.stack([red - green, (red + green) / 2 - blue], dim=1)


def _edge_mean(seen: Any) -> Any:
    """The mean of the pixels at the edge (N, channels, 1, 1)."""
    height, width = seen.shape[2:]
    high, wide = max(1, height // _EDGE), max(1, width // _EDGE)
    inner = seen[:, :, high : height - high, wide : width - wide]
    count = height * width - inner.shape[2] * inner.shape[3]
    return (seen.sum(dim=(2, 3), keepdim=True) - inner.sum(dim=(2, 3), keepdim=True)) / count
