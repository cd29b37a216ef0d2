"""A backbone as the timm trainer uses it: a frozen lower part, an upper part that is tuned, and a linear head."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm.linear import Linear
from sightloop.trainers.timm.normalisation import normalisation
from sightloop.trainers.timm.surfaces import surfaces

State = tuple[dict[str, Any], dict[str, Any]]
"""The tensors of upper part and head."""

_BATCH = 64
_LOOKS: tuple[tuple[int, ...], ...] = ((), (2,), (1,), (1, 2))  # axes of (N, height, width, 3) that are turned over


@dataclass(eq=False)
class Network:
    """Raw pixels (N, height, width, 3) to `lower` features, to an embedding by `upper`, to logits by `head`.

    An answer is from the mean embedding of so many `looks`: at the picture as it is, mirrored, upside down, and both.
    `parts` are the sizes of what an embedding is put together from, where it is.
    """

    lower: Any
    upper: Any
    head: Any
    device: Any
    looks: int = 1
    parts: tuple[int, ...] = ()

    def features(self, inputs: NDArray[np.uint8]) -> Any:
        """What the frozen part makes of raw pixels, as a tensor on the device; in batches."""
        import torch

        with torch.no_grad():
            starts = range(0, len(inputs), _BATCH)
            return torch.cat([self.lower(torch.from_numpy(inputs[at : at + _BATCH]).to(self.device)) for at in starts])

    def look(self, inputs: NDArray[np.uint8]) -> list[Any]:
        """The features of every look at raw pixels."""
        return [self.features(np.ascontiguousarray(np.flip(inputs, axes))) for axes in _LOOKS[: self.looks]]

    def embeddings(self, looked: Sequence[Any]) -> NDArray[np.float32]:
        """The embedding (N, dims) of features: their mean, where there are several looks."""
        import torch

        self.upper.eval()
        with torch.no_grad():
            each = [
                torch.cat([self.upper(features[at : at + _BATCH]) for at in range(0, len(features), _BATCH)])
                for features in looked
            ]
        return np.asarray(torch.stack(each).mean(dim=0).cpu().numpy(), np.float32)

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits (N, classes) of embeddings."""
        weight, bias = (tensor.detach().cpu().numpy() for tensor in (self.head.weight, self.head.bias))
        return np.asarray(embeddings @ weight.T + bias, np.float32)

    def predict(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The logits and embeddings of raw pixels, as torch computes them."""
        embeddings = self.embeddings(self.look(inputs))
        return self.logits(embeddings), embeddings

    def take(self, head: Linear) -> None:
        """Answer by this head from now on."""
        import torch

        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(head.weight))
            self.head.bias.copy_(torch.from_numpy(head.bias))

    def state(self) -> State:
        """A copy of what training changes."""
        return copy.deepcopy(self.upper.state_dict()), copy.deepcopy(self.head.state_dict())

    def restore(self, state: State) -> None:
        """Go back to a copy."""
        self.upper.load_state_dict(state[0])
        self.head.load_state_dict(state[1])

    def module(self) -> Any:
        """The whole network as one torch module on the CPU: pixels (N, height, width, 3) to logits and embedding.

        Its parts are the network's own, so `back` must follow.
        """
        import torch

        class Whole(torch.nn.Module):
            def __init__(self, network: Network) -> None:
                super().__init__()
                self.lower, self.upper, self.head = network.lower, network.upper, network.head
                self.looks = network.looks

            def forward(self, pixels: Any) -> tuple[Any, Any]:
                looked = torch.cat([pixels.flip(axes) if axes else pixels for axes in _LOOKS[: self.looks]])
                embedding = self.upper(self.lower(looked))
                if self.looks > 1:
                    embedding = embedding.reshape(self.looks, -1, embedding.shape[1]).mean(dim=0)
                return self.head(embedding), embedding

        return Whole(self).cpu().eval()

    def back(self) -> None:
        """Go back to the device, after `module`."""
        for part in (self.lower, self.upper, self.head):
            part.to(self.device)


def build(backbone: Any, classes: int, frozen: int, looks: int = 1) -> Network:
    """A network over a timm backbone without classifier, on a GPU where there is one.

    `frozen` is how many of its first groups of blocks are left as they are, where it is built of such (timm's
    EfficientNet, MobileNet and their kin: a stem, then `blocks`); of other backbones all is tuned.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts = [normalisation(backbone), *_taken(backbone, frozen)]
    lower = torch.nn.Sequential(*parts).eval().requires_grad_(False)
    with torch.no_grad():
        size = backbone.num_features if not hasattr(backbone, "head_hidden_size") else backbone.head_hidden_size
    backbone.to(device, memory_format=torch.channels_last)  # two to three times as fast on a CPU
    return Network(lower.to(device), backbone, torch.nn.Linear(size, classes).to(device), device, looks)


def build_surfaces(backbones: dict[str, Any], classes: int, looks: int = 1) -> Network:
    """A network whose embedding is of surfaces, as frozen backbones see them: only the head learns."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lower = surfaces(backbones).to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    with torch.no_grad():
        parts = lower.parts(torch.zeros((1, 64, 64, 3), dtype=torch.uint8, device=device))
    sizes = tuple(part.shape[1] for part in parts)
    head = torch.nn.Linear(sum(sizes), classes).to(device)
    return Network(lower, torch.nn.Identity(), head, device, looks, sizes)


def _taken(backbone: Any, frozen: int) -> list[Any]:
    """The stem and first blocks, taken out of the backbone, which then begins where they end."""
    import torch

    names = ("conv_stem", "bn1")
    blocks = getattr(backbone, "blocks", None)
    if not frozen or blocks is None or not all(hasattr(backbone, name) for name in names):
        return []
    taken = [getattr(backbone, name) for name in names] + list(blocks[:frozen])
    for name in names:
        setattr(backbone, name, torch.nn.Identity())
    backbone.blocks = torch.nn.Sequential(*list(blocks[frozen:]))
    return taken
