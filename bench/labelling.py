"""How many labels the queue saves on photographs: python bench/labelling.py DATA_FOLDER WEIGHTS_FILE.

A head of logistic regression on a frozen backbone knows rps' hands before their green screen. Then a stream comes of
which half are such hands and half a new kind: other hands of the set, before other backgrounds. So many pictures of the
stream are labelled, chosen by the queue or at random, the head is fitted anew with them, and judged on further
hands of the new kind. Both choose from the same stream; each number is the mean over SPLITS divisions of the set (and
for chance over DRAWS draws in each). Writes bench/results/labelling.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from photographs import other_rooms

from sightloop.data import folders
from sightloop.data.recipes import load
from sightloop.loop.samples.queue import rank
from sightloop.trainers.timm.linear import Linear
from sightloop.trainers.timm.logistic import fit
from sightloop.trainers.timm.network import Network, build
from sightloop.trainers.timm.options import options
from sightloop.trainers.timm.pretrained import create
from sightloop.trainers.trainer import Arrays
from sightloop.values.image import Image

RESULTS = Path(__file__).parent / "results" / "labelling.json"
LABELS = (10, 17, 30, 50, 100, 167)  # 17, 50 and 167 are what six tenths of are 10, 30 and 100
SPLITS, DRAWS = 5, 5
TAUGHT, KNOWN, NEW = 150, 150, 150


class Lesson:
    """One division of the set: what was taught, the stream, what is judged."""

    def __init__(self, seed: int, targets: NDArray[np.int64], screen: NDArray[np.float32], room: NDArray[np.float32]):
        rows = np.random.default_rng(seed).permutation(len(targets))
        taught, known, new, judged = np.split(rows, np.cumsum([TAUGHT, KNOWN, NEW]))
        self.taught = screen[taught], targets[taught]
        self.stream = np.concatenate([screen[known], room[new]]), np.concatenate([targets[known], targets[new]])
        self.judged = room[judged], targets[judged]
        self.head = self.learned(np.array([], int))

    def learned(self, rows: NDArray[np.intp] | list[int]) -> Linear:
        """A head that is taught these rows of the stream too; its strength is chosen on the taught ones' last third."""
        embeddings = np.concatenate([self.taught[0], self.stream[0][rows]])
        targets = np.concatenate([self.taught[1], self.stream[1][rows]])
        held = self.taught[0][-TAUGHT // 3 :], self.taught[1][-TAUGHT // 3 :]
        return fit(embeddings, targets, held, balanced=True)

    def accuracy(self, head: Linear) -> float:
        """On the new kind."""
        return float((head.logits(self.judged[0]).argmax(axis=1) == self.judged[1]).mean())

    def by_queue(self, count: int) -> float:
        """Accuracy after labels that the queue chose."""
        logits = self.head.logits(self.stream[0])
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        chosen = rank(shares / shares.sum(axis=1, keepdims=True), self.stream[0], count)
        return self.accuracy(self.learned(chosen))

    def by_chance(self, count: int) -> float:
        """Mean accuracy after labels drawn at random."""
        draws = (np.random.default_rng((draw, count)).permutation(len(self.stream[1]))[:count] for draw in range(DRAWS))
        return float(np.mean([self.accuracy(self.learned(rows)) for rows in draws]))


def embedded(network: Network, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The embeddings of raw pixels."""
    return network.embeddings(network.look(pixels))


def main(data: Path, weights: str) -> None:
    """Measure, print, write."""
    recipe = load()["rps"]
    shrink = options(recipe).shrink  # the backbone's share of a picture is what is embedded
    size = (recipe.input.height // shrink, recipe.input.width // shrink)
    items = list(folders.read(data / "rps"))
    pixels = np.stack([Image.decode(item.content).resized(*size) for item in items])
    targets = np.array([recipe.classes.index(item.label) for item in items])
    leaves = [Image.decode(path.read_bytes()).pixels for path in sorted((data / "leaves").glob("*/*"))[::9]]
    backbone = create("mobilenetv2_100", weights, size, lambda **_: None, local=None, offline=True)
    network = build(backbone, len(recipe.classes), 4)
    screen = embedded(network, pixels)
    room = embedded(network, other_rooms(Arrays(pixels, targets), leaves).inputs)
    lessons = [Lesson(seed, targets, screen, room) for seed in range(SPLITS)]
    found: dict[str, Any] = {"without labels": round(float(np.mean([one.accuracy(one.head) for one in lessons])), 4)}
    for count in LABELS:
        queue, chance = ([how(one) for one in lessons] for how in _hows(count))
        found[str(count)] = {"queue": round(float(np.mean(queue)), 4), "chance": round(float(np.mean(chance)), 4)}
        print(count, found[str(count)], flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def _hows(count: int) -> list[Any]:
    return [lambda one: one.by_queue(count), lambda one: one.by_chance(count)]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
