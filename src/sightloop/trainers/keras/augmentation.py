"""Small changes to training images that leave their class as it is: moved, turned, scaled, bent, mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

Share = Annotated[float, Meta(ge=0, le=1)]
Angle = Annotated[float, Meta(ge=0, le=180)]


class Changes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far an image may be changed; 0 or false leaves that out.

    `shift` and `bend` are shares of the image's size, `scale` and `shear` shares of a length, `rotate` degrees; each
    is the largest change to either side, and each image draws its own. `mirror` mirrors half of the images.
    """

    shift: Share = 0.08
    rotate: Angle = 10.0
    scale: Share = 0.1
    shear: Share = 0.1
    bend: Share = 0.0
    mirror: bool = False


@dataclass(frozen=True)
class Augmentation:
    """Applies changes to batches; the same seed gives the same images."""

    changes: Changes
    seed: int

    def apply(self, inputs: NDArray[np.uint8], epoch: int, batch: int) -> NDArray[np.uint8]:
        """A changed copy of the images (N, height, width, 3) for this batch of this epoch."""
        random = np.random.default_rng((self.seed, epoch, batch))
        height, width = inputs.shape[1:3]
        maps = self._matrices(random, len(inputs), height, width)
        changed = np.empty_like(inputs)
        for image, matrix, target in zip(inputs, maps, changed, strict=True):
            cv2.warpAffine(image, matrix, (width, height), dst=target, borderMode=cv2.BORDER_REPLICATE)
        if self.changes.bend:
            self._bend(random, changed)
        return changed

    def _matrices(self, random: np.random.Generator, count: int, height: int, width: int) -> NDArray[np.float64]:
        """One affine map (2, 3) an image, about the image's middle."""
        changes = self.changes
        turn = np.deg2rad(random.uniform(-changes.rotate, changes.rotate, count))
        longer = np.exp(random.uniform(-1, 1, (2, count)) * np.log1p(changes.scale))
        shear = random.uniform(-changes.shear, changes.shear, count)
        if changes.mirror:
            longer[0] *= random.choice((-1.0, 1.0), count)
        cosine, sine = np.cos(turn), np.sin(turn)
        linear = np.empty((count, 2, 2))
        linear[:, 0, 0], linear[:, 0, 1] = longer[0] * cosine, longer[0] * shear - longer[1] * sine
        linear[:, 1, 0], linear[:, 1, 1] = longer[0] * sine, longer[1] * cosine
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        shift = random.uniform(-changes.shift, changes.shift, (count, 2)) * (width, height)
        return np.concatenate([linear, (middle - linear @ middle + shift)[:, :, None]], axis=2)

    def _bend(self, random: np.random.Generator, images: NDArray[np.uint8]) -> None:
        """Elastic distortion (Simard et al., 2003) from a coarse random field, in place."""
        height, width = images.shape[1:3]
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2).astype(np.float32)
        coarse = random.uniform(-1, 1, (len(images), 5, 5, 2)).astype(np.float32)
        coarse *= np.float32(self.changes.bend) * np.array([width, height], dtype=np.float32)
        for image, field in zip(images, coarse, strict=True):
            where = grid + cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
            across, down = where[..., 0], where[..., 1]
            image[:] = cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
