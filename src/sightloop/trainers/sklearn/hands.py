"""Other views of a hand that mean the same, for training: mirrored, turned, stretched, a little off."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sightloop.values.recipe import Fraction


class Alteration(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far training hands are altered.

    `copies` of each hand are made an epoch. A share `mirrored` becomes the other hand; `turn` is the standard deviation
    of the rotation in degrees; heights are stretched or squeezed by a factor up to `stretch`, which stands for images
    of unknown aspect ratio; `noise` is a standard deviation as a share of the hand's size, per point and axis.
    """

    copies: Annotated[int, Meta(ge=1)] = 4
    mirrored: Fraction = 0.5
    turn: Annotated[float, Meta(ge=0, le=180)] = 9.0
    stretch: Annotated[float, Meta(ge=1)] = 1.67
    noise: Annotated[float, Meta(ge=0)] = 0.01


def altered(hands: NDArray[np.float32], how: Alteration, chance: np.random.Generator) -> NDArray[np.float32]:
    """Each of the hands (N, 21, 3) once more, altered by chance: (N, 21, 3). Depth stays as it is."""
    count = len(hands)
    plane = hands[:, :, :2] - hands[:, :1, :2]
    size = np.sqrt((plane**2).sum(axis=2).mean(axis=1))
    turned = plane @ _turns(how, chance, count)
    noise = chance.normal(0, how.noise, turned.shape) * size[:, None, None]
    return np.concatenate([(turned + noise).astype(np.float32), hands[:, :, 2:]], axis=2)


def _turns(how: Alteration, chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    """The matrices (N, 2, 2) that mirror, then turn, then stretch a row vector x, y."""
    angle = np.radians(chance.normal(0, how.turn, count))
    side = np.where(chance.random(count) < how.mirrored, -1.0, 1.0)
    reach = np.log(how.stretch)
    height = np.exp(chance.uniform(-reach, reach, count))
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([side * cos, side * sin * height], 1), np.stack([-sin, cos * height], 1)], 1)
