"""How well both detectors learn football: python bench/football.py DATA_FOLDER WEIGHTS_FOLDER [TRAINER ...].

Each is fine-tuned on the 28 pictures of `train` from the weights that were published for COCO, chosen on `valid`, and
looked at once on `test`, beside the same detector before, which knows a person and no player. Every answer comes
through the ONNX package, as it is served; all 40 pictures are also answered by the framework, as the parity check does.
Writes bench/results/football.json; a trainer that is not named keeps what stands there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import sources
from sightloop.data.recipes import load
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks import precision
from sightloop.tasks.detection import TASK, located
from sightloop.trainers import packaging
from sightloop.trainers.boxes import detectors, ultralytics_network, yolox
from sightloop.trainers.boxes.suppression import suppressing
from sightloop.trainers.boxes.yolo import load_ultralytics
from sightloop.trainers.torchvision_operators import load_libreyolo
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import MAX_PIXELS
from sightloop.values.package import DETECTIONS, Parity, Sealed
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, Side

RESULTS = Path(__file__).parent / "results" / "football.json"
RECIPE = load()["football"]
TRAINERS = ("libreyolo", "yolo")
ALONE = msgspec.structs.replace(RECIPE, classes=("player",))

Rows = NDArray[np.float32]


def pictures(items: list[Labelled], *sides: Side, classes: tuple[str, ...] = RECIPE.classes) -> Pictures:
    """The pictures of these sides, with their boxes of these classes."""
    some = [item for item in items if item.side in sides]
    boxes = [
        np.array(
            [[*box.corners, classes.index(box.label)] for box in item.boxes or () if box.label in classes], np.float32
        ).reshape(-1, 5)
        for item in some
    ]
    return Pictures([item.content for item in some], boxes)


def scores(package: Sealed, given: Pictures) -> dict[str, float]:
    """The package's scores on pictures, as it would answer them when it serves."""
    session, card = RUNTIME.open(package, threads=1), package.card
    found = []
    for content in given.contents:
        prepared = TASK.prepare(content, card.input, max_pixels=MAX_PIXELS)
        found.append(located([session.run(one[None])[0][0] for one in prepared.inputs], card.input, prepared.size))
    matched = precision.match(found, given.boxes, len(card.classes))
    return {
        name: round(value, 4) for name, value in precision.score(matched, card.classes, card.threshold).flat().items()
    }


def before(trainer: str, weights: Path, items: list[Labelled]) -> dict[str, float]:
    """The same detector as it was published, its persons taken for players."""
    height, width = RECIPE.input.height, RECIPE.input.width
    if trainer == "libreyolo":
        load_libreyolo()
        inputs, _ = detectors.laid_out(pictures(items, Side.TRAIN), RECIPE.input)
        network = yolox.build(
            "n", weights / "yolox_nano.onnx", ("player",), {"player": "person"}, yolox.given(inputs[:8])
        )
        graph = yolox.to_onnx(network, height, width)
    else:
        load_ultralytics()
        model = ultralytics_network.build(weights / "yolo11n.pt", ("player",), {"player": "person"})
        graph = ultralytics_network.to_onnx(model, height, width)
    package = packaging.described(
        Fitted(graph=graph, predict=lambda _: ([], np.zeros((0, 0), np.float32)), epochs=0),
        ALONE,
        Parity(samples=0, max_difference=0.0, limit=0.0),
        dataset="",
        code="bench",
        created="",
    )
    card = msgspec.structs.replace(package, answer=DETECTIONS, threshold=0.25)
    sealed = packaging.sealed(card, suppressing(graph), b"")
    return {
        str(side): scores(sealed, pictures(items, side, classes=("player",)))["ap50.player"]
        for side in (Side.VALIDATION, Side.TEST)
    }


def parity(fitted: Fitted, package: Sealed, items: list[Labelled]) -> dict[str, float]:
    """The package beside its framework on all pictures there are: both mAPs, and the boxes without a counterpart."""
    given = pictures(items, *Side)
    inputs, truth = detectors.laid_out(given, RECIPE.input)
    session = RUNTIME.open(package, threads=1)
    ours = [rows[rows[:, 4] > 0] for rows in packaging.run(session, inputs, 4)[0]]
    theirs, _ = fitted.predict(inputs)
    alone, boxes = detectors.alone(ours, theirs)
    both = [precision.mean(precision.match(found, truth, len(RECIPE.classes))) for found in (ours, theirs)]
    return {
        "pictures": len(given),
        "map50_package": both[0][0],
        "map50_framework": both[1][0],
        "map_package": both[0][1],
        "map_framework": both[1][1],
        "boxes": boxes,
        "boxes_without_counterpart": alone,
    }


def told(trainer: str) -> Any:
    """A listener that prints each epoch."""

    def report(done: float = 0.0, message: str = "", metrics: dict[str, float] | None = None) -> None:
        if metrics is None or "val_map50" in metrics:
            print(f"{trainer} {100 * done:.0f} % {message} {metrics or ''}", flush=True)

    return report


def recipe_for(trainer: str, weights: Path, epochs: int) -> Recipe:
    """Football's recipe for a trainer, its weights in this folder."""
    names = {"libreyolo": "yolox_nano.onnx", "yolo": "yolo11n.pt"}
    options = RECIPE.train.options | {"weights": str(weights / names[trainer])}
    train = msgspec.structs.replace(RECIPE.train, trainer=trainer, epochs=epochs, options=options)
    return msgspec.structs.replace(RECIPE, train=train)


def measure(trainer: str, items: list[Labelled], weights: Path, epochs: int, keep: Path | None) -> dict[str, Any]:
    """All figures of one trainer."""
    recipe = recipe_for(trainer, weights, epochs)
    found: dict[str, Any] = {"before": before(trainer, weights, items)}
    print(trainer, "before", found["before"], flush=True)
    train, valid = pictures(items, Side.TRAIN), pictures(items, Side.VALIDATION)
    wall, cpu = time.monotonic(), time.process_time()
    fitted: Fitted = plugins.load("trainers", trainer).train(recipe, train, valid, told(trainer))
    found["seconds"] = {"wall": round(time.monotonic() - wall), "cpu": round(time.process_time() - cpu)}
    with tempfile.TemporaryDirectory() as folder:
        place = keep / trainer if keep else Path(folder)
        package = detectors.pack(fitted, recipe, valid, open=RUNTIME.open, dataset="bench", code="bench", folder=place)
    return found | {
        "epochs": fitted.epochs,
        "parameters": fitted.parameters | {"weights": Path(fitted.parameters["weights"]).name},
        "licence": package.card.licence,
        "valid": scores(package, valid),
        "test": scores(package, pictures(items, Side.TEST)),
        "parity": parity(fitted, package, items),
        "megabytes_at_most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "curves": fitted.curves,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("trainers", nargs="*", default=list(TRAINERS))
    parser.add_argument("--epochs", type=int, default=RECIPE.train.epochs)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    items = list(sources.read(given.data, boxed=True))
    written = json.loads(given.results.read_text()) if given.results.exists() else {}
    for trainer in given.trainers:
        written[trainer] = measure(trainer, items, given.weights, given.epochs, given.keep)
        written[trainer]["machine"] = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
        given.results.parent.mkdir(exist_ok=True)
        given.results.write_text(json.dumps(written, indent=2) + "\n")
        print(json.dumps({name: written[trainer][name] for name in ("before", "valid", "test", "parity")}, indent=2))


if __name__ == "__main__":
    main()
