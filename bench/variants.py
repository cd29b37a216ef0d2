"""What augmentation, resolution and tiles bring to a detector: python bench/variants.py DATA WEIGHTS [--epochs 6].

YOLOX-nano is fine-tuned for a few epochs by football's recipe, without augmentation, and at 864 x 480, and asked on
`valid`; the first is also asked at other sizes and in tiles, which costs no training. It answers by its framework, as a
package has one size. Writes bench/results/variants.json; the classes' figures are AP50.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from football import RECIPE, pictures, recipe_for, told

from sightloop import plugins
from sightloop.data import sources
from sightloop.tasks import precision
from sightloop.tasks.detection import located, prepared
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Input, Recipe
from sightloop.values.sample import Side

RESULTS = Path(__file__).parent / "results" / "variants.json"
STILL = {"smallest": 1.0, "largest": 1.0, "mirror": 0.0, "light": 0.0, "colour": 0.0}
ASKED = {
    "at 864 x 480": Input(kind="image", height=480, width=864),
    "at 1600 x 928": Input(kind="image", height=928, width=1600),
    "at 1920 x 1088": Input(kind="image", height=1088, width=1920),
    "whole and 1 x 2 tiles": msgspec.structs.replace(RECIPE.input, tiles=(1, 2)),
    "whole and 2 x 2 tiles": msgspec.structs.replace(RECIPE.input, tiles=(2, 2)),
}


def asked(fitted: Fitted, given: Pictures, spec: Input) -> dict[str, float]:
    """What the framework's own boxes score at a size, and the processor's milliseconds for a picture."""
    found, begun = [], time.process_time()
    for content in given.contents:
        one = prepared(Image.decode(content).pixels, spec)
        found.append(located([fitted.predict(part[None])[0][0] for part in one.inputs], spec, one.size))
    spent = 1000 * (time.process_time() - begun) / len(given)
    scores = precision.score(precision.match(found, given.boxes, len(RECIPE.classes)), RECIPE.classes, 0.25)
    each = {label: round(one.ap50, 3) for label, one in scores.per_class.items()}
    return {"map50": round(scores.map50, 3)} | each | {"processor_ms": round(spent)}


def variants(plain: Recipe) -> dict[str, Recipe]:
    """The recipes that are trained, by what is other than in the first."""
    options = plain.train.options | {"changes": STILL}
    still = msgspec.structs.replace(plain, train=msgspec.structs.replace(plain.train, options=options))
    return {
        "as the recipe": plain,
        "no augmentation": still,
        "trained and asked at 864 x 480": msgspec.structs.replace(plain, input=ASKED["at 864 x 480"]),
    }


def main() -> None:
    """Train, ask and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    items = list(sources.read(given.data, boxed=True))
    train, valid = pictures(items, Side.TRAIN), pictures(items, Side.VALIDATION)
    found: dict[str, Any] = {"epochs": given.epochs, "cores": os.cpu_count(), "pictures": len(valid)}
    kinds = np.concatenate(valid.boxes)[:, 4]
    found["boxes"] = {label: int((kinds == place).sum()) for place, label in enumerate(RECIPE.classes)}
    for name, recipe in variants(recipe_for("libreyolo", given.weights, given.epochs)).items():
        fitted: Fitted = plugins.load("trainers", "libreyolo").train(recipe, train, valid, told(name))
        found[name] = asked(fitted, valid, recipe.input)
        print(name, found[name], flush=True)
        if name == "as the recipe":
            for how, spec in ASKED.items():
                found[f"{name}, {how}"] = asked(fitted, valid, spec)
                print(name, how, found[f"{name}, {how}"], flush=True)
        given.results.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
