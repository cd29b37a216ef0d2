"""The running mean of a network's weights while it learns, which answers better than the weights of any one moment."""

from __future__ import annotations

import copy
from dataclasses import replace

from sightloop.trainers.timm.network import Network, State

_KEPT = 0.98
"""Of the mean at each step: it reaches back over some 50 steps. In the first steps over fewer."""


class Average:
    """An exponential moving average of upper part and head (Polyak and Juditsky, 1992), as a network of its own."""

    def __init__(self, network: Network) -> None:
        self.network: Network = replace(network, upper=copy.deepcopy(network.upper), head=copy.deepcopy(network.head))
        self.steps = 0

    def add(self, network: Network) -> None:
        """Take in the weights, and the statistics of batch normalisation, as they are after a step."""
        import torch

        self.steps += 1
        share = 1 - min(_KEPT, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, now in ((self.network.upper, network.upper), (self.network.head, network.head)):
                for held, fresh in zip(mean.state_dict().values(), now.state_dict().values(), strict=True):
                    if held.is_floating_point():
                        held.lerp_(fresh, share)
                    else:
                        held.copy_(fresh)

    def restore(self, state: State, steps: int) -> None:
        """Go back to the mean after so many steps."""
        self.network.restore(state)
        self.steps = steps
