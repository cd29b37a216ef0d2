"""An embedding of surfaces: what a thing is like to look at closely, and nothing of where in the picture that is.

How much each channel of a backbone's layers varies over the picture says what it is covered with (Gatys et al., 2015,
"Texture synthesis using convolutional neural networks", has the channels' products; their deviations are nearly as
good: Huang and Belongie, 2017). It is taken as a logarithm, so that twice as much counts alike in a faint channel and
in a strong one. Beside it stand the means of the channels over what stands out from the picture's edge, where a plain
mean is mostly of the background, and the picture's colours.
"""

from __future__ import annotations

from typing import Any

from sightloop.errors import BadRecipe
from sightloop.trainers.timm.colours import colours, standing_out
from sightloop.trainers.timm.normalisation import normalisation

_LEAST = 1e-4
"""Added to a variance: a channel that hardly varies is told apart from a flat one by noise alone."""
_PLAIN = 2
"""How many of the last groups are not looked into: what is wide in them says what things are seen."""
_LAST = "bn2"
"""The last layer of backbones that widen what the last group gives before they take its mean."""


def surfaces(backbones: dict[str, Any]) -> Any:
    """A module from raw pixels (N, H, W, 3) to their surfaces (N, dims), as backbones, by their names, see them.

    The channels are those that the groups of blocks but the first give, those inside the last block of each group but
    the last two, where they are several times as many, and of the last layer the means alone. The module's `parts`
    gives the same layer by layer.

    Raises BadRecipe for a backbone that is not built of such groups.
    """
    import torch

    views = [torch.nn.Sequential(normalisation(each), _seen(each, name)) for name, each in backbones.items()]

    class Surfaces(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.views = torch.nn.ModuleList(views)

        def parts(self, pixels: Any) -> list[Any]:
            raw = pixels.permute(0, 3, 1, 2).float()
            weights, found = _Coarser(standing_out(raw)), [colours(raw)]
            for view in self.views:
                for name, layer in view(pixels).items():
                    mean = _mean(layer, weights.of(layer))
                    found += [mean] if name == _LAST else [_variation(layer), mean]
            return found

        def forward(self, pixels: Any) -> Any:
            return torch.cat(self.parts(pixels), dim=1)

    return Surfaces()


def _seen(backbone: Any, name: str) -> Any:
    """A module from normalised pixels to the layers that are looked at, by name."""
    from timm.models import create_feature_extractor

    layers = _layers(backbone)
    if not layers:
        raise BadRecipe(
            f"the backbone {name!r} has no surfaces to embed",
            expected="one that is built of groups of convolutional blocks, as timm's EfficientNet and MobileNetV2 are",
            hint='Take another, or embedding = "last".',
        )
    return create_feature_extractor(backbone, layers)


def _layers(backbone: Any) -> list[str]:
    """The names of the layers to look at; none, where the backbone is of other parts."""
    groups = getattr(backbone, "blocks", ())
    wide = [_wide(group[-1]) for group in groups[:-_PLAIN] if hasattr(group, "__getitem__")]
    if not wide or None in wide:
        return []
    inside = [f"blocks.{number}.{len(groups[number]) - 1}.{layer}" for number, layer in enumerate(wide)]
    last = [_LAST] if hasattr(backbone, _LAST) else []
    return [f"blocks.{number}" for number in range(1, len(groups))] + inside + last


def _wide(block: Any) -> str | None:
    """The layer of a block behind which its channels are as many as they get; None for a block of another kind."""
    return "bn2" if hasattr(block, "bn3") else "bn1" if hasattr(block, "bn1") else None


def _variation(layer: Any) -> Any:
    """The logarithm of the deviation of each channel (N, channels, H, W), as (N, channels)."""
    mean = layer.mean(dim=(2, 3), keepdim=True)
    return 0.5 * ((layer - mean).square().mean(dim=(2, 3)) + _LEAST).log()


def _mean(layer: Any, weights: Any) -> Any:
    """The mean of each channel (N, channels, H, W) by weights (N, 1, H, W) that sum to 1, as (N, channels)."""
    return (layer * weights).sum(dim=(2, 3))


class _Coarser:
    """The weights of pixels (N, 1, height, width) at the sizes of layers, each made once."""

    def __init__(self, weights: Any) -> None:
        self._weights, self._made = weights, dict[tuple[int, int], Any]()

    def of(self, layer: Any) -> Any:
        """The weights at the size of a layer (N, channels, H, W), as shares (N, 1, H, W)."""
        import torch

        size = (int(layer.shape[2]), int(layer.shape[3]))
        if size not in self._made:
            seen = torch.nn.functional.interpolate(self._weights, size=size, mode="area")
            self._made[size] = seen / seen.sum(dim=(2, 3), keepdim=True)
        return self._made[size]
