"""What a training leaves on disk so that it goes on where it was killed, not from the beginning."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Checkpoints:
    """States by name in a folder, each whole or not there; without a folder nothing is kept."""

    folder: Path | None

    def save(self, name: str, state: dict[str, Any]) -> None:
        """Keep tensors and plain values, in place of what was kept under this name."""
        import torch

        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"{name}.new"
        with fresh.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / f"{name}.pt")

    def load(self, name: str) -> dict[str, Any] | None:
        """What was kept, or None where nothing was that can be read; code in it is refused, never run."""
        import torch

        if self.folder is None or not (path := self.folder / f"{name}.pt").is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(path, "cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):  # a damaged disk costs time, not the training
            return None
        return state
