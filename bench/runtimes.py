"""Which runtime answers a detector quickest, and at what loss: python bench/runtimes.py DATA PACKAGE ... [--out FILE].

DATA is a data set with boxes, each PACKAGE the folder of a detector's package (`bench/football.py --keep` leaves some).
All ways take turns over the pictures of `valid`, so that noise hits them alike. Beside the runtimes that sightloop has,
the graph is also made int8 by ONNX Runtime (QDQ, u8s8, a scale for each channel of the weights, the ranges from every
fourth picture of `train`; convolutions alone, with and without those of depth), and run by both engines. Quality is mAP
on `valid`, and the boxes that have no counterpart among ONNX Runtime's own (same class, overlap 0.9, score within
0.01), as the parity check counts them. Processor time depends less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from football import pictures
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import sources
from sightloop.tasks import precision
from sightloop.trainers.boxes import detectors
from sightloop.values.package import GRAPH, INPUT, Sealed
from sightloop.values.sample import Side, digest_of

EXACT = ("onnx", "openvino", "openvino-bf16")
ENGINES = ("onnx", "openvino")


class Few:
    """Some pictures, as ONNX Runtime's calibration asks for them."""

    def __init__(self, inputs: NDArray[np.uint8]) -> None:
        self._left = iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next one, or None."""
        found = next(self._left, None)
        return None if found is None else {INPUT: found[None]}


def quantised(package: Sealed, inputs: NDArray[np.uint8], *, depth: bool) -> Sealed:
    """The package with its convolutions in int8; those of depth too, where wanted."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as made:
        plain, before, after = (Path(made) / f"{name}.onnx" for name in ("plain", "before", "after"))
        plain.write_bytes(package.graph)
        quant_pre_process(str(plain), str(before), skip_symbolic_shape=True)
        model = onnx.load(before)
        version = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
        del model.opset_import[:]  # it is named twice by now, which stops the next step
        model.opset_import.append(onnx.helper.make_opsetid("", version))
        onnx.save(model, before)
        grouped = [
            node.name
            for node in model.graph.node
            if node.op_type == "Conv" and any(one.name == "group" and one.i > 1 for one in node.attribute)
        ]
        quantize_static(
            str(before),
            str(after),
            Few(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[] if depth else grouped,
        )
        graph = after.read_bytes()
    files = package.card.files | {GRAPH: digest_of(graph)}
    return Sealed(msgspec.structs.replace(package.card, files=files), graph, package.golden)


def ways_of(package: Sealed, shown: NDArray[np.uint8]) -> dict[str, Any]:
    """A session for each way to answer with a package; `shown` are the pictures that give int8 its ranges."""
    ways = {name: (package, name) for name in EXACT}
    for told, depth in (("int8", True), ("int8 but depth", False)):
        smaller = quantised(package, shown, depth=depth)
        ways |= {f"{engine}, {told}": (smaller, engine) for engine in ENGINES}
    threads = os.cpu_count() or 1
    return {way: plugins.load("runtimes", name).open(one, threads=threads) for way, (one, name) in ways.items()}


def measured(package: Sealed, data: Path) -> dict[str, Any]:
    """Every way of one package: milliseconds of wall and processor for a picture, and how well it answers."""
    items = list(sources.read(data, boxed=True))
    inputs, truth = detectors.laid_out(pictures(items, Side.VALIDATION), package.card.input)
    shown, _ = detectors.laid_out(pictures(items, Side.TRAIN), package.card.input)
    sessions = ways_of(package, shown[::4])
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in sessions}
    found: dict[str, list[NDArray[np.float32]]] = {way: [] for way in sessions}
    for session in sessions.values():
        session.run(inputs[:1])
    for one in inputs:
        for way, session in sessions.items():
            wall, processor = time.perf_counter(), time.process_time()
            rows = session.run(one[None])[0][0]
            times[way].append((time.perf_counter() - wall, time.process_time() - processor))
            found[way].append(rows[rows[:, 4] > 0])
    told = {}
    for way, answers in found.items():
        map50, whole = precision.mean(precision.match(answers, truth, len(package.card.classes)))
        missing, boxes = detectors.alone(answers, found["onnx"])
        told[way] = {
            "milliseconds": round(1000 * statistics.median(wall for wall, _ in times[way]), 1),
            "processor_ms": round(1000 * statistics.median(processor for _, processor in times[way]), 1),
            "map50": round(map50, 4),
            "map": round(whole, 4),
            "boxes_without_counterpart": f"{missing} of {boxes}",
        }
        print(package.card.trainer, way, told[way], flush=True)
    return told


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("packages", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "runtimes.json")
    given = parser.parse_args()
    written: dict[str, Any] = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    written["load"] = os.getloadavg()[0]
    for place in given.packages:
        package = Sealed.read(place)
        size = f"{package.card.input.width} x {package.card.input.height}"
        written[package.card.trainer] = {"input": size, "epochs": package.card.epochs} | measured(package, given.data)
    given.out.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
