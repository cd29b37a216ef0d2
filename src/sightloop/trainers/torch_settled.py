"""torch with its seed and threads fixed, so that a training comes out the same twice: one place for all trainers."""

from __future__ import annotations

import os

MOST_THREADS = 8
"""More than this only wait for one another in networks as small as ours."""


def settle(seed: int, *, sharing: bool = False) -> str:
    """Fix the seed and the threads; what of a training is not repeatable, or an empty text.

    `sharing` leaves half of the cores to what runs beside torch: a thread that all others wait for at every layer, and
    that has no core of its own, made steps ten times slower.
    """
    import torch

    torch.manual_seed(seed)
    cores = (os.cpu_count() or 1) // (2 if sharing else 1)
    torch.set_num_threads(max(1, min(MOST_THREADS, cores)))
    if torch.cuda.is_available():
        return "training on a GPU: the gradients of convolutions"
    torch.use_deterministic_algorithms(True)
    return ""
