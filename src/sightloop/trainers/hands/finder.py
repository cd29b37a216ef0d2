"""The surest hand in each of many pictures as one torch module, which a model package can carry in its graph.

What MediaPipe does (Zhang et al., 2020, "MediaPipe Hands"), for a batch: a palm is looked for in the picture (an SSD
with anchors), its hand is cut out upright, and 21 points are read off the cut. That network finds small palms sooner
than one that fills the picture, so pictures are looked at amid black, at two thirds of the size that would fill its
input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightloop.trainers.hands.networks import read
from sightloop.values.landmarks import HAND, PALM, POINTS
from sightloop.values.palms import GROWN, HAND_SIDE, MIDDLE, PALM_SIDE, SHIFTED, WRIST, anchors

_ROOM = 1.5
"""The palm network looks at so many times the picture's longer side."""


def finder(folder: Path) -> Any:
    """A torch module over the networks in a folder: uint8 pixels (N, height, width, 3) to points and sureness.

    Points are (N, 21, 2) in the upright cut around the hand, as shares of its side; the sureness (N,) that there is one
    lies between 0 and 1.
    """
    import torch

    class Finder(torch.nn.Module):
        anchors: Any

        def __init__(self) -> None:
            super().__init__()
            self.palm, self.hand = read(folder / PALM), read(folder / HAND)
            self.register_buffer("anchors", torch.from_numpy(anchors()))

        def forward(self, pixels: Any) -> tuple[Any, Any]:
            colours = pixels.permute(0, 3, 1, 2).float() / 255
            middle, side, along, there = self.palms(colours)
            cut = sampled(colours, middle, side / HAND_SIDE, along, HAND_SIDE)
            points, present, *_ = self.hand(cut.permute(0, 2, 3, 1))
            sure = torch.minimum(there, present.reshape(-1))
            return points.reshape(-1, POINTS, 3)[..., :2] / HAND_SIDE, sure

        def palms(self, colours: Any) -> tuple[Any, Any, Any, Any]:
            """Of the surest palm: its hand's middle and side in pixels, its bearing, and how sure it is one."""
            seen, scale, before = bordered(colours)
            numbers, scores = self.palm(seen.permute(0, 2, 3, 1))
            best = scores[..., 0].argmax(dim=1)
            row = numbers.gather(1, best[:, None, None].expand(-1, 1, 18))[:, 0]
            middle = (row[:, :2] + self.anchors[best] * PALM_SIDE - before) * scale
            extent, points = row[:, 2:4] * scale, row[:, 4:].reshape(-1, 7, 2)
            along = points[:, MIDDLE] - points[:, WRIST]
            along = along / along.norm(dim=1, keepdim=True).clamp(min=1e-6)
            middle = middle + SHIFTED * extent[:, 1:] * along
            return middle, extent.amax(dim=1) * GROWN, along, scores[..., 0].amax(dim=1).sigmoid()

    return Finder().eval().requires_grad_(False)


def bordered(colours: Any) -> tuple[Any, float, Any]:
    """What the palm network looks at; how many pixels of the picture one of its pixels is; where the picture begins."""
    import torch

    height, width = colours.shape[2:]
    scale = _ROOM * max(height, width) / PALM_SIDE
    high, wide = max(1, round(height / scale)), max(1, round(width / scale))
    smaller = torch.nn.functional.interpolate(colours, size=(high, wide), mode="bilinear")
    top, left = (PALM_SIDE - high) // 2, (PALM_SIDE - wide) // 2
    around = (left, PALM_SIDE - wide - left, top, PALM_SIDE - high - top)
    return torch.nn.functional.pad(smaller, around), scale, torch.tensor([float(left), float(top)])


def sampled(colours: Any, middle: Any, scale: Any, along: Any, to: int) -> Any:
    """Squares (N, 3, to, to) of pictures about a point, `along` upwards, a pixel `scale` wide; black beyond them."""
    import torch

    height, width = colours.shape[2:]
    steps = torch.arange(to, dtype=torch.float32) - to / 2
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    # Upwards in the square is along the bearing in the picture: its cosine and sine are those of the turn.
    cosine, sine = (-along[:, 1] * scale)[:, None, None], (along[:, 0] * scale)[:, None, None]
    x = cosine * across - sine * down + middle[:, 0, None, None]
    y = sine * across + cosine * down + middle[:, 1, None, None]
    places = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], dim=3)
    return torch.nn.functional.grid_sample(colours, places, mode="bilinear", padding_mode="zeros", align_corners=True)
